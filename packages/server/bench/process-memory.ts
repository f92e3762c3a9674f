import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { PatternSearch } from '../src/privacy/patterns.ts'
import type { Pattern } from '../src/privacy/work-file.ts'

const PIECE = 8 * 1024 * 1024

/** What of the patterns stands anywhere in the memory of a process, how often by kind; null where the system does not say (it is Linux's). */
export function memoryOf(pid: number, patterns: readonly Pattern[]): string[] | null {
  let maps: string
  let memory: number
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'utf8')
    memory = openSync(`/proc/${pid}/mem`, 'r')
  } catch {
    return null
  }
  const search = new PatternSearch(patterns)
  const counts = new Map<string, number>()
  const piece = Buffer.allocUnsafeSlow(PIECE + search.longest)
  try {
    for (const line of maps.split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (from === undefined || to === undefined) continue
      const end = parseInt(to, 16)
      for (let at = parseInt(from, 16); at < end; at += PIECE) {
        try {
          const read = readSync(memory, piece, 0, Math.min(piece.length, end - at), at)
          for (const { at: place, pattern } of search.in(piece.subarray(0, read)))
            if (place < PIECE) counts.set(pattern.what, (counts.get(pattern.what) ?? 0) + 1)
        } catch {
          // Not mapped any more, or not readable.
        }
      }
    }
  } finally {
    closeSync(memory)
  }
  return [...counts].sort().map(([what, count]) => `${what} ${count} times`)
}
