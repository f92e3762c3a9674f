/** How long and how hard an object is locked. */
export interface Lock {
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE'
  /** Milliseconds since the epoch. */
  readonly retainUntilMs: number
}

/** What the store itself said after the write was read back. */
export interface Stored {
  readonly key: string
  readonly size: number
  /** `store-enforced` only after a probe observed it; files are `declared`. */
  readonly assurance: 'store-enforced' | 'declared' | 'none'
  /** Version id or generation, a hint only: the digest binds. */
  readonly version: string | null
}

/**
 * The write-once store. Not trusted: it can lose or change bytes, and every reader checks digests. Keys are
 * `<log>/segment/<first index, 20 digits>-<32 hex>` and `<log>/hashes/<first index, 20 digits>-<32 hex>` (a pack of leaf hashes); `<log>/object/<64 hex>` holds what does not fit a record.
 */
export interface Store {
  /**
   * Makes the bytes durable under the key and reads them back; resolves only then. Putting identical bytes again
   * succeeds; other bytes under an existing key are refused. A crash leaves either nothing or the whole object.
   * @throws SealtrailError NOT_DURABLE (with cause) when it cannot be known to be stored.
   */
  put(key: string, bytes: Uint8Array, lock: Lock): Promise<Stored>
  /** The object's bytes, or null if there is none. The caller checks the digest. */
  get(key: string): Promise<Uint8Array | null>
  /** Keys with the prefix, ascending, strictly greater than `after` when given. */
  list(prefix: string, after?: string): AsyncIterable<{ key: string; size: number }>
  close(): Promise<void>
}
