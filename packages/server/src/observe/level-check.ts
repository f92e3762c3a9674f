import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkLog, isChecksum, readVarint } from './level-log.ts'
import { readManifest } from './level-manifest.ts'

/** A file of a LevelDB folder that does not hold what was written. */
export interface LevelDamage {
  readonly file: string
  readonly message: string
}

const FOOTER = 48
const MAGIC_LOW = 0x8b80_fb57
const MAGIC_HIGH = 0xdb47_7524

/**
 * Checks every checksum in a LevelDB folder that no process has open; resolves to the damaged files, none when it is whole
 * or does not exist. The database is not asked to check them when it reads, and passes over a damaged stretch of its
 * write-ahead log: a flipped bit would be a record that is not found. A torn end of the write-ahead log is no damage; a
 * torn manifest is, since LevelDB deletes the tables that the rest of it would have named.
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
  const files = names.filter((name) => /^\d+\.(ldb|log)$/.test(name)).sort()
  const damage: LevelDamage[] = []
  const live = await liveFiles(folder, names, damage)
  for (const file of live ?? []) if (!files.includes(file)) damage.push({ file, message: 'it is missing' })
  for (const file of files) {
    // A table that the manifest does not name was being made when the process ended, or was to be deleted; so are logs
    // before the one it names, while later ones are read at a restart.
    if (live !== null && !live.includes(file) && !live.some((name) => name.endsWith('.log') && file.endsWith('.log') && parseInt(name) < parseInt(file)))
      continue
    const message = (file.endsWith('.ldb') ? checkTable : checkLog)(await readFile(join(folder, file)))
    if (message !== null) damage.push({ file, message })
  }
  return damage
}

/** Tables and logs that the database consists of; null when its manifest does not say, which is damage unless there is none yet. */
async function liveFiles(folder: string, names: readonly string[], damage: LevelDamage[]): Promise<string[] | null> {
  const current = names.includes('CURRENT') ? await readFile(join(folder, 'CURRENT'), 'latin1') : ''
  const manifest = current.slice(0, -1)
  if (!current.endsWith('\n') || !names.includes(manifest)) {
    // Without CURRENT LevelDB begins an empty database and deletes the tables it finds. A manifest alone: it was just being made.
    if (names.some((name) => /^\d+\.(ldb|log)$/.test(name))) damage.push({ file: 'CURRENT', message: 'it names no manifest' })
    return null
  }
  const found = readManifest(await readFile(join(folder, manifest)))
  if (typeof found !== 'string') return found
  damage.push({ file: manifest, message: found })
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

function readHandle(reader: { readonly bytes: Buffer; at: number }): Handle {
  return { offset: readVarint(reader), size: readVarint(reader) }
}
