import { createHash, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** The public half of a key that signs answers, as the key directory shows it. */
export interface AnswerKey {
  /** RFC 7638 thumbprint of the key as a JWK: what `keyid` says in a signature. */
  readonly keyid: string
  /** Raw Ed25519 public key, base64url without padding (the JWK's `x`, RFC 8037 section 2). */
  readonly x: string
  /** Milliseconds since the epoch: answers signed before are not this key's. */
  readonly notBeforeMs: number
  /** Answers signed after are not this key's; null while it is current. */
  readonly notAfterMs: number | null
}

/** What a thread that answers needs: the current key to sign with, and the public half of every key there ever was, the current one first. */
export interface AnswerKeys {
  /** A handle (`KeyObject`), not the key's bytes. */
  readonly secret: KeyObject
  readonly published: readonly [AnswerKey, ...AnswerKey[]]
}

/** How long after its rotation a key may still sign: other threads learn of the new one within a second, and a busy one may be late. */
export const OVERLAP_MS = 60_000

/** RFC 7638 section 3: SHA-256 over the required members alone, in this order, without white space; of an OKP key those are crv, kty, x (RFC 8037 section 2). */
export function thumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url')
}

/** A signature over a text of ASCII, base64 with padding. RFC 9421 section 3.3.6: plain Ed25519 over the signature base. */
export function signText(secret: KeyObject, text: string): string {
  return sign(null, Buffer.from(text, 'latin1'), secret).toString('base64')
}
