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

/** Bytes of a value with these contents, for the one allocation `encodeRow` makes. */
function sizeOf(entry: VaultEntry): number {
  let size = 2 + Buffer.byteLength(entry.context) + 16 + 1 + 1 + 4
  for (const { kind } of entry.tokens) size += 2 + Buffer.byteLength(kind) + 16
  for (const { ciphertext } of entry.parts) size += FIXED_PART + ciphertext.length
  return size
}

/** @throws RangeError when there are over 255 parts or tokens, or a name is longer than 255 bytes. */
export function encodeRow(key: Uint8Array, entry: VaultEntry): Uint8Array {
  const { context, fingerprint, tokens, parts } = entry
  const size = sizeOf(entry)
  const out = Buffer.allocUnsafe(size)
  out[0] = VERSION
  let at = text(out, 1, context)
  out.set(fingerprint.subarray(0, 16), at)
  at += 16
  at = count(out, at, tokens.length)
  for (const { owner, kind, token } of tokens) {
    out[at] = owner
    at = text(out, at + 1, kind)
    out.set(token.subarray(0, 16), at)
    at += 16
  }
  at = count(out, at, parts.length)
  for (const { keyId, commitment, nonce, ciphertext } of parts) {
    out.set(keyId, at)
    out.set(commitment, at + 16)
    out.set(nonce, at + 32)
    out.writeUInt32LE(ciphertext.length, at + 44)
    out.set(ciphertext, at + FIXED_PART)
    at += FIXED_PART + ciphertext.length
  }
  out.writeUInt32LE(crc32(out.subarray(0, at), crc32(key)), at)
  return out
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
