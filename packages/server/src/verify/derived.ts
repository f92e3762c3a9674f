import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { Frontier, HASH_SIZE } from '@sealtrail/tlog'
import { checkLevel } from '../observe/level-check.ts'
import { type FoundProblem, problem } from './verdict.ts'

/** Leaf hashes taken at a time: whole tiles of every level that fits. */
const STEP = 65_536
const WIDTH = 256

/**
 * Whether the level files of a log hold the tree of exactly this root, all levels of it; derived data. More leaves than
 * `size` are no fault: they are cut at the next start. @param folder `tiles/<log>`
 */
export function checkTiles(folder: string, object: string, size: number, root: string): FoundProblem[] {
  if (size === 0) return []
  const file = (level: number): string => join(folder, `level-${level}`)
  const fault = (level: number, detail: string): FoundProblem[] => [problem('DERIVED_TILES', `${object}/level-${level}`, null, detail)]
  const leaves = new Source(file(0))
  const upper = Array.from({ length: 6 }, (_, i) => new Source(file(i + 1)))
  try {
    if (leaves.count < size) return fault(0, `${leaves.count} of ${size} hashes`)
    const frontier = new Frontier()
    for (let at = 0; at < size; at += STEP) {
      const { levels } = frontier.append(leaves.read(at, Math.min(STEP, size - at)))
      for (const [i, source] of upper.entries()) {
        const made = levels[(i + 1) * 8 - 1]
        if (made === undefined || made.length === 0) break
        const stored = source.read(Math.floor(at / WIDTH ** (i + 1)), made.length / HASH_SIZE)
        if (Buffer.compare(stored, made) !== 0) return fault(i + 1, `hashes differ below leaf ${Math.min(at + STEP, size)}`)
      }
    }
    return Buffer.from(frontier.root()).toString('hex') === root ? [] : fault(0, 'another root')
  } finally {
    for (const source of [leaves, ...upper]) source.close()
  }
}

/** A level file; one that does not exist has no hashes. */
class Source {
  readonly #fd: number | null
  readonly count: number

  constructor(path: string) {
    this.#fd = existsSync(path) ? openSync(path, 'r') : null
    this.count = this.#fd === null ? 0 : Math.floor(fstatSync(this.#fd).size / HASH_SIZE)
  }

  /** Up to `count` hashes from `at`; fewer at the end. */
  read(at: number, count: number): Uint8Array {
    if (this.#fd === null) return new Uint8Array(0)
    const bytes = new Uint8Array(count * HASH_SIZE)
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, bytes.length, at * HASH_SIZE))
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
  }
}

/** Damaged files of the LevelDB folders under a data directory: the vault is no derived data, ledger and index are. */
export async function checkDatabases(directory: string): Promise<FoundProblem[]> {
  const found: FoundProblem[] = []
  for (const [folder, code] of [['vault', 'VAULT_UNREADABLE'], ['ledger', 'DERIVED_LEDGER'], ['index', 'DERIVED_INDEX']] as const) {
    for (const { file, message } of await checkLevel(join(directory, folder))) found.push(problem(code, `${folder}/${file}`, null, message))
  }
  return found
}
