/** What a key is for; one algorithm each. */
export type KeyPurpose = 'log' | 'segment' | 'naming' | 'token' | 'fingerprint' | 'wrapping' | 'answers'

/** Every keyring has each purpose exactly once or, after rotation, several times. */
export const PURPOSES: readonly KeyPurpose[] = ['log', 'segment', 'naming', 'token', 'fingerprint', 'wrapping', 'answers']

/**
 * Purposes that keyrings made by an earlier version lack. Such a key is made when its keyring is opened for writing: nothing
 * older depends on it, and its public half is sealed in the system trail, so a key put in a lost one's place shows.
 */
export const ADDED_LATER: ReadonlySet<KeyPurpose> = new Set(['answers'])

/** Purposes whose keys are Ed25519 seeds, with a public half; the others are symmetric. */
export const SIGNING: ReadonlySet<KeyPurpose> = new Set(['log', 'segment', 'answers'])

/** Purposes whose newest key takes over while the older ones stay readable. */
export const ROTATABLE: ReadonlySet<KeyPurpose> = new Set(['wrapping', 'segment', 'answers'])

/** `current` signs, hashes and wraps; `previous` only unwraps, or is named by older segments and answers. */
export type KeyState = 'current' | 'previous'

/** A key as people may see it: never the secret. */
export interface KeyInfo {
  /** 16 hex characters, random. */
  readonly id: string
  readonly purpose: KeyPurpose
  /** RFC 3339 time of its making. */
  readonly created: string
  readonly state: KeyState
  /** 16 hex characters that two holders of the key can compare: of the public key, or of a keyed hash for a secret one. */
  readonly fingerprint: string
  /** Raw Ed25519 public key, base64, of signing keys; null for others. */
  readonly publicKey: string | null
  /** Of keys that sign answers: what their signatures call them (`keyid`). */
  readonly keyid?: string
}

/** A key with its 32-byte secret: an Ed25519 seed, or a symmetric key. */
export interface KeyMaterial {
  readonly id: string
  readonly purpose: KeyPurpose
  /** Counts the keys of one purpose from 1; the highest is current. */
  readonly generation: number
  readonly created: string
  readonly secret: Uint8Array
}
