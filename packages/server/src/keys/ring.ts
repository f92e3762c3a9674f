import type { KeyKeeper, Signer } from './kms.ts'

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

/** Those of them that only the sealing thread signs with: where a service can sign, they never leave it. */
export const HELD: ReadonlySet<KeyPurpose> = new Set(['log', 'segment'])

/** Purposes whose newest key takes over while the older ones stay readable. */
export const ROTATABLE: ReadonlySet<KeyPurpose> = new Set(['wrapping', 'segment', 'answers', 'token', 'log'])

/**
 * `current` signs, hashes and wraps; `previous` only unwraps, is named by older segments and answers, or (of a log key) signs
 * beside the current one; `retired` signs no more; of a `destroyed` one only its name is left.
 */
export type KeyState = 'current' | 'previous' | 'retired' | 'destroyed'

export interface KeyName {
  /** 16 hex characters, random. */
  readonly id: string
  readonly purpose: KeyPurpose
  /** Counts the keys of one purpose from 1; the highest is current. */
  readonly generation: number
  /** RFC 3339 time of its making. */
  readonly created: string
}

/** How a key ended. */
export interface KeyEnd {
  readonly state: 'retired' | 'destroyed'
  /** RFC 3339. */
  readonly at: string
  /** As in `KeyInfo`, since a destroyed key cannot be asked for it. */
  readonly fingerprint: string
}

/** A key of the ring in memory. */
export interface RingKey extends KeyName {
  readonly keeper: KeyKeeper
  /** 32 bytes, an Ed25519 seed or a symmetric key; null: it never leaves its service (`held`), or is destroyed. */
  readonly secret: Uint8Array | null
  readonly held?: Signer
  readonly ended?: KeyEnd
}

/** A key as people may see it: never the secret. */
export interface KeyInfo extends KeyName {
  readonly state: KeyState
  /** Who can open it. */
  readonly service: KeyKeeper
  /** Whether the key itself is in the service and nowhere else, also not in memory. */
  readonly held: boolean
  /** 16 hex characters that two holders of the key can compare: of the public key, or of a keyed hash for a secret one. */
  readonly fingerprint: string
  /** Raw Ed25519 public key, base64, of signing keys; null for others. */
  readonly publicKey: string | null
  /** Of keys that sign answers: what their signatures call them (`keyid`). */
  readonly keyid?: string
  /** When it was retired or destroyed, RFC 3339. */
  readonly ended?: string
  /** Signatures made since this program opened the ring, of keys that only the sealing thread signs with. */
  readonly signatures?: number
}
