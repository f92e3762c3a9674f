import { latin1 } from '../vault/row.ts'
import { auditIdBytes, keptDigest } from '@sealtrail/evidence'
import { openRow, readRow } from '../vault/encrypt.ts'
import type { KeyAnswer, Vault, VaultEntry, VaultRow } from '../vault/vault.ts'
import type { ErasedIn } from './erasures.ts'
import { ALL_PROBLEMS, type Commitments, type FoundProblem } from './verdict.ts'

/** The vault as far as looking the disclosures of many records up needs it. */
export interface DisclosureSource extends Pick<Vault, 'keysById'> {
  /** Rows stored for each audit id (16 bytes), in the order asked. */
  rowsOf(auditids: readonly Uint8Array[]): Promise<VaultRow[][]>
}

export interface CommitmentFindings {
  readonly counts: Commitments
  readonly problems: readonly FoundProblem[]
}

/** Follows the records of one log and looks their commitments up. */
export interface CommitmentCheck {
  /** Takes a segment's NDJSON and the index of its first record; may return before it is checked. `objects` as `checkCommitments`. */
  segment(key: string, first: number, ndjson: Uint8Array, objects: ObjectDigests): Promise<void>
  /** Everything found, once all is checked. */
  finish(): Promise<CommitmentFindings & { readonly more: number }>
}

const NEWLINE = 0x0a
const MAX_KNOWN_KEYS = 200_000
/** In canonical JSON these bytes begin a commitment and nothing else: a quote within a string is escaped, and input with a key `...` is never sealed as it is. */
const COMMITMENT = Buffer.from('{"...":"')
const DIGEST_LENGTH = 43
const AUDITID_AT = 12
const AUDITID_LENGTH = 26

/** A record that commits to something. */
interface Committing {
  readonly index: number
  readonly auditid: Uint8Array
  /** base64url, 43 characters each. */
  readonly digests: ReadonlySet<string>
}

/** What records commit to in their objects, by index; null: the object is not the record's, which is reported elsewhere. */
export type ObjectDigests = ReadonlyMap<number, readonly string[] | null>

/** Data keys already asked for; one person's key opens many rows. */
export type KnownKeys = Map<string, KeyAnswer>

/**
 * Whether every commitment of a segment's records has its disclosure in the vault: the row is there, opens, and holds
 * exactly what the record commits to; or its key was destroyed by an erasure that is sealed and names it.
 * @param known kept by the caller from segment to segment.
 */
export async function checkCommitments(
  object: string,
  first: number,
  ndjson: Uint8Array,
  vault: DisclosureSource,
  known: KnownKeys = new Map(),
  objects: ObjectDigests = new Map(),
  erased: ErasedIn | null = null,
): Promise<CommitmentFindings> {
  const counts: Commitments = { disclosed: 0, erased: 0, missing: 0, erasedUnder: new Map() }
  const problems: FoundProblem[] = []
  const records = committing(first, ndjson, objects)
  const rows = await vault.rowsOf(records.map(({ auditid }) => auditid))
  await learnKeys(
    records.flatMap(({ auditid }, i) => rows[i]!.map((row) => readRow(row, auditid))),
    vault,
    known,
  )
  for (const [i, record] of records.entries()) {
    const found = look(record, rows[i]!, known, erased)
    if ('code' in found) {
      counts.missing++
      problems.push({ code: found.code, object, index: record.index, message: messageOf(found) })
    } else if (found.under.size === 0) counts.disclosed++
    else {
      counts.erased++
      for (const id of found.under) counts.erasedUnder.set(id, (counts.erasedUnder.get(id) ?? 0) + 1)
    }
  }
  return { counts, problems }
}

/** Asks the vault once for all keys not yet known. */
async function learnKeys(entries: readonly (VaultEntry | string)[], vault: DisclosureSource, known: KnownKeys): Promise<void> {
  const missing = new Map<string, Uint8Array>()
  for (const entry of entries) {
    if (typeof entry === 'string') continue
    for (const { keyId } of entry.parts) {
      const id = latin1(keyId)
      if (!known.has(id)) missing.set(id, keyId)
    }
  }
  if (missing.size === 0) return
  if (known.size > MAX_KNOWN_KEYS) known.clear()
  const ids = [...missing.values()].map((id) => Uint8Array.from(id))
  const answers = await vault.keysById(ids)
  for (const [i, id] of [...missing.keys()].entries()) known.set(id, answers[i]!)
}

/** The records that hold commitments. attacker: bytes whose digests did not fit may be anything; what is no record is passed over, the log's audit names it. */
function committing(first: number, ndjson: Uint8Array, objects: ObjectDigests): Committing[] {
  const bytes = Buffer.from(ndjson.buffer, ndjson.byteOffset, ndjson.byteLength)
  const found: Committing[] = []
  let start = bytes.indexOf(NEWLINE) + 1
  let mark = bytes.indexOf(COMMITMENT, start)
  let left = objects.size
  for (let index = first; mark >= 0 || left > 0; index++) {
    const end = bytes.indexOf(NEWLINE, start)
    if (end < 0) break
    const inObject = left > 0 ? objects.get(index) : undefined
    if (inObject !== undefined) left--
    if ((mark >= 0 && mark < end) || (inObject?.length ?? 0) > 0) {
      const digests = new Set<string>(inObject ?? [])
      for (; mark >= 0 && mark < end; mark = bytes.indexOf(COMMITMENT, mark + COMMITMENT.length)) {
        digests.add(bytes.latin1Slice(mark + COMMITMENT.length, mark + COMMITMENT.length + DIGEST_LENGTH))
      }
      const auditid = parsed(bytes.latin1Slice(start + AUDITID_AT, start + AUDITID_AT + AUDITID_LENGTH))
      if (auditid !== null && inObject !== null) found.push({ index, auditid, digests })
    }
    start = end + 1
  }
  return found
}

