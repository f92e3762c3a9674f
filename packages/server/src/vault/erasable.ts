/** Whom aliases lead to: all keys of one person, and every alias those keys are known by. Ids and tokens are 16 bytes, latin1. */
export interface PersonKeys {
  readonly keyIds: readonly string[]
  readonly tokens: readonly string[]
}

/** A row that holds values under one of the keys asked for. */
export interface OwnedRow {
  /** audit id (16 bytes) ‖ first 8 bytes of the first disclosure's digest. */
  readonly key: Uint8Array
  /** Those of the keys asked for that it has parts under. */
  readonly keyIds: readonly string[]
  /** Search tokens of values under these keys, 16 bytes latin1. */
  readonly tokens: ReadonlyArray<{ readonly kind: string; readonly token: string }>
  /** Parts of other owners: they stay. */
  readonly others: number
  /** Whose they are. */
  readonly otherKeyIds: readonly string[]
  /** True when nothing is left of the parts: `redact` was here. */
  readonly redacted: boolean
}

/**
 * What erasure asks of the vault. Each method may be called again after a crash and then finds done what was done. Their
 * order is the eraser's (`privacy/`): condemn, read what there is, destroy, redact, scrub.
 */
export interface ErasableVault {
  /** Follows aliases and merged keys until nothing new turns up; nobody: both lists are empty. Tombstones are not among them. */
  personOf(tokens: readonly string[]): Promise<PersonKeys>
  /**
   * No key of these is handed out from here on, and no row under one is taken (PERSON_ERASED); resolves when every row taken
   * before is durable, and every thread has forgotten them. In memory: after a restart it has to be said again.
   */
  condemn(keyIds: readonly string[]): Promise<void>
  /** What of these keys' rows must not be found on disk once they are destroyed: wrapped key and commitment of each; nothing of a tombstone. */
  traces(keyIds: readonly string[]): Promise<ReadonlyArray<{ readonly what: 'wrapped key' | 'key commitment'; readonly bytes: Uint8Array }>>
  /** Reads the whole vault once, in the order of audit ids. @param onProgress told of rows read so far, now and then */
  rowsUnder(keyIds: ReadonlySet<string>, onProgress?: (rows: number) => void): AsyncIterable<OwnedRow>
  /** Puts tombstones in the keys' place that name the certificate (32 hex characters), and drops their aliases. Durable when it resolves; a tombstone stays the first one. */
  destroyKeys(ids: readonly Uint8Array[], erasedMs: number, certificate: string): Promise<void>
  /**
   * Empties the parts under these keys of these rows: ciphertext, nonce and commitment, the search tokens of their owner, and
   * the event's fingerprint, which is made of their values too. The key id stays and leads to the tombstone. Durable when it resolves.
   */
  redact(rowKeys: readonly Uint8Array[], keyIds: ReadonlySet<string>): Promise<void>
  /** Has every file rewritten that still holds what these rows, keys and aliases were, the list of files among them. */
  scrub(what: { readonly rowKeys: readonly Uint8Array[]; readonly keyIds: readonly string[]; readonly tokens: readonly string[] }): Promise<void>
}
