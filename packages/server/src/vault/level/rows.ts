import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'

/**
 * Rows of the vault's LevelDB, by the first byte of the key; numbers are little-endian:
 *
 * ```
 * 'a' alias token (16)                  → key ids (16 each), the current one first
 * 'd' audit id (16) first digest (8)    → disclosures: vault/row.ts
 * 'k' key id (16)                       → u8 version | u8 1 | f64 created ms | 32 B key commitment | 73 B wrapped key
 *                                           | u8 tokens, 16 B each | u32 CRC-32 of key and value
 *                                       or u8 version | u8 2 | f64 erased ms | 16 B certificate id | u32 CRC-32: a tombstone, for ever
 * ```
 */
export type KeyRow =
  | { readonly state: 'live'; readonly createdMs: number; readonly commitment: Uint8Array; readonly wrapped: Uint8Array; readonly tokens: readonly string[] }
  /** `certificate`: 32 hex characters. */
  | { readonly state: 'erased'; readonly erasedMs: number; readonly certificate: string }

const VERSION = 1
const LIVE = 1
const ERASED = 2
const WRAPPED = 73
/** Aliases a key row can name. */
export const MAX_TOKENS = 255

/**
 * Whether a key knows the alias that leads to it: both are written at once, so a row put in another's place is found by that.
 * Of a full row nobody can tell.
 */
export function isMutual(token: string, row: KeyRow): boolean {
  return row.state !== 'live' || row.tokens.length >= MAX_TOKENS || row.tokens.includes(token)
}

/** Row key of an alias. @param token 16 bytes, latin1. */
export function aliasKey(token: string): Buffer {
  return Buffer.from('a' + token, 'latin1')
}

/** Row key of a data key. @param id 16 bytes, latin1. */
export function keyKey(id: string): Buffer {
  return Buffer.from('k' + id, 'latin1')
}

/** Row key of disclosures. @param key 24 bytes, or the first 16 as a prefix. */
export function disclosureKey(key: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(1 + key.length)
  out[0] = 0x64
  out.set(key, 1)
  return out
}

/** Key ids (latin1) an alias row names; empty when it is absent or damaged. */
export function decodeAlias(value: Uint8Array | undefined): string[] {
  if (value === undefined || value.length % 16 !== 0) return []
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).latin1Slice()
  return Array.from({ length: value.length / 16 }, (_, i) => text.slice(16 * i, 16 * i + 16))
}

/** The value of a key row. Of more tokens than 255 the first stay findable from the key. */
export function encodeKeyRow(id: string, row: KeyRow): Buffer {
  const tokens = row.state === 'live' ? row.tokens.slice(0, MAX_TOKENS) : []
  const out = Buffer.alloc(row.state === 'live' ? 10 + 32 + WRAPPED + 1 + 16 * tokens.length + 4 : 30)
  out[0] = VERSION
  out[1] = row.state === 'live' ? LIVE : ERASED
  out.writeDoubleLE(row.state === 'live' ? row.createdMs : row.erasedMs, 2)
  if (row.state === 'live') {
    out.set(row.commitment, 10)
    out.set(row.wrapped, 42)
    out[42 + WRAPPED] = tokens.length
    out.latin1Write(tokens.join(''), 43 + WRAPPED)
  } else out.write(row.certificate, 10, 16, 'hex')
  const end = out.length - 4
  out.writeUInt32LE(crc32(out.subarray(0, end), crc32(keyKey(id))), end)
  return out
}

/** What a key row says; null when it is damaged. A flipped byte never makes a tombstone. */
export function decodeKeyRow(id: string, value: Uint8Array): KeyRow | null {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const end = bytes.length - 4
  if (end < 10 || bytes[0] !== VERSION || bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end), crc32(keyKey(id)))) return null
  const time = bytes.readDoubleLE(2)
  if (bytes[1] === ERASED) return end === 26 ? { state: 'erased', erasedMs: time, certificate: bytes.hexSlice(10, 26) } : null
  if (bytes[1] !== LIVE || end < 43 + WRAPPED) return null
  const tokens = decodeAlias(bytes.subarray(43 + WRAPPED, end))
  return { state: 'live', createdMs: time, commitment: bytes.subarray(10, 42), wrapped: bytes.subarray(42, 42 + WRAPPED), tokens }
}
