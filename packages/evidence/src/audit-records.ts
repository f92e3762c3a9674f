import { sha256 } from '@sealtrail/tlog'
import { EvidenceError } from './errors.ts'
import { KeyTable } from './key-table.ts'
import type { ProblemCode } from './problem.ts'
import { AUDIT_ID_AT, looksLikeRecord, readSubject } from './record-scan.ts'
import { parseRecord } from './record.ts'
import type { Segment } from './segment.ts'

/** What an audit looks at within records; each costs time and memory. */
export interface RecordChecks {
  /**
   * `scan` looks at both ends of the bytes, `parse` reads the whole record strictly (about ten times dearer). `none`: the
   * leaves are no records, and only what holds of any log is checked.
   */
  readonly form: 'scan' | 'parse' | 'none'
  /** Whether audit ids are unique: 16 to 32 bytes of memory a record. */
  readonly auditids: boolean
  /** Whether each subject's numbers are gapless from 1: 16 to 32 bytes of memory a subject. */
  readonly subjects: boolean
}

type Report = (code: ProblemCode, index: number, detail?: string) => void

const DIGITS = new Uint8Array(128)
;[...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'].forEach((char, i) => (DIGITS[char.charCodeAt(0)] = i))

/** Follows the records of one log from segment to segment. Fed in order of index. */
export class RecordAudit {
  readonly #checks: RecordChecks
  readonly #auditids = new KeyTable()
  #subjects = new KeyTable()
  /** Numbers seen before records were missed; null: none were. */
  #before: KeyTable | null = null
  /** False once records were missed: a number may then follow one nobody saw. */
  #complete: boolean

  /** @param fromStart whether the first segment fed is the log's first. */
  constructor(checks: RecordChecks, fromStart: boolean) {
    this.#checks = checks
    this.#complete = fromStart
  }

  /** Says that records in between are not known. */
  skipped(): void {
    this.#complete = false
    if (this.#subjects.size === 0) return
    this.#before ??= new KeyTable()
    this.#subjects.addTo(this.#before)
    this.#subjects = new KeyTable()
  }

  segment({ bytes, header, starts }: Segment, report: Report): void {
    for (let i = 0; i < header.count; i++) {
      const from = starts[i] as number
      const to = (starts[i + 1] as number) - 1
      const index = header.first + i
      const fault = this.#formFault(bytes, from, to)
      if (fault !== null) {
        report('RECORD_FORMAT', index, fault)
        this.skipped()
        continue
      }
      if (this.#checks.auditids) this.#auditid(bytes, from + AUDIT_ID_AT, index, report)
      if (this.#checks.subjects) this.#subject(bytes, from, to, index, report)
    }
  }

  #formFault(bytes: Uint8Array, from: number, to: number): string | null {
    if (this.#checks.form === 'none') return null
    if (!looksLikeRecord(bytes, from, to)) return 'no audit id'
    if (this.#checks.form === 'scan') return null
    try {
      parseRecord(bytes.subarray(from, to))
      return null
    } catch (error) {
      if (error instanceof EvidenceError) return error.message
      throw error
    }
  }

  #auditid(bytes: Uint8Array, at: number, index: number, report: Report): void {
    // The last twelve characters are 60 bits of HMAC: two records share them by chance once in 10^5 logs of five million.
    const high = thirtyBits(bytes, at + 14)
    const low = thirtyBits(bytes, at + 20)
    if (this.#auditids.get(low, high) !== 0) report('AUDITID_REPEATED', index)
    else this.#auditids.set(low, high, 1)
  }

  #subject(bytes: Uint8Array, from: number, to: number, index: number, report: Report): void {
    const found = readSubject(bytes, from, to)
    if (found === null) return report('RECORD_FORMAT', index, 'no subject')
    const digest = sha256(bytes.subarray(found.from, found.to))
    const low = uint32(digest, 0)
    const high = uint32(digest, 4)
    const last = this.#subjects.get(low, high)
    // Behind a hole a subject may go on from a number nobody saw; from there on its numbers are gapless again.
    const before = last > 0 ? last : (this.#before?.get(low, high) ?? 0)
    const follows = last > 0 || this.#complete ? found.sequence === before + 1 : found.sequence > before
    if (!follows) report('SEQUENCE_GAP', index, `number ${found.sequence} after ${before}`)
    if (found.sequence > last) this.#subjects.set(low, high, found.sequence)
  }
}

function thirtyBits(bytes: Uint8Array, at: number): number {
  let bits = 0
  for (let i = at; i < at + 6; i++) bits = (bits << 5) | (DIGITS[(bytes[i] as number) & 127] as number)
  return bits
}

function uint32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}
