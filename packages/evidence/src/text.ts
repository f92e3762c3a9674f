import { decodeBase64 } from '@sealtrail/tlog'

// Text and bytes. TextDecoder and TextEncoder exist wherever this package runs, but the language's own types lack them.
declare const TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string }
declare const TextEncoder: new () => { encode(text: string): Uint8Array<ArrayBuffer> }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The UTF-8 bytes of a text; a lone surrogate becomes U+FFFD, so callers check `isWellFormed` first. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/** The text of strict UTF-8 bytes, a byte order mark kept as a character; null when they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** One byte per character of code 0..255. */
export function encodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** One character of code 0..255 per byte; for short inputs. */
export function decodeLatin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hex. */
export function encodeHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte] as string
  return text
}

const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** RFC 4648 section 5, without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  return encode64(bytes)
}

/** The bytes of canonical, padded base64 (RFC 4648 section 4); null otherwise. */
export function base64Bytes(text: string): Uint8Array | null {
  try {
    return decodeBase64(text)
  } catch {
    return null
  }
}

/** The bytes of canonical base64url without padding; null otherwise. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  return /^[A-Za-z0-9_-]*$/.test(text) ? decode64(text) : null
}

function encode64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += (URL_SAFE[bits >> 18] as string) + (URL_SAFE[(bits >> 12) & 63] as string)
    if (left > 1) text += URL_SAFE[(bits >> 6) & 63] as string
    if (left > 2) text += URL_SAFE[bits & 63] as string
  }
  return text
}

function decode64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 === 1) return null
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let at = 0
  let bits = 0
  let held = 0
  for (const char of text) {
    bits = (bits << 6) | URL_SAFE.indexOf(char)
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[at++] = (bits >> held) & 0xff
      bits &= (1 << held) - 1
    }
  }
  // Left-over bits must be zero, else two texts would name the same bytes.
  return bits === 0 ? bytes : null
}

/** The lines, each ended by one newline. */
export function joinLines(lines: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(lines.reduce((sum, line) => sum + line.length + 1, 0))
  let at = 0
  for (const line of lines) {
    joined.set(line, at)
    at += line.length
    joined[at++] = 0x0a
  }
  return joined
}
