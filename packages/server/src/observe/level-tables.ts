import { Buffer } from 'node:buffer'
import type { Level } from './shared-level.ts'

/** A table of a LevelDB: numbers only grow. */
export interface LevelTable {
  readonly level: number
  readonly number: number
  readonly bytes: number
  readonly first: Buffer
  readonly last: Buffer
}

const LINE = /^ (\d+):(\d+)\['(.*)' @ \d+ : \d+ \.\. '(.*)' @ \d+ : \d+\]$/

/** Every table in use, by level and key, as LevelDB's property `leveldb.sstables` lists them. */
export function tablesOf(db: Pick<Level, 'getProperty'>): LevelTable[] {
  const tables: LevelTable[] = []
  let level = 0
  for (const line of db.getProperty('leveldb.sstables').split('\n')) {
    const header = /^--- level (\d+) ---$/.exec(line)
    if (header !== null) level = Number(header[1])
    const found = LINE.exec(line)
    if (found === null) continue
    const [, number, bytes, first, last] = found as unknown as [string, string, string, string, string]
    tables.push({ level, number: Number(number), bytes: Number(bytes), first: unescape(first), last: unescape(last) })
  }
  return tables
}

/** LevelDB writes printable ASCII as it is and other bytes as `\xHH`, the backslash itself not: four bytes that spell an escape are taken for one. */
function unescape(text: string): Buffer {
  return Buffer.from(
    text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
}
