import type { Signer } from './kms.ts'

/** Keys never leave this room but through these methods, except a person's key, which ingest threads hold in memory. */
export interface Keys {
  /** Ed25519 signature (64 bytes) over the bytes with the log key; `name` is the log's origin. */
  signLog(message: Uint8Array): Uint8Array
  /** Raw 32-byte Ed25519 public key of the log key: of several that are active the oldest, which signs everything and so vouches for all. */
  readonly logPublicKey: Uint8Array
  /** Every log key that is not retired, the oldest first: each signs every checkpoint. */
  readonly logSigners: readonly Signer[]
  /** Public keys of every log key there ever was, those of `logSigners` first: old checkpoints name theirs. */
  readonly logPublicKeys: readonly Uint8Array[]
  /** Signature by the segment key (another Ed25519 key: "this writer wrote this"). */
  signSegment(message: Uint8Array): Uint8Array
  readonly segmentPublicKey: Uint8Array
  /** HMAC-SHA-256 with the naming key, 32 bytes as a latin1 ("binary") string: identities and audit ids. */
  name(text: string): string
  /** HMAC-SHA-256 with the token key, first 16 bytes as latin1: search tokens and alias tokens. Keyed per tenant. */
  token(text: string): string
  /** The same under every token key there is, the current one first: what was written before a rotation is found under an older one. */
  tokens(text: string): readonly string[]
  /** HMAC-SHA-256 with the fingerprint key, first 16 bytes as latin1. */
  fingerprint(text: string | Uint8Array): string
  /** Wraps a 32-byte person key for storage: key-encryption-key id, nonce, ciphertext, tag; `aad` binds it to its place. */
  wrap(key: Uint8Array, aad: string): Uint8Array
  /** @throws SealtrailError KEY_UNKNOWN when the wrapping key is not there: never read as "erased". */
  unwrap(wrapped: Uint8Array, aad: string): Uint8Array
  /** What ingest threads need to make their own instance (naming, token, fingerprint keys only – not signing, not wrapping). */
  exportForIngest(): IngestKeys
}

export interface IngestKeys {
  readonly naming: Uint8Array
  readonly token: Uint8Array
  /** Token keys from before a rotation, the newest first. */
  readonly olderTokens?: readonly Uint8Array[]
  readonly fingerprint: Uint8Array
}

/** The keyed hashes an ingest thread computes. */
export type KeyedHashes = Pick<Keys, 'name' | 'token' | 'tokens' | 'fingerprint'>

/** Those of a thread that runs while keys are rotated. */
export interface RenewableHashes extends KeyedHashes {
  /** How many token keys there are: whoever remembers tokens forgets them when there is one more. */
  readonly tokenKeys: number
  /** Goes on with these token keys; the others never change. */
  renew(keys: IngestKeys): void
}
