import type { ErrorCode } from '../errors.ts'

/** One record to be, on the ingest thread: its entry, and what the vault must keep beside it. */
export interface Draft {
  /** Which input of the request it came from. */
  readonly position: number
  readonly trail: string
  /** The log its tag asks for. Where its subject stands already in another of the trail's logs, it goes there. */
  readonly log: string
  readonly auditid: string
  /** 24 bytes: the key of its vault row. */
  readonly vaultKey: Uint8Array
  /** 32 bytes, latin1. */
  readonly identity: string
  /** 16 bytes, latin1. */
  readonly fingerprint: string
  /** Code to answer with when the record is a refusal or a quarantine. */
  readonly code: ErrorCode | null
  readonly message: string | null
  readonly tokens: ReadonlyArray<{ readonly kind: string; readonly token: string; readonly owner?: number }>
  /** Disclosures by owner; personal values in clear, in memory only. */
  readonly owners: ReadonlyArray<{ readonly tokens: readonly string[]; readonly disclosures: readonly string[] }>
  /**
   * The entry, written while the record's text is fresh: kept as text until the batch is whole, it would have moved out of
   * the caches and survived collections.
   */
  readonly entry: Uint8Array
  /** What does not fit the record; stored before the entry is. */
  readonly object?: StoredObject
}

/** An object of the store that a record names: hex SHA-256 and bytes. */
export interface StoredObject {
  readonly digest: string
  readonly bytes: Uint8Array
}