/** `under`: what its values were erased under; none: all of them are there. */
type Looked = { readonly under: ReadonlySet<string> } | { readonly code: FoundProblem['code']; readonly detail?: string }

function look({ index, auditid, digests }: Committing, stored: readonly VaultRow[], known: KnownKeys, erased: ErasedIn | null): Looked {
  const named = erased?.of(index)
  // A row nobody refers to may share the audit id: an attempt that was never sealed.
  const prefixes = new Set([...digests].map((digest) => Buffer.from(digest.slice(0, 11), 'base64url').latin1Slice(0, 8)))
  const rows = stored.filter(({ key }) => prefixes.has(latin1(key.subarray(16))))
  if (rows.length === 0) {
    // A damaged row of somebody erased goes as a whole.
    const under = new Set([...digests].map((digest) => named?.get(digest) ?? ''))
    return under.has('') ? { code: 'VAULT_ROW_MISSING' } : { under }
  }
  const left = new Set(digests)
  const under = new Set<string>()
  for (const row of rows) {
    let emptied = false
    const parts = openRow(row, auditid, (entry) =>
      entry.parts.map(({ keyId, ciphertext }) => {
        const answer = known.get(latin1(keyId)) as KeyAnswer
        emptied ||= ciphertext.length === 0 && answer.state === 'live'
        return answer
      }),
    )
    if (emptied) return { code: 'ERASURE_PART_LIVE' }
    for (const part of parts) {
      if (part.state === 'missing') return { code: 'VAULT_ROW_DAMAGED', detail: part.why }
      if (part.state === 'erased') under.add(part.certificate)
      else
        for (const disclosure of part.disclosures) {
          const digest = keptDigest(disclosure)
          if (!left.delete(digest)) return { code: 'VAULT_ROW_DAMAGED', detail: 'a disclosure the record does not commit to' }
          const certificate = named?.get(digest)
          if (certificate !== undefined) return { code: 'ERASURE_UNDONE', detail: `certificate ${certificate}` }
        }
    }
  }
  if (under.size > 0) return erased === null ? { under } : (unvouched(under, left, named, erased) ?? { under })
  return left.size === 0 ? { under } : { code: 'VAULT_ROW_DAMAGED', detail: `${left.size} of ${digests.size} disclosures are not in it` }
}

/** What is wrong with values that are gone because a key was destroyed; null: sealed erasures name them. */
function unvouched(under: ReadonlySet<string>, gone: ReadonlySet<string>, named: ReadonlyMap<string, string> | undefined, erased: ErasedIn): Looked | null {
  const standing = new Map([...under].map((id) => [id, erased.standing(id)]))
  for (const [id, state] of standing) if (state === 'unknown') return { code: 'ERASURE_UNSEALED', detail: `erasure ${id}` }
  // Which values go under an erasure that has begun its certificate will say.
  if ([...standing.values()].some((state) => state !== 'completed')) return null
  const unnamed = [...gone].filter((digest) => !under.has(named?.get(digest) ?? ''))
  return unnamed.length === 0 ? null : { code: 'CERTIFICATE_MISMATCH', detail: `${unnamed.length} values, certificate ${[...under].join(', ')}` }
}

function messageOf({ code, detail }: { readonly code: FoundProblem['code']; readonly detail?: string }): string {
  return detail === undefined ? ALL_PROBLEMS[code] : `${ALL_PROBLEMS[code]} (${detail})`
}

function parsed(auditid: string): Uint8Array | null {
  try {
    return auditIdBytes(auditid)
  } catch {
    return null
  }
}

/** Adds up the findings of segments checked by `check`, at most `width` at a time. */
export class CommitmentSum implements CommitmentCheck {
  readonly #check: (key: string, first: number, ndjson: Uint8Array, objects: ObjectDigests) => Promise<CommitmentFindings>
  readonly #width: number
  readonly #maxProblems: number
  readonly #counts: Commitments = { disclosed: 0, erased: 0, missing: 0, erasedUnder: new Map() }
  readonly #problems: FoundProblem[] = []
  readonly #running = new Set<Promise<void>>()
  #more = 0

  constructor(
    check: (key: string, first: number, ndjson: Uint8Array, objects: ObjectDigests) => Promise<CommitmentFindings>,
    width: number,
    maxProblems = 1000,
  ) {
    this.#check = check
    this.#width = width
    this.#maxProblems = maxProblems
  }

  async segment(key: string, first: number, ndjson: Uint8Array, objects: ObjectDigests): Promise<void> {
    const running: Promise<void> = this.#check(key, first, ndjson, objects).then(({ counts, problems }) => {
      for (const name of ['disclosed', 'erased', 'missing'] as const) this.#counts[name] += counts[name]
      for (const [id, records] of counts.erasedUnder) this.#counts.erasedUnder.set(id, (this.#counts.erasedUnder.get(id) ?? 0) + records)
      for (const each of problems) {
        if (this.#problems.length < this.#maxProblems) this.#problems.push(each)
        else this.#more++
      }
      this.#running.delete(running)
    })
    this.#running.add(running)
    while (this.#running.size >= this.#width) await Promise.race(this.#running)
  }

  async finish(): Promise<CommitmentFindings & { readonly more: number }> {
    await Promise.all(this.#running)
    const problems = this.#problems.sort((a, b) => (a.index ?? 0) - (b.index ?? 0))
    return { counts: this.#counts, problems, more: this.#more }
  }
}
