/** Where a log stands: the commit point is the swap of this value. */
export interface Head {
  /** Number of leaves. */
  readonly size: number
  /** RFC 6962 root, 32 bytes, lower-case hex. */
  readonly root: string
  /** Store key of the last segment ('' at size 0). */
  readonly segment: string
  /** SHA-256 of that segment's frame, lower-case hex ('' at size 0). */
  readonly digest: string
  /** Version id or generation under which the store took that segment; left out where it has none. The digest binds, this says where to look. */
  readonly version?: string
}

/**
 * The small trusted compare-and-swap store. Linearizable and durable: when `swap` resolves true the new head survives
 * power loss. It is the only thing that decides which writer of a log goes on.
 */
export interface HeadStore {
  /** The head, or null if this log was never created. */
  read(log: string): Head | null
  /** Replaces `expected` (null: creates) by `next`; false when the stored head is not `expected` – the caller lost and must stop. */
  swap(log: string, expected: Head | null, next: Head): boolean
  /** The signed checkpoint kept beside the head; may lag behind it by one swap and is then signed again. */
  checkpoint(log: string): string | null
  saveCheckpoint(log: string, note: string): void
  logs(): string[]
  close(): void
}
