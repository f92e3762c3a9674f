/**
 * The encodings of C2SP's text formats, strict in one direction and canonical in the other: one text for each value,
 * so that nobody can make a second spelling of a signed thing.
 */
import { TlogError } from './errors.ts'

// The two globals this package uses; both exist in Node, browsers and workers.
declare const TextEncoder: new () => { encode(text: string): Uint8Array }
declare const TextDecoder: new (label: 'utf-8', options: { fatal: true; ignoreBOM: true }) => { decode(bytes: Uint8Array): string }

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES: Uint8Array = new Uint8Array(128).fill(255)
for (let i = 0; i < 64; i++) VALUES[ALPHABET.charCodeAt(i)] = i

/** The UTF-8 bytes of a text. @throws TlogError TEXT_ENCODING when it holds a lone surrogate, which UTF-8 cannot write. */
export function encodeUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new TlogError('TEXT_ENCODING', 'the text holds a lone surrogate')
  return new TextEncoder().encode(text)
}

/** The text of UTF-8 bytes, a leading U+FEFF kept. @throws TlogError TEXT_ENCODING when they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new TlogError('TEXT_ENCODING', 'the bytes are not UTF-8', { cause })
  }
}

/** Standard base64 with padding (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i]!, bytes[i + 1], bytes[i + 2]]
    out += ALPHABET[a >> 2]! + ALPHABET[((a & 3) << 4) | ((b ?? 0) >> 4)]!
    out += b === undefined ? '=' : ALPHABET[((b & 15) << 2) | ((c ?? 0) >> 6)]!
    out += c === undefined ? '=' : ALPHABET[c & 63]!
  }
  return out
}

/**
 * The bytes of a standard base64 text.
 * @throws TlogError BASE64 for anything but the one canonical text: padding required, unused bits zero (RFC 4648 §3.5), no white space.
 */
export function decodeBase64(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const digits = text.length - padding
  if (text.length % 4 !== 0) throw new TlogError('BASE64', 'base64 comes in groups of four characters')
  const out = new Uint8Array((text.length / 4) * 3 - padding)
  let bits = 0
  let held = 0
  let write = 0
  for (let i = 0; i < digits; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? 255
    if (value === 255) throw new TlogError('BASE64', 'a character outside the base64 alphabet')
    bits = ((bits << 6) | value) & 0xffff
    held += 6
    if (held >= 8) {
      held -= 8
      out[write++] = bits >> held
    }
  }
  // attacker: two texts for one value would let a note be altered without breaking it.
  if ((bits & ((1 << held) - 1)) !== 0) throw new TlogError('BASE64', 'the unused bits of base64 are not zero')
  return out
}

/**
 * The number an ASCII decimal stands for: digits only, no leading zero, at most `most`; null for any other text.
 * The caller knows which format is broken and throws.
 */
export function parseDecimal(text: string, most: bigint): bigint | null {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text)) return null
  const value = BigInt(text)
  return value <= most ? value : null
}
