import { auditIdBytes, disclosureDigest } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { Vault, VaultRow } from '../vault/vault.ts'
import { type Commitments, type FoundProblem, problem } from './verdict.ts'

/** The vault as far as looking a record's disclosures up needs it. */
export type DisclosureSource = Pick<Vault, 'rows' | 'open'>

export interface CommitmentFindings {
  readonly counts: Commitments
  readonly problems: readonly FoundProblem[]
}

/** Follows the records of one log and looks their commitments up. */
export interface CommitmentCheck {
  /** Takes a segment's NDJSON; may return before it is checked. */
  segment(key: string, ndjson: Uint8Array): Promise<void>
  /** Everything found, once all is checked. */
  finish(): Promise<CommitmentFindings & { readonly more: number }>
}

const NEWLINE = 0x0a
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

/**
 * Whether every commitment of a segment's records has its disclosure in the vault: the row is there, opens, and holds
 * exactly what the record commits to; or its key was destroyed, which is as it should be.
 */
export async function checkCommitments(object: string, first: number, ndjson: Uint8Array, vault: DisclosureSource): Promise<CommitmentFindings> {
  const counts: Commitments = { disclosed: 0, erased: 0, missing: 0 }
  const problems: FoundProblem[] = []
  for (const record of committing(first, ndjson)) {
    const found = await look(record, vault)
    if (typeof found === 'string') counts[found]++
    else {
      counts.missing++
      problems.push(problem(found.code, object, record.index, found.detail))
    }
  }
  return { counts, problems }
}

/** The records that hold commitments. attacker: bytes whose digests did not fit may be anything; what is no record is passed over, the log's audit names it. */
function committing(first: number, ndjson: Uint8Array): Committing[] {
  const bytes = Buffer.from(ndjson.buffer, ndjson.byteOffset, ndjson.byteLength)
  const found: Committing[] = []
  let start = bytes.indexOf(NEWLINE) + 1
  let mark = bytes.indexOf(COMMITMENT, start)
  for (let index = first; mark >= 0; index++) {
    const end = bytes.indexOf(NEWLINE, start)
    if (end < 0) break
    if (mark < end) {
      const digests = new Set<string>()
      for (; mark >= 0 && mark < end; mark = bytes.indexOf(COMMITMENT, mark + COMMITMENT.length)) {
        digests.add(bytes.latin1Slice(mark + COMMITMENT.length, mark + COMMITMENT.length + DIGEST_LENGTH))
      }
      const auditid = parsed(bytes.latin1Slice(start + AUDITID_AT, start + AUDITID_AT + AUDITID_LENGTH))
      if (auditid !== null) found.push({ index, auditid, digests })
    }
    start = end + 1
  }
  return found
}

async function look({ auditid, digests }: Committing, vault: DisclosureSource): Promise<'disclosed' | 'erased' | { code: 'VAULT_ROW_MISSING' | 'VAULT_ROW_DAMAGED'; detail?: string }> {
  // A row nobody refers to may share the audit id: an attempt that was never sealed.
  const prefixes = new Set([...digests].map(digest => Buffer.from(digest, 'base64url').latin1Slice(0, 8)))
  const left = new Set(digests)
  let erased = false
  try {
    const rows = (await vault.rows(auditid)).filter(row => prefixes.has(prefixOf(row)))
    if (rows.length === 0) return { code: 'VAULT_ROW_MISSING' }
    for (const row of rows) {
      for (const part of await vault.open(row, auditid)) {
        if (part.state === 'missing') return { code: 'VAULT_ROW_DAMAGED', detail: part.why }
        if (part.state === 'erased') erased = true
        else for (const disclosure of part.disclosures) if (!left.delete(disclosureDigest(disclosure))) return { code: 'VAULT_ROW_DAMAGED', detail: 'a disclosure the record does not commit to' }
      }
    }
  } catch (error) {
    if (error instanceof SealtrailError) return { code: 'VAULT_ROW_DAMAGED', detail: error.code }
    throw error
  }
  if (erased) return 'erased'
  return left.size === 0 ? 'disclosed' : { code: 'VAULT_ROW_DAMAGED', detail: `${left.size} of ${digests.size} disclosures are not in it` }
}

function prefixOf(row: VaultRow): string {
  return Buffer.from(row.key.buffer, row.key.byteOffset, row.key.length).latin1Slice(16, 24)
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
  readonly #check: (key: string, ndjson: Uint8Array) => Promise<CommitmentFindings>
  readonly #width: number
  readonly #maxProblems: number
  readonly #counts: Commitments = { disclosed: 0, erased: 0, missing: 0 }
  readonly #problems: FoundProblem[] = []
  readonly #running = new Set<Promise<void>>()
  #more = 0

  constructor(check: (key: string, ndjson: Uint8Array) => Promise<CommitmentFindings>, width: number, maxProblems = 1000) {
    this.#check = check
    this.#width = width
    this.#maxProblems = maxProblems
  }

  async segment(key: string, ndjson: Uint8Array): Promise<void> {
    const running: Promise<void> = this.#check(key, ndjson).then(({ counts, problems }) => {
      for (const name of ['disclosed', 'erased', 'missing'] as const) this.#counts[name] += counts[name]
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
