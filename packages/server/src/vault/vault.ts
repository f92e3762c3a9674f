/** A person's (or an interaction's) data key as ingest threads hold it, in memory only. */
export interface DataKey {
  /** 16 bytes, random, names the key row; says nothing of the person. */
  readonly id: Uint8Array
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** One owner whose key is wanted: the 16-byte tokens (latin1) of every alias it is known by, in order of preference. */
export type OwnerTokens = readonly string[]

/** One vault row: all disclosures of one event, a ciphertext per owner, with the event's fingerprint and search tokens. */
export interface VaultRow {
  /** audit id (16 bytes) ‖ first 8 bytes of the first disclosure's digest. */
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** A decoded row. */
export interface VaultEntry {
  /** `<tenant>\n<trail>`, authenticated with every part. */
  readonly context: string
  readonly fingerprint: Uint8Array
  /** Search tokens: kind and 16 bytes; `owner` is the index of the part whose owner the value belongs to. */
  readonly tokens: ReadonlyArray<{ readonly kind: string; readonly token: Uint8Array; readonly owner: number }>
  /** One per owner. `commitment` (16 bytes) says which key the ciphertext opens under; the last 16 bytes of `ciphertext` are the tag. */
  readonly parts: ReadonlyArray<{ readonly keyId: Uint8Array; readonly commitment: Uint8Array; readonly nonce: Uint8Array; readonly ciphertext: Uint8Array }>
}

/** What the vault knows of a data key. */
export type KeyAnswer =
  | { readonly state: 'live'; readonly key: DataKey }
  /** `certificate`: 32 hex characters, the erasure it was destroyed by. */
  | { readonly state: 'erased'; readonly erasedMs: number; readonly certificate: string }
  | { readonly state: 'missing'; readonly why: string }

/** What a reader learns of one owner's disclosures in one row. */
export type Opened =
  | { readonly state: 'open'; readonly disclosures: readonly string[] }
  /** The key row is a tombstone. */
  | { readonly state: 'erased'; readonly erasedMs: number; readonly certificate: string }
  /** Key row absent, or ciphertext does not open: an alarm, never "erased". */
  | { readonly state: 'missing'; readonly why: string }

/**
 * The erasable side of the trail: people's keys, wrapped, and the disclosures encrypted under them. Insert-only but for
 * erasure. One process opens it; several threads may.
 */
export interface Vault {
  /**
   * The key of each owner, made and stored (not yet synced) when none of its tokens is known; later tokens of a known
   * owner are linked to its key. Serialised by the one thread that calls it. An erased owner gets a new key that nothing links to the old.
   */
  keysFor(owners: readonly OwnerTokens[]): Promise<DataKey[]>
  /** Whether any key is being destroyed, or was since the start. */
  readonly condemning: boolean
  /** Whether the row has a part under a key that is being destroyed: nothing of its event may be written. */
  condemns(row: VaultRow): boolean
  /** Stores rows; when it resolves they, and every key made before, are durable (one fdatasync). @throws SealtrailError PERSON_ERASED: a row is condemned, none is written */
  insert(rows: readonly VaultRow[]): Promise<void>
  /** Rows stored for the audit id (16 bytes); usually one. */
  rows(auditid: Uint8Array): Promise<VaultRow[]>
  /** True per key when the row exists; used by journal replay: an entry without its row was never acknowledged. */
  has(keys: readonly Uint8Array[]): Promise<boolean[]>
  open(row: VaultRow, auditid: Uint8Array): Promise<Opened[]>
  /** Data keys by id, for threads that read rows themselves but cannot unwrap. @throws SealtrailError KEY_UNKNOWN. */
  keysById(ids: readonly Uint8Array[]): Promise<KeyAnswer[]>
  close(): Promise<void>
}
