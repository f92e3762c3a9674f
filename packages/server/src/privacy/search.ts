import { open, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { SealtrailError } from '../errors.ts'
import { PatternSearch } from './patterns.ts'
import type { Pattern } from './work-file.ts'

/** What a search of a directory came to. */
export interface Searched {
  readonly files: number
  readonly bytes: number
  readonly patterns: number
  /** Each file and kind of pattern once, by name. Paths are relative, with `/`. */
  readonly found: ReadonlyArray<{ readonly file: string; readonly what: string }>
}

const PIECE = 4 * 1024 * 1024

/**
 * Reads every file below a directory once, and says in which of them a pattern stands. What is removed meanwhile is passed
 * over; links are not followed. @param except paths that are not read, relative. @param onProgress told of bytes read
 * @throws SealtrailError DATA_UNWRITABLE when a file cannot be read: then nobody knows what is in it
 */
export async function searchFiles(
  folder: string,
  patterns: readonly Pattern[],
  except: readonly string[],
  onProgress: (bytes: number) => void = () => {},
): Promise<Searched> {
  const search = new PatternSearch(patterns)
  const skipped = new Set(except)
  const buffer = Buffer.allocUnsafeSlow(PIECE + search.longest)
  const found = new Map<string, { file: string; what: string }>()
  let [files, bytes] = [0, 0]
  for await (const path of filesIn(folder)) {
    const file = relative(folder, path).split(sep).join('/')
    if (skipped.has(file)) continue
    const read = await scan(path, buffer, search, (what) => found.set(`${file} ${what}`, { file, what }))
    if (read === null) continue
    files++
    bytes += read
    onProgress(bytes)
  }
  return { files, bytes, patterns: search.count, found: [...found.values()].sort((a, b) => (`${a.file} ${a.what}` < `${b.file} ${b.what}` ? -1 : 1)) }
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isGone(error)) return []
    throw unreadable(folder, error)
  })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesIn(path)
    else if (entry.isFile()) yield path
  }
}

/** Bytes read, or null when the file is gone. A pattern that lies across two pieces is found: the end of one is kept before the next. */
async function scan(path: string, buffer: Buffer, search: PatternSearch, onFound: (what: string) => void): Promise<number | null> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (isGone(error)) return null
    throw unreadable(path, error)
  })
  if (handle === null) return null
  try {
    let [total, kept] = [0, 0]
    for (;;) {
      const { bytesRead } = await handle.read(buffer, kept, PIECE, null)
      if (bytesRead === 0) return total
      total += bytesRead
      const text = buffer.subarray(0, kept + bytesRead)
      for (const { pattern } of search.in(text)) onFound(pattern.what)
      kept = Math.min(search.longest - 1, text.length)
      buffer.copy(buffer, 0, text.length - kept, text.length)
    }
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await handle.close()
  }
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function unreadable(path: string, cause: unknown): SealtrailError {
  return new SealtrailError('DATA_UNWRITABLE', `${path} cannot be searched (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, { cause })
}
