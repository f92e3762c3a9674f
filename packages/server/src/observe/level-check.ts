import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from './crc32c.ts'

/** A file of a LevelDB folder that does not hold what was written. */
export interface LevelDamage {
  readonly file: string
  readonly message: string
}

const LOG_BLOCK = 32 * 1024
const LOG_HEADER = 7
const FOOTER = 48
const MAGIC_LOW = 0x8b80_fb57
const MAGIC_HIGH = 0xdb47_7524

/**
 * Checks every checksum in a LevelDB folder that no process has open; resolves to the damaged files, none when it is whole
 * or does not exist. The database is not asked to check them when it reads, and passes over a damaged stretch of its
 * write-ahead log: a flipped bit would be a record that is not found. A torn end of the write-ahead log is no damage.
 * About 1 s per GB. Layout: leveldb doc/table_format.md, doc/log_format.md.
 */
export async function checkLevel(folder: string): Promise<LevelDamage[]> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const damage: LevelDamage[] = []
  for (const file of names.sort()) {
    const check = /^\d+\.ldb$/.test(file) ? checkTable : /^\d+\.log$|^MANIFEST-\d+$/.test(file) ? checkLog : null
    if (check === null) continue
    const message = check(await readFile(join(folder, file)))
    if (message !== null) damage.push({ file, message })
  }
  return damage
}

/** Blocks of 32 KiB, each a row of records: checksum (4), length (2), type (1), data; a rest shorter than a header is padding. */
function checkLog(bytes: Buffer): string | null {
  let at = 0
  while (at < bytes.length) {
    const left = LOG_BLOCK - (at % LOG_BLOCK)
    if (left < LOG_HEADER) {
      at += left
      continue
    }
    if (at + LOG_HEADER > bytes.length) return null
    const length = bytes.readUInt16LE(at + 4)
    const type = bytes[at + 6] as number
    const end = at + LOG_HEADER + length
    if (length + LOG_HEADER > left || type > 4) return `no record at ${at}`
    if (end > bytes.length) return null
    if (type !== 0 && !isChecksum(bytes.readUInt32LE(at), bytes, at + 6, end)) return `another checksum at ${at}`
    at = end
  }
  return null
}

interface Handle {
  readonly offset: number
  readonly size: number
}

/** Data blocks, a filter block, an index of each, and a footer that says where the two indexes are. */
function checkTable(bytes: Buffer): string | null {
  const footer = bytes.length - FOOTER
  if (footer < 0 || bytes.readUInt32LE(footer + 40) !== MAGIC_LOW || bytes.readUInt32LE(footer + 44) !== MAGIC_HIGH) return 'no table'
  try {
    const reader = { bytes, at: footer }
    const indexes = [readHandle(reader), readHandle(reader)]
    for (const index of indexes) {
      if (!isBlock(bytes, index)) return `another checksum at ${index.offset}`
      for (const block of readHandles(bytes, index)) if (!isBlock(bytes, block)) return `another checksum at ${block.offset}`
    }
    return null
  } catch (error) {
    if (error instanceof RangeError) return 'no table'
    throw error
  }
}

/** The handles an index block holds: entries of shared length, own length, value length, own key, value; then the restart points and their number. */
function readHandles(bytes: Buffer, { offset, size }: Handle): Handle[] {
  const end = offset + size - 4 - 4 * bytes.readUInt32LE(offset + size - 4)
  const reader = { bytes, at: offset }
  const handles: Handle[] = []
  while (reader.at < end) {
    readVarint(reader)
    const own = readVarint(reader)
    const value = readVarint(reader)
    const next = reader.at + own + value
    reader.at += own
    handles.push(readHandle(reader))
    reader.at = next
  }
  return handles
}

function isBlock(bytes: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size + 1
  return end + 4 <= bytes.length && isChecksum(bytes.readUInt32LE(end), bytes, offset, end)
}

/** LevelDB stores a checksum rotated and shifted, since checksums of data that holds checksums are weak. */
function isChecksum(stored: number, bytes: Buffer, from: number, to: number): boolean {
  const crc = crc32c(bytes, from, to)
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0 === stored
}

function readHandle(reader: { readonly bytes: Buffer; at: number }): Handle {
  return { offset: readVarint(reader), size: readVarint(reader) }
}

function readVarint(reader: { readonly bytes: Buffer; at: number }): number {
  let value = 0
  for (let factor = 1; factor < 2 ** 49; factor *= 128) {
    const byte = reader.bytes.readUInt8(reader.at++)
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value
  }
  throw new RangeError('a number of more than 49 bits')
}
