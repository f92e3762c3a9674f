import { sha256 } from '@sealtrail/tlog'
import { encodeBase64url, encodeHex, encodeLatin1, encodeUtf8 } from './text.ts'

// The same functions as platform.node.ts, for browsers and other runtimes.

/** SHA-256 of an ASCII text, base64url without padding. */
export function sha256Base64url(ascii: string): string {
  return encodeBase64url(sha256(encodeLatin1(ascii)))
}

/** SHA-256 of bytes, lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return encodeHex(sha256(bytes))
}

/** The UTF-8 bytes of a well-formed text, base64url without padding. */
export function textToBase64url(text: string): string {
  return encodeBase64url(encodeUtf8(text))
}
