import { createHash } from 'node:crypto'
import { CERTIFICATE_FORMAT, canonicalize } from '@sealtrail/evidence'
import type { CertificateBody, JsonValue } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { Forgotten, Index } from '../index/index.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { ErasableVault } from '../vault/erasable.ts'
import type { EraseOrder, Eraser, Found } from './eraser.ts'
import { find, staying } from './find.ts'
import type { FindDeps, FoundAll } from './find.ts'
import { exportsHolding } from './handed-out.ts'
import { notReached } from './not-reached.ts'
import { affected, placesOf } from './places.ts'
import type { PlacedRecord } from './places.ts'
import type { Searched } from './search.ts'
import { tokenPatterns } from './token-patterns.ts'
import type { ErasureFiles, ErasureWork, Pattern } from './work-file.ts'

/** What an erasure is carried out with. */
export interface EraserDeps extends FindDeps {
  readonly index: FindDeps['index'] & Pick<Index, 'token'>
  readonly vault: FindDeps['vault'] & ErasableVault
  readonly files: ErasureFiles
  /** Of the log `system`. */
  readonly origin: string
  readonly tenant: string
  /** Where the key-encryption key is: `files`, `pkcs11`, `aws-kms`. */
  readonly keys: string
  readonly now: () => number
  /** Has the index thread forget, once it holds everything committed. @throws SealtrailError INDEX_BEHIND */
  forgetTokens(log: string, records: readonly Forgotten[]): Promise<void>
  /** Has the ledger forget what the records of a log said. @param ids of their packs */
  forgetContent(log: string, ids: readonly string[]): Promise<void>
  /** Has the journal go on in a new file; everything before is in files below the number. */
  turnJournal(): Promise<number>
  /** Deletes journal files of which all is sealed; the number of the oldest that stays. */
  oldestJournal(): Promise<number>
  /** Events that wait for the others of their subject, and until when they wait at most, ms since the epoch. */
  held(): { readonly events: number; readonly untilMs: number }
  readonly exports: {
    /** Resolves when no export is under way that may have read what is destroyed by now. */
    idle(): Promise<void>
    has(id: string): boolean
    remove(ids: readonly string[]): void
  }
  /** Has the files of the index rewritten that still say what these tokens' keys were. */
  scrubIndex(): Promise<void>
  /** Folders below the data directory with copies of the vault as it was once. */
  copies(): readonly string[]
  /** @param except paths relative to the data directory */
  search(patterns: readonly Pattern[], except: readonly string[], onProgress: (bytes: number) => void): Promise<Searched>
  /** Stores the body of a certificate as an object of the log `system`, read back. @param digest lower-case hex @throws SealtrailError NOT_DURABLE */
  storeObject(digest: string, bytes: Uint8Array): Promise<void>
}

type OnProgress = (step: string, done: number) => void

const WAIT_MS = 50

/**
 * Carries erasures out. Between the sealed intent and the sealed completion the work file says what is meant and what is to
 * go; each step finds done what an earlier attempt did, so after a crash it all runs again and ends the same.
 */
