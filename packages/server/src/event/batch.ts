import type { StoredObject } from './draft.ts'

/** What an ingest thread hands to the sealing thread: encoded entries and their vault rows, no personal value in clear. */
export interface Batch {
  /** Entries back to back (event/entry.ts); entry i is [offsets[i], offsets[i+1]). */
  readonly entries: Uint8Array
  readonly offsets: Uint32Array
  /** Vault rows back to back, 24-byte key then value; row i belongs to entry i and is empty when equal to its neighbour offset. */
  readonly rows: Uint8Array
  readonly rowOffsets: Uint32Array
  /** Objects that entries name, stored before them; absent when no record needed one. */
  readonly objects?: readonly BatchObject[]
  /** Wait for the commit of events that are not held, or only until all are durable. */
  readonly wait: 'sealed' | 'durable'
}

/** An object of the store, and which entry of the batch names it. */
export interface BatchObject extends StoredObject {
  readonly entry: number
}

/** Outcome of one entry, as numbers so that a batch of 500 answers costs three small arrays. */
export const OUTCOME = { sealed: 0, held: 1, duplicate: 2, conflict: 3 } as const

export interface BatchAnswer {
  /** One of OUTCOME per entry. */
  readonly outcomes: Uint8Array
  /** Index of the record in its log, -1 while it is not sealed. */
  readonly indexes: Float64Array
  /** FLAG bits of the record that stands (refused, quarantined) and ANSWER_SUPERSEDED, ANSWER_LATE. */
  readonly flags: Uint8Array
  /** `subjectsequence` of a record this batch waited for, else 0: with ANSWER_LATE all that its sender needs to know its bytes. */
  readonly sequences: Float64Array
  /** Event time that the record's audit id holds, in ms: for a duplicate that of the record that stands. */
  readonly times: Float64Array
  /** Entry → log of the record that stands, where that is not the log the batch proposed; absent when there is none. */
  readonly elsewhere?: ReadonlyMap<number, string>
  /** The newest signed checkpoint per log that a record of this batch was sealed in or before. */
  readonly checkpoints: ReadonlyMap<string, string>
}

export const ANSWER_SUPERSEDED = 64
export const ANSWER_LATE = 128
