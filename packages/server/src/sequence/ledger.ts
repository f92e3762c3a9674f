import type { SubjectState } from './subject.ts'

/** Where an identity was sealed. */
export interface Known {
  readonly log: string
  readonly index: number
  /** 16 bytes, latin1; '' when it is not known (rebuilt, and the vault row is gone). */
  readonly fingerprint: string
  /** FLAG bits of the entry and ANSWER_SUPERSEDED. */
  readonly flags: number
  /** Event time in ms as the audit id holds it: 0 if none, clamped to 48 bits. With the identity it makes the audit id again. */
  readonly timeMs: number
}

/** One sealed record, as the ledger remembers it. */
export interface LedgerRow extends Omit<Known, 'log'> {
  /** 32 bytes, latin1. */
  readonly identity: string
}

/** The log up to which the ledger knows everything. */
export interface Marker {
  readonly size: number
  /** RFC 6962 root at that size, lower-case hex. */
  readonly root: string
}

/** One commit, in log order, or several at once while catching up. */
export interface LedgerBatch {
  readonly log: string
  readonly rows: readonly LedgerRow[]
  /** The state of each subject touched, as it was after its last record in this batch. By subject token, 16 bytes latin1. */
  readonly subjects: ReadonlyMap<string, SubjectState>
  readonly marker: Marker
}

/**
 * What the sequencer must know of everything sealed: identities, and a summary per subject. Derived from the segments and
 * trusted for nothing for ever: it may lag behind the head, never say more than the log, and is caught up or rebuilt by
 * replay before anything is accepted. Writing the same records again changes nothing.
 */
export interface Ledger {
  /** Per identity where it was sealed, or null; in the order asked. @throws SealtrailError DATA_CORRUPT */
  known(identities: readonly string[]): Promise<(Known | null)[]>
  /** Per subject token its state, or null if nothing of it is sealed. @throws SealtrailError DATA_CORRUPT */
  subjects(tokens: readonly string[]): Promise<(SubjectState | null)[]>
  /** Stores a commit atomically with its marker. What it says is copied before this returns. */
  write(batch: LedgerBatch): Promise<void>
  /** Forgets identities whose records have expired: the same event sent again is a new one. What is not known changes nothing. */
  forget(identities: readonly string[]): Promise<void>
  /**
   * Forgets what these identities said, and that they said it is rewritten on disk as well: any content counts as the same from
   * then on. Rewrites all identities.
   */
  forgetContent(identities: readonly string[]): Promise<void>
  /** Gives back the room of what was forgotten; rewrites all identities, so once in a while. */
  compact(): Promise<void>
  /** Replay of the log begins here; null: at its first record. */
  marker(log: string): Marker | null
  /** Logs with a marker. */
  logs(): string[]
  close(): Promise<void>
}
