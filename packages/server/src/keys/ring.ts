/** What a key is for; one algorithm each. */
export type KeyPurpose = 'log' | 'segment' | 'naming' | 'token' | 'fingerprint' | 'wrapping'

/** Every keyring has each purpose exactly once or, after rotation, several times. */
export const PURPOSES: readonly KeyPurpose[] = ['log', 'segment', 'naming', 'token', 'fingerprint', 'wrapping']

/** Purposes whose newest key takes over while the older ones stay readable. */
export const ROTATABLE: ReadonlySet<KeyPurpose> = new Set(['wrapping', 'segment'])

/** `current` signs, hashes and wraps; `previous` only unwraps, or is named by older segments. */
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
