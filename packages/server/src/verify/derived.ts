import { once } from 'node:events'
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Frontier, HASH_SIZE } from '@sealtrail/tlog'
import { checkLevel } from '../observe/level-check.ts'
import { type FoundProblem, problem } from './verdict.ts'

/** Leaf hashes taken at a time: whole tiles of every level that fits. */
const STEP = 65_536
const WIDTH = 256
/** Starting a thread costs what hashing this many leaves does. */
const BESIDE = 100_000

/** What the level files of a log hold. */
export interface TilesFound {
  /** Root of the first `size` leaves, lower-case hex; null when a fault was found before it was known. */
  readonly root: string | null
  /** Null: every upper level agrees with the leaves. */
  readonly fault: { readonly level: number; readonly detail: string } | null
}

/** Hashes the level files of a log up to `size` leaves again, all levels. More leaves are no fault: they are cut at the next start. @param folder `tiles/<log>` */
export function readTiles(folder: string, size: number): TilesFound {
  const file = (level: number): string => join(folder, `level-${level}`)
  const leaves = new Source(file(0))
  const upper = Array.from({ length: 6 }, (_, i) => new Source(file(i + 1)))
  try {
    if (leaves.count < size) return { root: null, fault: { level: 0, detail: `${leaves.count} of ${size} hashes` } }
    const frontier = new Frontier()
    for (let at = 0; at < size; at += STEP) {
      const { levels } = frontier.append(leaves.read(at, Math.min(STEP, size - at)))
      for (const [i, source] of upper.entries()) {
        const made = levels[(i + 1) * 8 - 1]
        if (made === undefined || made.length === 0) break
        const stored = source.read(Math.floor(at / WIDTH ** (i + 1)), made.length / HASH_SIZE)
        if (Buffer.compare(stored, made) !== 0) return { root: null, fault: { level: i + 1, detail: `hashes differ below leaf ${Math.min(at + STEP, size)}` } }
      }
    }
    return { root: Buffer.from(frontier.root()).toString('hex'), fault: null }
  } finally {
    for (const source of [leaves, ...upper]) source.close()
  }
}

/** As `readTiles`; large logs on a thread of their own, beside the audit of the segments. */
export async function readTilesBeside(folder: string, size: number): Promise<TilesFound> {
  if (size < BESIDE) return readTiles(folder, size)
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './tiles-thread.ts' : './tiles-thread.js', import.meta.url), {
    workerData: { folder, size },
  })
  const [found] = (await once(worker, 'message')) as [TilesFound]
  return found
}

/** The problem, if the level files are not those of the log. @param object `tiles/<log>` @param root of the log at that size */
export function tilesProblem({ root: stored, fault }: TilesFound, object: string, root: string): FoundProblem[] {
  if (fault !== null) return [problem('DERIVED_TILES', `${object}/level-${fault.level}`, null, fault.detail)]
  return stored === root ? [] : [problem('DERIVED_TILES', `${object}/level-0`, null, 'another root')]
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
  // Where the keyring is, the vault belongs too; a copy for an auditor has neither.
  if (existsSync(join(directory, 'keys')) && !existsSync(join(directory, 'vault')))
    found.push(problem('VAULT_UNREADABLE', 'vault', null, 'the vault is not there, though its keyring is: no personal value can be shown any more'))
  for (const [folder, code] of [
    ['vault', 'VAULT_UNREADABLE'],
    ['ledger', 'DERIVED_LEDGER'],
    ['index', 'DERIVED_INDEX'],
  ] as const) {
    for (const { file, message } of await checkLevel(join(directory, folder))) found.push(problem(code, `${folder}/${file}`, null, message))
  }
  return found
}
