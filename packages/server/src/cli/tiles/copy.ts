import { Frontier, HASH_SIZE, leafHash, parseBundle, parseCheckpoint, parseNote, TILE_WIDTH, TlogError, type Tile } from '@sealtrail/tlog'
import { SealtrailError } from '../../errors.ts'
import type { TileFolder } from './folder.ts'
import type { TileSource } from './source.ts'

/** Bundles fetched ahead of the one being written. */
const AHEAD = 8
/** Beyond 2^53 leaves no log goes. */
const LEVELS = 7

export interface Copied {
  readonly size: number
  /** Lower-case hex. */
  readonly root: string
}

/**
 * Copies one log into the folder: entry bundles and level-0 tiles from the source, the tiles above computed from them, the
 * checkpoint last and only if everything leads to its root. So the copy is right whoever the source was; that the
 * checkpoint is the log's is for its reader to check, who has the key. A run that was stopped goes on where it was.
 * @throws SealtrailError NOT_FOUND (no such log, or nothing published), DATA_CORRUPT, ALREADY_WRITTEN, FORKED, NOT_READY (stopped)
 */
export async function copyLog(
  log: string,
  source: TileSource,
  folder: TileFolder,
  options: { readonly stopping: AbortSignal; onProgress(done: number, total: number): void; onExpired(records: number): void },
): Promise<Copied> {
  const note = await source.checkpoint(log)
  if (note === null) throw new SealtrailError('NOT_FOUND', `there is no published checkpoint of a log ${log}`)
  const target = opened(note, `the checkpoint of ${log}`)
  const before = standing(folder, target.origin)
  if (before !== null && before.size > target.size)
    throw new SealtrailError('FORKED', `${log}: the folder has a checkpoint of size ${before.size}, the source one of size ${target.size} only`)

  const tree = new UpperTiles(folder)
  const ahead: Array<Promise<Fetched>> = []
  let next = 0
  try {
    for (let first = 0; first < target.size; first += TILE_WIDTH) {
      for (; next < target.size && ahead.length < AHEAD; next += TILE_WIDTH) {
        const coming = fetched(log, source, folder, next, target.size)
        // Looked at when its turn comes.
        coming.catch(() => {})
        ahead.push(coming)
      }
      if (options.stopping.aborted) throw new SealtrailError('NOT_READY', 'stopped before the end; the same command goes on from here')
      const { hashes, tile, bundle } = await (ahead.shift() as Promise<Fetched>)
      // An earlier checkpoint of this folder was handed to somebody: the log must have grown from it.
      if (before !== null && before.size > first && before.size <= first + tile.width)
        tree.mustPass(before, hashes.subarray(0, (before.size - first) * HASH_SIZE))
      if (bundle === EXPIRED) options.onExpired(tile.width)
      else if (bundle !== null) folder.put({ ...tile, level: 'entries' }, bundle)
      else folder.kept++
      folder.put(tile, hashes)
      tree.append(hashes)
      options.onProgress(first + tile.width, target.size)
    }
  } finally {
    await Promise.allSettled(ahead)
  }
  tree.end()
  if (tree.root() !== target.root)
    throw new SealtrailError('DATA_CORRUPT', `${log}: its records do not lead to the root of its checkpoint; no checkpoint was written`)
  folder.setCheckpoint(note)
  return { size: target.size, root: target.root }
}

const EXPIRED = 'expired' as const

interface Fetched {
  readonly tile: Tile
  readonly hashes: Uint8Array
  /** Null: it stands in the folder already. `EXPIRED`: it holds records that have expired, of which only the hashes are left. */
  readonly bundle: Uint8Array | typeof EXPIRED | null
}

async function fetched(log: string, source: TileSource, folder: TileFolder, first: number, size: number): Promise<Fetched> {
  const tile: Tile = { level: 0, index: BigInt(first / TILE_WIDTH), width: Math.min(TILE_WIDTH, size - first) }
  const entries: Tile = { ...tile, level: 'entries' }
  const hashes = await source.tile(log, tile)
  const standing = folder.read(entries)
  if (standing !== null) {
    if (!leads(standing, hashes, tile.width)) throw folder.differs(entries)
    return { tile, hashes, bundle: null }
  }
  const bundle = await source.tile(log, entries).catch((error: unknown): typeof EXPIRED => {
    if (error instanceof SealtrailError && error.code === 'RECORDS_EXPIRED') return EXPIRED
    throw error
  })
  if (bundle === EXPIRED) return { tile, hashes, bundle }
  if (!leads(bundle, hashes, tile.width)) throw new SealtrailError('DATA_CORRUPT', `${log}: the entries from ${first} on are not those of its hashes`)
  return { tile, hashes, bundle }
}

/** Whether the bundle holds exactly the entries of these leaf hashes. */
function leads(bundle: Uint8Array, hashes: Uint8Array, width: number): boolean {
  if (hashes.length !== width * HASH_SIZE) return false
  try {
    return parseBundle(bundle, width).every((entry, i) => Buffer.compare(leafHash(entry), hashes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE)) === 0)
  } catch (error) {
    if (error instanceof TlogError) return false
    throw error
  }
}

interface OpenTile {
  index: bigint
  hashes: Uint8Array[]
}

/** The tiles above the leaves, written as they are completed; at most one unfinished tile a level is kept. */
class UpperTiles {
  readonly #folder: TileFolder
  readonly #frontier = new Frontier()
  readonly #open: OpenTile[] = Array.from({ length: LEVELS }, () => ({ index: 0n, hashes: [] }))

  constructor(folder: TileFolder) {
    this.#folder = folder
  }

  append(leafHashes: Uint8Array): void {
    const { levels } = this.#frontier.append(leafHashes)
    // At most 256 leaves at once: at most one hash a tile level.
    for (let level = 1; level * 8 <= levels.length; level++) {
      const completed = levels[level * 8 - 1] as Uint8Array
      if (completed.length === 0) continue
      const open = this.#open[level] as OpenTile
      open.hashes.push(completed)
      if (open.hashes.length < TILE_WIDTH) continue
      this.#folder.put({ level, index: open.index, width: TILE_WIDTH }, Buffer.concat(open.hashes))
      open.index++
      open.hashes = []
    }
  }

  /** Writes the partial tiles of the right edge. */
  end(): void {
    this.#open.forEach(({ index, hashes }, level) => {
      if (hashes.length > 0) this.#folder.put({ level, index, width: hashes.length }, Buffer.concat(hashes))
    })
  }

  root(): string {
    return hex(this.#frontier.root())
  }

  /** The tree as it stands, with these leaves, must be that of an earlier checkpoint. @throws SealtrailError FORKED */
  mustPass({ size, root }: { size: number; root: string }, leafHashes: Uint8Array): void {
    const frontier = this.#frontier.clone()
    frontier.append(leafHashes)
    if (hex(frontier.root()) !== root)
      throw new SealtrailError('FORKED', `the folder has a checkpoint of size ${size} that this log did not grow from; keep both, they contradict each other`)
  }
}

function standing(folder: TileFolder, origin: string): { size: number; root: string } | null {
  const note = folder.checkpoint()
  if (note === null) return null
  const before = opened(note, 'the checkpoint in the folder')
  if (before.origin !== origin) throw new SealtrailError('USAGE', 'the folder holds a log of another origin')
  return before
}

function opened(note: string, what: string): { origin: string; size: number; root: string } {
  try {
    const { origin, size, root } = parseCheckpoint(parseNote(note).text)
    return { origin, size: Number(size), root: hex(root) }
  } catch (cause) {
    throw new SealtrailError('DATA_CORRUPT', `${what} is none`, { cause })
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
