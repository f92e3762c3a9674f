import { crc32c } from './crc32c.ts'

/** LevelDB's log format (doc/log_format.md): blocks of 32 KiB, each a row of records: checksum (4), length (2), type (1), data; a rest shorter than a header is padding. */
const LOG_BLOCK = 32 * 1024
const LOG_HEADER = 7

/** What is damaged in a write-ahead log, or null; a torn end is not. */
export function checkLog(bytes: Buffer): string | null {
  const { fault, end } = readLog(bytes)
  if (fault !== null || end === bytes.length) return fault
  for (let at = end + 1; at + LOG_HEADER <= bytes.length; at++) if (isRecord(bytes, at)) return `no record at ${end}, but one at ${at}`
  return null
}

function isRecord(bytes: Buffer, at: number): boolean {
  const end = at + LOG_HEADER + bytes.readUInt16LE(at + 4)
  const type = bytes[at + 6] as number
  return type >= 1 && type <= 4 && end <= bytes.length && isChecksum(bytes.readUInt32LE(at), bytes, at + 6, end)
}

/** Where whole records end, and what is wrong before that; `take` is given each record's type and data. */
export function readLog(bytes: Buffer, take?: (type: number, data: Buffer) => void): { fault: string | null; end: number } {
  let at = 0
  while (at < bytes.length) {
    const left = LOG_BLOCK - (at % LOG_BLOCK)
    if (left < LOG_HEADER) {
      at += left
      continue
    }
    if (at + LOG_HEADER > bytes.length) return { fault: null, end: at }
    const length = bytes.readUInt16LE(at + 4)
    const type = bytes[at + 6] as number
    const end = at + LOG_HEADER + length
    if (length + LOG_HEADER > left || type > 4) return { fault: `no record at ${at}`, end: at }
    if (end > bytes.length) return { fault: null, end: at }
    if (type !== 0 && !isChecksum(bytes.readUInt32LE(at), bytes, at + 6, end)) return { fault: `another checksum at ${at}`, end: at }
    take?.(type, bytes.subarray(at + LOG_HEADER, end))
    at = end
  }
  return { fault: null, end: bytes.length }
}

/** LevelDB stores a checksum rotated and shifted, since checksums of data that holds checksums are weak. */
export function isChecksum(stored: number, bytes: Buffer, from: number, to: number): boolean {
  const crc = crc32c(bytes, from, to)
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0 === stored
}

/** A varint of at most 49 bits. @throws RangeError */
export function readVarint(reader: { readonly bytes: Buffer; at: number }): number {
  let value = 0
  for (let factor = 1; factor < 2 ** 49; factor *= 128) {
    const byte = reader.bytes.readUInt8(reader.at++)
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value
  }
  throw new RangeError('a number of more than 49 bits')
}
