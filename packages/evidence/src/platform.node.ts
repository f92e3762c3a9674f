import { Buffer } from 'node:buffer'
import { createPublicKey, hash, verify } from 'node:crypto'

// Digests as strings: node:crypto is twice as fast when it need not make a Buffer (measured).

/** SHA-256 of an ASCII text, base64url without padding. */
export function sha256Base64url(ascii: string): string {
  return hash('sha256', ascii, 'base64url')
}

/** SHA-256 of bytes, lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/** SHA-256 of bytes as 32 characters of code 0..255. */
export function sha256Latin1(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary')
}

const SPKI_ED25519 = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]

/** Whether the 64-byte Ed25519 signature over the message is by the raw 32-byte public key. Never throws. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  try {
    const key = createPublicKey({ key: Uint8Array.of(...SPKI_ED25519, ...publicKey), format: 'der', type: 'spki' })
    return verify(null, message, key, signature)
  } catch {
    return false
  }
}

/** The UTF-8 bytes of a well-formed text, base64url without padding. */
export function textToBase64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}
