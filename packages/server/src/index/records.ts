/** Records of a log that were removed because their time was over. */
export interface Gone {
  /** Index of the first. */
  readonly from: number
  /** Behind the last. */
  readonly to: number
  /** Retention class they expired under. */
  readonly class: string
  /** RFC 3339. */
  readonly on: string
}

/** Sealed records as bytes: what the index is built from, and what every answer is taken from. */
export interface Records {
  /** Names of the logs there are. */
  logs(): readonly string[]
  /** Number of committed records of the log; 0 when there is no such log. Never goes down. */
  size(log: string): number
  /**
   * The leaf's bytes as they are stored, unverified, or null when the store does not give them, or they expired; index < size.
   * @throws SealtrailError DATA_CORRUPT when the segment is damaged.
   */
  record(log: string, index: number): Promise<Uint8Array | null>
  /** What does not fit a record of the log, by its digest, as it is stored and unchecked; null when the store does not give it. */
  object(log: string, digest: string): Promise<Uint8Array | null>
  /** Records [from, to) in order, to ≤ size; no bytes for one that has expired. @throws SealtrailError DATA_CORRUPT when a segment cannot be read. */
  range(log: string, from: number, to: number): AsyncIterable<Uint8Array>
  /** What has expired of the log; some of these records may have been kept. */
  gone(log: string): Promise<readonly Gone[]>
}

/** The range a record expired with, or null. */
export async function goneAt(records: Pick<Records, 'gone'>, log: string, index: number): Promise<Gone | null> {
  return (await records.gone(log)).find(({ from, to }) => index >= from && index < to) ?? null
}
