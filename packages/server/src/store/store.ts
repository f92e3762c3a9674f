import type { Cold, Lifecycle } from './lifecycle.ts'

/** How long and how hard an object is locked. */
export interface Lock {
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE'
  /** Milliseconds since the epoch. */
  readonly retainUntilMs: number
}

/** `store-enforced` only after a probe observed it; `declared`: the store keeps the words and holds nobody back. */
export type Assurance = 'store-enforced' | 'declared' | 'none'

/** What the store itself said after the write was read back. */
export interface Stored {
  readonly key: string
  readonly size: number
  readonly assurance: Assurance
  /** Version id or generation that was read back, or null where the store has none. A hint where to look: the digest binds. */
  readonly version: string | null
}

/** What is kept beside an object for people and other programs to sort by; never personal, never believed. */
export interface About {
  /** Format of the bytes, such as `sealtrail/segment/1`. */
  readonly format: string
  /** Schema URIs of the records in it, at most a few; the rest is counted by whoever reads the object. */
  readonly schemas?: readonly string[]
  /** Regulatory tags of the records in it. */
  readonly tags?: readonly string[]
  /** Puts the object under a legal hold by the very request that writes it. */
  readonly legalHold?: boolean
}

/** What the store says holds an object now: read, not remembered. */
export interface Held {
  readonly key: string
  readonly size: number
  /** The version that carries the object's bytes; null where the store has none. */
  readonly version: string | null
  /** Null: nothing holds it by date. */
  readonly lock: Lock | null
  readonly legalHold: boolean
  /** Versions and deletion marks beside the one described: somebody wrote over the object or deleted it. 0 in a quiet store. */
  readonly others: number
}

/**
 * The write-once store. Not trusted: it can lose or change bytes, and every reader checks digests. Keys are
 * `<log>/<kind>/<name>` (`key.ts`): `<log>/segment/<first index, 20 digits>-<32 hex>`, `<log>/hashes/<first index, 20
 * digits>-<32 hex>` (a pack of leaf hashes), `<log>/object/<64 hex>` (what does not fit a record), `<log>/kept/…` (records
 * that outlive their segment), and what duties keep. Where a store has versions, the oldest version whose bytes have the
 * digest that the key names *is* the object; whatever was written over it is not.
 */
export interface Store {
  /**
   * Makes the bytes durable under the key, locked by this very request, and reads bytes and lock back; resolves only then.
   * Putting identical bytes again succeeds, and extends a lock that ends earlier; other bytes under an existing key are
   * refused. A crash leaves either nothing or the whole object. A write of unknown outcome is resolved by reading.
   * @throws SealtrailError NOT_DURABLE (with cause) when it cannot be known to be stored; STORE_NOT_LOCKED when the store
   * took the bytes and not the lock, unless it was opened with `requireLock: false` (`remote.ts`): then the assurance is `none`;
   * ALREADY_WRITTEN.
   */
  put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored>
  /**
   * The object's bytes, or null if there is none. The caller checks the digest.
   * @throws SealtrailError STORE_UNREADABLE when the store does not answer, DATA_CORRUPT when it cannot read what it has.
   */
  get(key: string): Promise<Uint8Array | null>
  /** Keys with the prefix, ascending, strictly greater than `after` when given; also of objects under a deletion mark. @throws SealtrailError STORE_UNREADABLE */
  list(prefix: string, after?: string): AsyncIterable<{ key: string; size: number }>
  /** What holds the object now, or null if there is none. @throws SealtrailError STORE_UNREADABLE */
  held(key: string): Promise<Held | null>
  /**
   * Makes the lock last longer or harder, never shorter or weaker, and reads it back. An earlier date or weaker mode than
   * there is changes nothing.
   * @throws SealtrailError NOT_FOUND, STORE_NOT_LOCKED when the store does not say afterwards what it was asked for, NOT_DURABLE
   */
  extend(key: string, lock: Lock): Promise<Held>
  /** Places or releases the legal hold and reads it back. @throws SealtrailError NOT_FOUND, STORE_NOT_LOCKED, NOT_DURABLE */
  hold(key: string, on: boolean): Promise<Held>
  /**
   * Removes an object whose lock has ended, with every version of it; that there is none is success.
   * @param nowMs what counts as now here; a store that enforces goes by its own clock.
   * @throws SealtrailError OBJECT_LOCKED while a lock or legal hold stands (here or in the store), NOT_DURABLE
   */
  remove(key: string, nowMs: number): Promise<void>
  /** Tries to break the lock, on objects of its own under the scratch prefix `.probe/`; never on evidence. @throws SealtrailError STORE_UNREADABLE */
  probe(env: ProbeEnv): Promise<Probe>
  /**
   * The platform's rule that moves this server's objects to a colder class, for a store that has classes. Never lets
   * anything expire, concerns only what is under the store's prefix, and leaves every other rule of the place as it is.
   * @param apply false: only looks. @throws SealtrailError STORE_UNREADABLE, NOT_DURABLE when the rule cannot be read back as it was written
   */
  lifecycle?(cold: Cold, apply: boolean): Promise<Lifecycle>
  close(): Promise<void>
}

/** What a probe needs from outside. */
export interface ProbeEnv {
  now(): number
  random(bytes: number): Uint8Array
  /** Resolves after this long; a probe waits for short locks to end. */
  pause(ms: number): Promise<void>
}

/** One thing tried. */
export interface ProbeCheck {
  /** Stable name, such as `delete-version`, `shorten`, `relax`, `bypass`, `overwrite`, `suspend-versioning`. */
  readonly name: string
  /** `held`: the store refused, or shows what it was asked for. `broken`: it let it happen. `skipped`: it has no such call, or it could not be tried. */
  readonly result: 'held' | 'broken' | 'skipped'
  /** What was seen: status and code of the store's answer, never a secret. */
  readonly seen: string
  /** Without it the lock protects nothing; others are only told. */
  readonly decisive: boolean
}

/** What a probe saw. */
export interface Probe {
  /** `store-enforced`: every decisive check held. `declared`: the store keeps what it is told and does not enforce it. `none`: it does not even keep it. */
  readonly assurance: Assurance
  /** Milliseconds since the epoch. */
  readonly observedMs: number
  readonly checks: readonly ProbeCheck[]
}
