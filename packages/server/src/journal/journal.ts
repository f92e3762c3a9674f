import type { Position } from '../event/position.ts'

/**
 * Durable, append-only memory of what was accepted and is not sealed yet. Trusted for exactly those events. Entries are
 * opaque here; each has its length and a CRC-32, a torn tail (never acknowledged) is cut at opening.
 */
export interface Journal {
  /** Appends all entries with one write and one fdatasync; the positions hold once it resolves. */
  append(entries: readonly Uint8Array[]): Promise<Position[]>
  /** The entry at a position, checked against its CRC. Synchronous: it is in the page cache. */
  read(position: Position): Uint8Array
  /** Every entry from the oldest kept on, in order; for recovery. */
  replay(): AsyncIterable<{ position: Position; entry: Uint8Array }>
  /** Says that no entry before `position` is needed any more; whole files before it are deleted. */
  release(position: Position): Promise<void>
  /** Lets the next append begin a new file, so that the old one, a copy of what it held, can be deleted once all of it is sealed. */
  turn(): void
  /**
   * Goes on in a new file now, whether or not anything is appended; resolves to its number: everything before is in older files.
   * @throws SealtrailError DATA_UNWRITABLE
   */
  rotate(): Promise<number>
  /** Number of the oldest file kept. */
  readonly oldest: number
  /** Where the next entry goes. */
  readonly end: Position
  close(): Promise<void>
}
