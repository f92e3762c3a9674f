import { isAuditId } from '@sealtrail/evidence'
import { ERRORS, SealtrailError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { InputResult, Receipt } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import type { CheckAnswer, CheckAsked, NotificationQuery, Reader, Reading, RecordQuery, Shown, Viewer } from '../http/ports.ts'
import { check, committedAt } from './check.ts'
import { Finder } from './finder.ts'
import type { Index, Token } from './index.ts'
import { interaction, interactionState } from './interactions.ts'
import { auditNotifications } from './notifications.ts'
import { proofHashes, Prover } from './prover.ts'
import type { ProofSource } from './prover.ts'
import { runQuery } from './query.ts'
import type { Query } from './query.ts'
import { attributesOf, dataFor, goneFields, problemFields, problemsOf, proveAll, receiptOf, shownOf, sightFor, stateFields } from './reading.ts'
import type { ProvenRecord, ReadingDeps } from './reading.ts'
import type { Records } from './records.ts'
import { Tail } from './tail.ts'
import type { TrailReading } from './trails.ts'
import { viewOf } from './views.ts'
import type { Opening, View } from './views.ts'

const SYSTEM_LOG = 'system'

export interface LogReaderDeps extends Pick<ReadingDeps, 'vault' | 'erasedUnder' | 'hashes' | 'tenant' | 'onIndexDamage' | 'now'> {
  readonly index: Index
  readonly records: Records
  readonly proofs: ProofSource
  readonly trails: readonly TrailReading[]
  /** The search tokens the vault keeps beside each record's disclosures; none when the row is gone. */
  tokens(auditids: readonly string[]): Promise<ReadonlyArray<readonly Token[]>>
  /** What grants open to this reader, for the purpose given, now. */
  openings?(viewer: Viewer): Promise<readonly Opening[]>
  /** `auth.purposeRequired` */
  readonly purposeRequired?: boolean
  /** How long an answer waits for the index, and how many records it reads from the segments instead. */
  readonly tail?: { readonly waitMs: number; readonly maxRecords: number }
}

/** Answers from the log: everything found by the index is proved before it is shown. */
export class LogReader implements Reader {
  readonly #deps: ReadingDeps
  readonly #proofs: ProofSource
  readonly #openings: (viewer: Viewer) => Promise<readonly Opening[]>
  readonly #purposeRequired: boolean

  constructor(deps: LogReaderDeps) {
    this.#openings = async (viewer) => (await deps.openings?.(viewer)) ?? []
    this.#purposeRequired = deps.purposeRequired ?? false
    const { index, records, tokens, proofs } = deps
    const tail = new Tail(index, records, { waitMs: deps.tail?.waitMs ?? 500, pollMs: 5, maxRecords: deps.tail?.maxRecords ?? 100_000, sleep: proofs.sleep })
    this.#deps = { ...deps, tail, finder: new Finder({ index, records, tail, tokens }), prover: new Prover(proofs) }
    this.#proofs = proofs
  }

  async auditNotifications(query: NotificationQuery, viewer: Viewer): Promise<Reading | null> {
    return auditNotifications(query, await this.#view(viewer), this.#deps)
  }

  async interaction(id: string, page: { readonly limit: number; readonly cursor?: string }, viewer: Viewer): Promise<Reading | null> {
    return interaction(id, page, await this.#view(viewer), this.#deps)
  }

  async interactionState(id: string, atMs: number, viewer: Viewer): Promise<Reading | null> {
    return interactionState(id, atMs, await this.#view(viewer), this.#deps)
  }

  async records(asked: RecordQuery, viewer: Viewer): Promise<Reading> {
    const { log, ...query } = asked
    const all = this.#deps.records.logs()
    if (log !== undefined && !all.includes(log)) throw new SealtrailError('UNKNOWN_TRAIL', 'there is no log of this name')
    const logs = log === undefined ? all.filter((each) => each !== SYSTEM_LOG) : [log]
    const { entries, next, lag, mismatches } = await runQuery({ ...query, logs } satisfies Query, this.#deps)
    const proven: ProvenRecord[] = []
    const damaged: ProvenRecord[] = []
    for (const each of logs) {
      proven.push(
        ...(await proveAll(
          entries.filter((entry) => entry.log === each),
          each,
          this.#deps,
        )),
      )
      const wrong = await Promise.all(mismatches.filter((mismatch) => mismatch.log === each).map(({ index }) => this.#deps.finder.at(each, index)))
      damaged.push(...(await proveAll(wrong, each, this.#deps)))
    }
    // A record that says something else than the index and verifies all the same: then it is the index that is wrong.
    for (const record of damaged) if (record.proven.problems.length === 0) this.#deps.onIndexDamage(record.log, record.index)
    const place = new Map(proven.map((record) => [`${record.log} ${record.index}`, record]))
    const shown = entries.map((entry) => place.get(`${entry.log} ${entry.index}`) as ProvenRecord)
    const view = await this.#view(viewer)
    const seen = await Promise.all(shown.map((record) => this.#attributes(record, view)))
    const body: JsonObject = {
      records: seen.map(({ attributes }, i) => ({ ...attributes, proof: proofHashes((shown[i] as ProvenRecord).proven) })),
      next,
      lag,
      checkpoints: Object.fromEntries(shown.map(({ seal }) => [seal.log, seal.note])),
      ...problemFields(problemsOf([...proven, ...damaged])),
    }
    return { body, shown: seen.map((each) => each.shown) }
  }

  async record(auditid: string, viewer: Viewer): Promise<Reading | null> {
    const record = await this.#find(auditid)
    if (record === null) return null
    const problems = problemFields(problemsOf([record]))
    if (record.fields === null)
      return { body: { auditid, log: record.log, index: record.index, ...goneFields(record), ...problems }, shown: [{ log: record.log, auditid }] }
    const { attributes, shown } = await this.#attributes(record, await this.#view(viewer))
    const body: JsonObject = {
      ...attributes,
      // The leaf itself: what is hashed, byte for byte, with commitments where personal values stood.
      leaf: Buffer.from(record.bytes as Uint8Array).toString(),
      receipt: receiptOf(record, this.#deps),
      ...problems,
    }
    return { body, shown: [shown] }
  }

  async check(
    { auditid, path, value }: CheckAsked,
    viewer: Viewer,
    ask: (place: { readonly log: string; readonly auditid: string; readonly path: string }) => Promise<void>,
  ): Promise<CheckAnswer | null> {
    const record = await this.#find(auditid)
    if (record === null) return null
    if (record.gone !== undefined) throw new SealtrailError('RECORDS_EXPIRED', `the record expired under ${record.gone.class} on ${record.gone.on}`)
    assertProven(record)
    const digests = committedAt(attributesOf(record).data, path)
    const sight = sightFor(record, await this.#view(viewer), this.#deps)
    // PCI DSS 3.5.1: with BIN and last four before one's eyes, what is left of a card number is soon tried.
    if (digests.some((field) => !sight.sees(path, field.digest) && sight.isMaskedCard(field.path)))
      throw new SealtrailError('FORBIDDEN', 'this card number is shown masked to this role, so that it cannot be asked for as well (PCI DSS 3.5.1)')
    await ask({ log: record.log, auditid, path })
    const { state, matches } = await check(
      auditid,
      digests.map(({ digest }) => digest),
      value,
      this.#deps.vault,
    )
    return { log: record.log, auditid, path, state, matches }
  }

  async proof(auditid: string): Promise<{ readonly log: string; readonly text: string } | null> {
    const record = await this.#find(auditid)
    if (record === null) return null
    assertProven(record)
    return { log: record.log, text: this.#deps.prover.tlogProof(record.seal, record.index, record.proven) }
  }

  /** Every record of a subject in a log, in order, each with its tlog-proof against one checkpoint. @throws SealtrailError DATA_CORRUPT */
  async sealed(log: string, subject: string): Promise<Array<{ readonly bytes: Uint8Array; readonly proof: string }>> {
    const found = (await this.#deps.finder.bySubject(log, subject)).filter(({ fields }) => fields?.subject === subject)
    return (await proveAll(found, log, this.#deps)).map((record) => {
      assertProven(record)
      return { bytes: record.bytes as Uint8Array, proof: this.#deps.prover.tlogProof(record.seal, record.index, record.proven) }
    })
  }

  async eventResult(auditid: string): Promise<InputResult | null> {
    const record = await this.#find(auditid)
    if (record === null) return null
    assertProven(record)
    // It was sealed, and has expired: nothing more is known of it.
    if (record.gone !== undefined) return { outcome: 'sealed', auditid, receipt: { auditid, log: record.log, index: record.index } }
    const { type, late, data } = attributesOf(record)
    const receipt = receiptOf(record, this.#deps) as unknown as Receipt
    const code = data['code']
    const kind = type === 'sealtrail.quarantined' ? 'quarantined' : type === 'sealtrail.refused' ? 'refused' : 'sealed'
    return {
      outcome: kind,
      auditid,
      ...(late && record.fields?.status !== '' ? { superseded: true } : {}),
      ...(kind !== 'sealed' && typeof code === 'string' && Object.hasOwn(ERRORS, code) ? { code: code as ErrorCode } : {}),
      receipt,
    }
  }

  async checkpoint(log: string): Promise<string | null> {
    return this.#proofs.published(log)?.note ?? null
  }

  /** The record with this audit id, or, when its bytes were changed, what stands in its place. */
  async #find(auditid: string): Promise<ProvenRecord | null> {
    if (!isAuditId(auditid)) return null
    let changed: ProvenRecord | null = null
    for (const found of await this.#deps.finder.byAuditid(auditid)) {
      const [record] = await proveAll([found], found.log, this.#deps)
      if (record === undefined) continue
      if (record.proven.problems.length > 0 || record.gone !== undefined) changed ??= record
      else if (record.fields?.auditid === auditid) return record
      else this.#deps.onIndexDamage(found.log, found.index)
    }
    return changed
  }

  async #view(viewer: Viewer): Promise<View> {
    return viewOf(viewer, await this.#openings(viewer), this.#purposeRequired)
  }

  async #attributes(record: ProvenRecord, view: View): Promise<{ attributes: JsonObject; shown: Shown }> {
    const disclosed = await dataFor(record, view, this.#deps)
    const attributes = {
      ...(attributesOf(record) as unknown as JsonObject),
      data: disclosed.data,
      ...stateFields(disclosed),
      log: record.log,
      index: record.index,
      integrity_hash: record.proven.integrity_hash,
    }
    return { attributes, shown: shownOf(record, disclosed) }
  }
}

/** The record itself, that is; what stands beside it in an object has nothing to do with its proof. */
function assertProven(record: ProvenRecord): void {
  const problem = record.proven.problems.find(({ code }) => !code.startsWith('OBJECT_'))
  if (problem !== undefined) throw new SealtrailError('DATA_CORRUPT', `record ${record.index} of log ${record.log}: ${problem.message}`)
}