export function eraserOf(deps: EraserDeps): Eraser & { close(): void } {
  let closed = false
  const goOn = (): void => {
    if (closed) throw new SealtrailError('NOT_READY', 'the server is closing; the erasure goes on at the next start')
  }

  async function execute({ id, person, requested, approved, started }: EraseOrder, onProgress: OnProgress = () => {}): Promise<CertificateBody> {
    const { vault, files } = deps
    const tell = (step: string, done: number): void => {
      goOn()
      onProgress(step, done)
    }
    // From here on no row is taken under these keys, so what is found below is all there is.
    tell('condemn', 0)
    const known = files.read(id)?.work ?? null
    await vault.condemn([...person.keyIds, ...(known?.interactions ?? [])])
    crashPoint('erase:condemned')
    const all = await find(person, deps, { known, condemn: (ids) => vault.condemn(ids), onProgress: (rows) => tell('find', rows) })
    const keyIds = [...person.keyIds, ...all.work.interactions]
    files.write({ id, person, work: all.work })
    // Dying before: untouched, and found again. From here on nothing is lost with what is destroyed.
    crashPoint('erase:work')
    tell('destroy keys', keyIds.length)
    await vault.destroyKeys(
      keyIds.map((each) => Buffer.from(each, 'latin1')),
      Date.parse(started),
      id,
    )
    crashPoint('erase:destroyed')
    tell('empty rows', all.work.rows.length)
    await vault.redact(
      all.work.rows.map(({ key }) => key),
      new Set(keyIds),
    )
    crashPoint('erase:redacted')
    await forget(all.work, tell)
    crashPoint('erase:forgotten')
    await waitForJournal(tell)
    crashPoint('erase:journal')
    // Held events were sealed meanwhile, with tokens and fingerprints from their entries.
    const { placed, unreadable } = await forget(all.work, tell)
    const work = await removeExports(id, all, placed, tell)
    crashPoint('erase:exports')
    tell('rewrite files', 0)
    await vault.scrub({ rowKeys: work.rows.map(({ key }) => key), keyIds, tokens: [...work.tokens] })
    await deps.scrubIndex()
    crashPoint('erase:scrubbed')
    const { gone, shared } = await tokensOf(work)
    const own = [`erasures/${id}.json`, `erasures/${id}.json.next`]
    const searched = await deps.search([...work.patterns, ...gone.flatMap(tokenPatterns)], own, (bytes) => tell('search files', bytes))
    crashPoint('erase:searched')
    const records = await affected(
      placed,
      (auditid) => staying(auditid, new Set(keyIds), deps),
      () => false,
    )
    const handedOut = await exportsHolding(placed, deps.records)
    const body: CertificateBody = {
      format: CERTIFICATE_FORMAT,
      id,
      origin: deps.origin,
      tenant: deps.tenant,
      requested,
      approved,
      started,
      completed: new Date(deps.now()).toISOString(),
      method: {
        name: 'cryptographic erase',
        reference: 'NIST SP 800-88 Rev. 2',
        keys: deps.keys,
        destroyed: { person: person.keyIds.length, interactions: work.interactions.length },
        removed: {
          aliases: work.tokens.length,
          rows: work.rows.length,
          tokens: work.rows.reduce((sum, { tokens }) => sum + tokens.length, 0),
          exports: work.exports.length,
        },
      },
      searched,
      records: records.map(({ log, index, auditid, hash, type, time, status, fields }) => ({ log, index, auditid, hash, type, time, status, fields })),
      notReached: notReached({
        exports: handedOut,
        removed: new Set(work.exports),
        quarantined: all.found.quarantined.others,
        unreadable,
        shared,
        copies: deps.copies(),
      }),
    }
    const bytes = Buffer.from(canonicalize(body as unknown as JsonValue))
    await deps.storeObject(createHash('sha256').update(bytes).digest('hex'), bytes)
    // Dying here leaves an object that no record names; the next attempt makes another one with its own time.
    crashPoint('erase:stored')
    return body
  }

  /** Index and ledger: where the rows' events are sealed by now. */
  async function forget(work: ErasureWork, tell: OnProgress) {
    tell('forget', 0)
    const places = await placesOf(work.rows, deps)
    const logs = new Map<string, PlacedRecord[]>()
    for (const record of places.placed) logs.set(record.log, [...(logs.get(record.log) ?? []), record])
    for (const [log, list] of logs) {
      await deps.forgetTokens(
        log,
        list.map(({ index, rows }) => ({ index, tokens: rows.flatMap(({ tokens }) => tokens.map((token) => Buffer.from(token, 'latin1'))) })),
      )
      crashPoint('erase:index')
      await deps.forgetContent(
        log,
        list.map(({ record }) => record.id),
      )
      crashPoint('erase:ledger')
      tell('forget', list.length)
    }
    return places
  }

  /** Tokens that nothing carries any more, and how many are those of other records, too: two people may have one number. */
  async function tokensOf({ tokens, rows }: ErasureWork): Promise<{ gone: string[]; shared: number }> {
    const all = [...new Set([...tokens, ...rows.flatMap((row) => row.tokens)])]
    const gone: string[] = []
    for (const token of all) {
      let carried = false
      for (const log of deps.logs) carried ||= (await deps.index.token(log, Buffer.from(token, 'latin1'), { after: -1, limit: 1 })).length > 0
      if (!carried) gone.push(token)
    }
    return { gone, shared: all.length - gone.length }
  }

  /** Entries hold tokens and fingerprints, so files with any accepted before must go; held events are waited for. */
  async function waitForJournal(tell: OnProgress): Promise<void> {
    const file = await deps.turnJournal()
    crashPoint('erase:turned')
    let said = -1
    while ((await deps.oldestJournal()) < file) {
      const { events, untilMs } = deps.held()
      if (events !== said)
        tell(events === 0 ? 'wait for the journal' : `wait for held events, at most until ${new Date(untilMs).toISOString()}`, (said = events))
      goOn()
      await deps.sleep(WAIT_MS)
    }
  }

  /** Bundles here that hold these records. Which ones is written down first, as nothing tells it once they are gone. */
  async function removeExports(id: string, { work }: FoundAll, placed: readonly PlacedRecord[], tell: OnProgress): Promise<ErasureWork> {
    tell('remove exports', 0)
    const { exports, files } = deps
    await exports.idle()
    const here = (await exportsHolding(placed, deps.records)).map((each) => each.id).filter((each) => exports.has(each))
    if (here.length === 0) return work
    const all = { ...work, exports: [...new Set([...work.exports, ...here])] }
    files.write({ id, person: (files.read(id) as { person: EraseOrder['person'] }).person, work: all })
    crashPoint('erase:exports-known')
    exports.remove(here)
    return all
  }

  return {
    async find(person, onProgress = () => {}): Promise<Found> {
      return (await find(person, deps, { known: null, condemn: async () => {}, onProgress })).found
    },
    execute,
    close() {
      closed = true
    },
  }
}
