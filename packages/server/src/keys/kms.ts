import { Buffer } from 'node:buffer'
import { SealtrailError } from '../errors.ts'
import type { KeyName } from './ring.ts'

/** Who can open a key: nobody need (`files`), whoever has the passphrase, or an outside service. */
export type KeyKeeper = 'files' | 'passphrase' | 'pkcs11' | 'aws-kms'

/** A locked key as its file holds it: `service` says who can unlock it (a passphrase, when it says nothing), the rest is that one's own. */
export type Locked = Readonly<Record<string, unknown>>

/** Ed25519. `sign` returns 64 bytes, at once: it is called in the middle of a commit. @throws SealtrailError KEY_UNAVAILABLE */
export interface Signer {
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** Ed25519 keys that are made in a service and never leave it. */
export interface HeldKeys {
  /** Makes one under this name; durable in the service when it resolves. Returns its raw public key. @throws SealtrailError KEY_UNAVAILABLE */
  make(name: KeyName): Promise<Uint8Array>
  /** @throws SealtrailError KEY_UNKNOWN when the service has no such key, or another one under its name; KEY_UNAVAILABLE */
  open(name: KeyName, publicKey: Uint8Array): Promise<Signer>
}

/**
 * A key service: it has the key that locks the ring's others, so that what lies on a disk opens nowhere without it. Keys that
 * are used for every event are unlocked once, when the ring is opened, and are in memory while the program runs.
 */
export interface Kms {
  readonly keeper: Exclude<KeyKeeper, 'files'>
  /** Locks a 32-byte key to its name: under another one it does not open. @throws SealtrailError KEY_UNAVAILABLE, KEY_UNKNOWN */
  lock(secret: Uint8Array, name: KeyName): Promise<Locked>
  /**
   * @throws SealtrailError KEY_UNAVAILABLE when the service does not answer; KEY_UNKNOWN when it has not the key that locked
   * this, or another under its name; DATA_CORRUPT when what was locked was changed. Never is a key "not there any more".
   */
  unlock(locked: Locked, name: KeyName): Promise<Uint8Array>
  /** Null where the service cannot sign Ed25519 for us: those keys are locked as the others are. */
  readonly held: HeldKeys | null
  close(): Promise<void>
}

/** Bound to a locked key, byte for byte: what it is for, its number, its id, when it was made. */
export function lockedTo({ purpose, generation, id, created }: KeyName): string {
  return JSON.stringify({ format: 'sealtrail/key/1', purpose, generation, id, created })
}

/** Bytes of a member of a locked key; null unless it is canonical base64 of so many, or of up to -length when that is negative. */
export function lockedBytes(locked: Locked, member: string, length: number): Buffer | null {
  const text = locked[member]
  const found = typeof text === 'string' ? Buffer.from(text, 'base64') : null
  if (found === null || found.toString('base64') !== text) return null
  return (length < 0 ? found.length > 0 && found.length <= -length : found.length === length) ? found : null
}

export function damaged({ purpose, generation }: Pick<KeyName, 'purpose' | 'generation'>): SealtrailError {
  return new SealtrailError('DATA_CORRUPT', `the ${purpose} key ${generation} is damaged in its file; restore it from a backup of the keyring`)
}
