import { crc32 } from 'node:zlib'
import type { Lock } from '../store.ts'

/**
 * How one object lies inside an append file: a zstd *skippable frame* (RFC 8878 section 3.1.2) that names it, then its bytes.
 *
 *   u32 LE 0x184D2A5E · u32 LE n · n bytes: one ASCII line · `size` bytes: the object
 *   the line: JSON, keys in this order · space · CRC-32 of the JSON, 8 hex · newline
 *   {"format":"sealtrail/object/1","key":"calls/segment/000…042-0f3a…","mode":"COMPLIANCE","retainuntil":"2033-01-01T00:00:00.000Z","sha256":"0f3a…","size":1234} 9ae0daaf
 *
 * So `zstdcat FILE | jq` reads the records, and the file can be listed by hopping from header to header. Header and
 * object are claims of an untrusted store: whoever reads checks the digest against the key.
 */
export interface ObjectHeader {
  readonly key: string
  /** Bytes of the object, 1..2^31-1. */
  readonly size: number
  /** SHA-256 of the object, lower-case hex. */
  readonly sha256: string
  readonly lock: Lock
}

export const MAGIC: Uint8Array = new Uint8Array([0x5e, 0x2a, 0x4d, 0x18])
export const FORMAT = 'sealtrail/object/1'
/** No header is longer; a longer claim is damage. */
export const MAX_HEADER = 1024

/** The line alone: also the side file of objects that have a file of their own. */
export function formatHeader(header: ObjectHeader): string {
  const { key, lock, sha256, size } = header
  const retainuntil = new Date(lock.retainUntilMs).toISOString()
  const json = JSON.stringify({ format: FORMAT, key, mode: lock.mode, retainuntil, sha256, size })
  return `${json} ${crc32(json).toString(16).padStart(8, '0')}\n`
}

/** Bytes of the skippable frame before an object of this key and size: every other part of it has one length. */
export function headerLength(key: string, size: number): number {
  return encodeHeader({ key, size, sha256: '0'.repeat(64), lock: { mode: 'COMPLIANCE', retainUntilMs: 0 } }).length
}

/** The skippable frame that goes before the object. */
export function encodeHeader(header: ObjectHeader): Buffer {
  const line = formatHeader(header)
  const bytes = Buffer.allocUnsafe(8 + line.length)
  bytes.set(MAGIC, 0)
  bytes.writeUInt32LE(line.length, 4)
  bytes.latin1Write(line, 8)
  return bytes
}

/**
 * Reads the line back, or null when it is not one of ours; `intact` is false when only the checksum differs.
 * attacker: anyone who can write the files.
 */
export function parseHeader(line: string): { header: ObjectHeader; intact: boolean } | null {
  const end = line.lastIndexOf('}') + 1
  const json = line.slice(0, end)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { format, key, mode, retainuntil, sha256, size } = value as Record<string, unknown>
  if (format !== FORMAT || typeof key !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null
  if (mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE') return null
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > 0x7fffffff) return null
  const retainUntilMs = typeof retainuntil === 'string' ? Date.parse(retainuntil) : Number.NaN
  if (!Number.isFinite(retainUntilMs)) return null
  const header: ObjectHeader = { key, size, sha256, lock: { mode, retainUntilMs } }
  return { header, intact: line === formatHeader(header) }
}

/** The header at `at` and its own length in bytes, or null when there is none (or it is cut off by the end of `bytes`). */
export function decodeHeader(bytes: Buffer, at: number): { header: ObjectHeader; length: number; intact: boolean } | null {
  if (at + 8 > bytes.length) return null
  for (let i = 0; i < 4; i++) if (bytes[at + i] !== MAGIC[i]) return null
  const length = bytes.readUInt32LE(at + 4)
  if (length > MAX_HEADER || at + 8 + length > bytes.length) return null
  const parsed = parseHeader(bytes.latin1Slice(at + 8, at + 8 + length))
  return parsed === null ? null : { ...parsed, length: 8 + length }
}
