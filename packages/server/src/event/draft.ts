import type { ErrorCode } from '../errors.ts'
import type { EntryDraft } from './entry.ts'

/** One record to be, on the ingest thread: its text without the sequencer's two values, and what the vault must keep beside it. */
export interface Draft extends EntryDraft {
  /** Which input of the request it came from. */
  readonly position: number
  readonly auditid: string
  /** Code to answer with when the record is a refusal or a quarantine. */
  readonly code: ErrorCode | null
  readonly message: string | null
  /** Disclosures by owner; personal values in clear, in memory only. */
  readonly owners: ReadonlyArray<{ readonly tokens: readonly string[]; readonly disclosures: readonly string[] }>
  /** Digest (base64url) of the first disclosure, or null. */
  readonly firstDigest: string | null
}
