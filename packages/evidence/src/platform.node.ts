import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'

// Digests as strings: node:crypto is twice as fast when it need not make a Buffer (measured).

/** SHA-256 of an ASCII text, base64url without padding. */
export function sha256Base64url(ascii: string): string {
  return hash('sha256', ascii, 'base64url')
}

/** SHA-256 of bytes, lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/** The UTF-8 bytes of a well-formed text, base64url without padding. */
export function textToBase64url(text: string): string {
  // One memory for all: a Buffer of its own costs as much as the encoding (measured).
  if (text.length * 3 > scratch.length) return Buffer.from(text, 'utf8').toString('base64url')
  return scratch.base64urlSlice(0, scratch.utf8Write(text, 0))
}

const scratch = Buffer.allocUnsafeSlow(4096)
