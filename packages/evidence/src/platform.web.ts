import { hashes, verify } from '@noble/ed25519'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { decodeLatin1, encodeBase64url, encodeLatin1, encodeUtf8 } from './text.ts'

// The same functions as platform.node.ts, for browsers and other runtimes.
hashes.sha512 = sha512

/** SHA-256 of an ASCII text, base64url without padding. */
export function sha256Base64url(ascii: string): string {
  return encodeBase64url(sha256(encodeLatin1(ascii)))
}

/** SHA-256 of bytes, lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes))
}

/** SHA-256 of bytes as 32 characters of code 0..255. */
export function sha256Latin1(bytes: Uint8Array): string {
  return decodeLatin1(sha256(bytes))
}

/** Whether the 64-byte Ed25519 signature over the message is by the raw 32-byte public key. Never throws. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  try {
    return verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false
  }
}

/** The UTF-8 bytes of a well-formed text, base64url without padding. */
export function textToBase64url(text: string): string {
  return encodeBase64url(encodeUtf8(text))
}
