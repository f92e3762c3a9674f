import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import type { VaultEntry } from './vault.ts'

/**
 * A vault row's value; numbers are little-endian:
 *
 * ```
 * u8 version (1) | u8 context length, context | 16 B fingerprint
 * u8 tokens, each: u8 owner | u8 kind length, kind | 16 B token
 * u8 parts, each: 16 B key id | 16 B key commitment | 12 B nonce | u32 length | ciphertext ‖ 16 B tag
 * u32 CRC-32 of the row's key and all of the above
 * ```
 * The CRC tells damage from tampering: a damaged row is reported as such before any key is asked for.
 */
const VERSION = 1
const FIXED_PART = 48

/** Bytes of a row's key, which stands right before its value wherever rows are written. */
export const ROW_KEY = 24

/** Upper bound of key and value: `context` counts characters, `ciphertexts` bytes without tags. */
export function rowBound(context: number, tokens: ReadonlyArray<{ readonly kind: string }>, parts: number, ciphertexts: number): number {
  let size = ROW_KEY + 2 + context * 3 + 16 + 1 + 1 + 4 + parts * (FIXED_PART + 16) + ciphertexts
  for (const { kind } of tokens) size += 18 + kind.length * 3
  return size
}

/** Writes all before the parts; fingerprint and tokens are latin1. @throws RangeError when there are over 255 parts or tokens, or a name is longer than 255 bytes. */
export function writeHead(
  into: Buffer,
  at: number,
  context: string,
  fingerprint: string,
  tokens: ReadonlyArray<{ readonly kind: string; readonly token: string; readonly owner?: number }>,
  parts: number,
): number {
  into[at] = VERSION
  at = text(into, at + 1, context)
  at += into.latin1Write(fingerprint, at, 16)
  at = count(into, at, tokens.length)
  for (const { owner, kind, token } of tokens) {
    into[at] = owner ?? 0
    at = text(into, at + 1, kind)
    at += into.latin1Write(token, at, 16)
  }
  return count(into, at, parts)
}

/** Writes a part but for its ciphertext of `length` bytes, which belongs at the offset returned. */
export function writePart(into: Buffer, at: number, keyId: Uint8Array, commitment: Uint8Array, nonce: Uint8Array, length: number): number {
  // Loops: for so few bytes `set` and a view of them cost more (measured).
  for (let i = 0; i < 16; i++) into[at + i] = keyId[i] as number
  for (let i = 0; i < 16; i++) into[at + 16 + i] = commitment[i] as number
  for (let i = 0; i < 12; i++) into[at + 32 + i] = nonce[i] as number
  into.writeUInt32LE(length, at + 44)
  return at + FIXED_PART
}

/** Writes the CRC behind a row whose key begins at `keyAt`. */
export function writeEnd(into: Buffer, keyAt: number, at: number): number {
  return into.writeUInt32LE(crc32(into.subarray(keyAt, at)), at)
}

/** @throws RangeError as `writeHead`. */
export function encodeRow(key: Uint8Array, entry: VaultEntry): Uint8Array {
  const { context, fingerprint, parts } = entry
  const tokens = entry.tokens.map(({ kind, token, owner }) => ({ kind, token: latin1(token), owner }))
  const out = Buffer.alloc(
    rowBound(
      context.length,
      tokens,
      parts.length,
      parts.reduce((sum, { ciphertext }) => sum + ciphertext.length, 0),
    ),
  )
  out.set(key)
  let at = writeHead(out, ROW_KEY, context, latin1(fingerprint), tokens, parts.length)
  for (const { keyId, commitment, nonce, ciphertext } of parts) {
    at = writePart(out, at, keyId, commitment, nonce, ciphertext.length)
    out.set(ciphertext, at)
    at += ciphertext.length
  }
  return out.subarray(ROW_KEY, writeEnd(out, 0, at))
}

/** What a row says, its parts as views into it; null when it is damaged or another row's value. */
export function decodeRow(key: Uint8Array, value: Uint8Array): VaultEntry | null {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const end = bytes.length - 4
  if (end < 20 || bytes[0] !== VERSION || bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end), crc32(key))) return null
  // What the CRC vouches for was written by `encodeRow`; the range checks below are for rows somebody forged.
  try {
    return decode(bytes, end)
  } catch {
    return null
  }
}

function decode(bytes: Buffer, end: number): VaultEntry | null {
  let at = 1
  const take = (length: number): Buffer => {
    if (at + length > end) throw new RangeError('a row too short')
    at += length
    return bytes.subarray(at - length, at)
  }
  const u8 = (): number => take(1)[0] as number
  const context = take(u8()).utf8Slice()
  const fingerprint = take(16)
  const tokens: Array<{ owner: number; kind: string; token: Uint8Array }> = []
  for (let left = u8(); left > 0; left--) tokens.push({ owner: u8(), kind: take(u8()).utf8Slice(), token: take(16) })
  const parts: Array<VaultEntry['parts'][number]> = []
  for (let left = u8(); left > 0; left--) {
    const [keyId, commitment, nonce] = [take(16), take(16), take(12)]
    parts.push({ keyId, commitment, nonce, ciphertext: take(take(4).readUInt32LE()) })
  }
  return at === end ? { context, fingerprint, tokens, parts } : null
}

function text(out: Buffer, at: number, value: string): number {
  const length = out.utf8Write(value, at + 1)
  if (length > 255) throw new RangeError('a name longer than 255 bytes')
  out[at] = length
  return at + 1 + length
}

function count(out: Buffer, at: number, value: number): number {
  if (value > 255) throw new RangeError('more than 255 tokens or owners')
  out[at] = value
  return at + 1
}

/** Ids, tokens and row keys as text, one character a byte: what maps and sets can hold. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).latin1Slice()
}
