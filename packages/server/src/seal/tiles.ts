import { closeSync, existsSync, fdatasync, fstatSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Completed, Frontier, HASH_SIZE, proveConsistency, proveInclusion, rootFromNodes, type TreeNode } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { TileNodes } from './tile-nodes.ts'

const datasync = promisify(fdatasync)
/** Leaves under one hash of a tile level: C2SP tlog-tiles, tiles of 256. */
const WIDTH = 256
/** 256^6 leaves: more than 2^48. */
const LEVELS = 7
const CACHED_TILES = 512

/**
 * The hashes of one log in flat files, one for each tile level (C2SP tlog-tiles): `level-0` the leaf hashes, `level-1` the
 * roots of full blocks of 256 leaves, and so on, 32 bytes each. Derived data: everything here can be made again from the
 * hash packs and segments, so nothing is synced before a record counts as sealed.
 *
 * One thread appends. Others open the same folder read-only and ask only for sizes they were told: bytes below such a
 * size never change again.
 */
export class HashFiles {
  readonly #folder: string
  readonly #readOnly: boolean
  readonly #fds: (number | null)[] = Array.from({ length: LEVELS }, () => null)
  readonly #tiles = new Map<string, TileNodes>()
  #frontier = new Frontier()
  #size = 0

  private constructor(folder: string, readOnly: boolean) {
    this.#folder = folder
    this.#readOnly = readOnly
  }

  /**
   * Opens the folder, made when missing. For appending, the levels above the leaves are made to agree with them from the
   * last synced size on: a crash may have kept one file's pages and lost another's. Read-only opening changes nothing.
   * @throws SealtrailError DATA_UNWRITABLE
   */
  static open(folder: string, options: { readOnly?: boolean } = {}): HashFiles {
    const files = new HashFiles(folder, options.readOnly ?? false)
    if (files.#readOnly) return files
    try {
      mkdirSync(folder, { recursive: true })
      const leaves = files.#count(0)
      if (leaves < files.syncedSize()) files.#mark(leaves)
      files.#settle(leaves, Math.min(leaves, files.syncedSize()))
    } catch (error) {
      throw failure(error)
    }
    return files
  }

  /** Leaves appended. Read-only: whole hashes in the leaf file now, which may run ahead of the committed head. */
  get size(): number {
    return this.#readOnly ? this.#count(0) : this.#size
  }

  /**
   * Appends leaf hashes, 32 bytes each, one after the other. Synchronous, not synced. A caller who has already appended
   * them to a frontier of its own hands over what that gave, and nothing is hashed twice.
   * @throws SealtrailError DATA_UNWRITABLE; nothing is appended then.
   */
  append(leafHashes: Uint8Array, done?: { readonly completed: Completed; readonly frontier: Frontier }): void {
    const before = this.#size
    const after = before + leafHashes.length / HASH_SIZE
    const fits = done === undefined || (Number(done.completed.from) === before && Number(done.frontier.size) === after)
    if (!fits) throw new SealtrailError('INTERNAL', 'the hash files stand at another size than the frontier')
    try {
      this.#write(0, before, leafHashes)
      const { levels } = done?.completed ?? this.#frontier.append(leafHashes)
      for (let level = 1; level * 8 <= levels.length; level++) this.#write(level, Math.floor(before / WIDTH ** level), levels[level * 8 - 1]!)
      if (done !== undefined) this.#frontier = done.frontier
      this.#size = after
    } catch (error) {
      this.#settle(before, before)
      throw failure(error)
    }
  }

  /** The right edge of the tree as it stands: a copy to go on from. */
  frontier(): Frontier {
    return this.#frontier.clone()
  }

  /** Forgets every leaf from `size` on. */
  truncate(size: number): void {
    if (size > this.#size) throw new SealtrailError('INTERNAL', 'hash files cannot be truncated to more than they hold')
    if (size === this.#size) return
    // What is appended after this is not what was synced.
    if (size < this.syncedSize()) this.#mark(size)
    this.#settle(size, size)
  }

  /** The root of the first `size` leaves, 32 bytes. */
  rootAt(size: number): Uint8Array {
    if (!this.#readOnly && size === this.#size && Number(this.#frontier.size) === size) return this.#frontier.root()
    this.#check(size)
    return rootFromNodes(BigInt(size), this.#read)
  }

  /** The leaf hash at an index, 32 bytes. */
  leaf(index: number): Uint8Array {
    this.#check(index + 1)
    return this.#read([{ level: 0, index: BigInt(index) }])[0]!
  }

  /** Leaf hashes [from, to), 32 bytes each, one after the other. */
  leaves(from: number, to: number): Uint8Array {
    this.#check(to)
    return this.#slice(0, from, to - from)
  }

  /** The inclusion proof of leaf `index` in the tree of `size` leaves, the leaf's sibling first. The caller checks it against a signed root. */
  prove(index: number, size: number): Uint8Array[] {
    this.#check(size)
    return proveInclusion(BigInt(index), BigInt(size), this.#read)
  }

  /** The proof that the tree of `from` leaves is a prefix of the tree of `to` leaves. */
  consistency(from: number, to: number): Uint8Array[] {
    this.#check(to)
    return proveConsistency(BigInt(from), BigInt(to), this.#read)
  }

  /** The first `width` hashes (1..256) of tile `n` of a tile level, or null when the files do not hold them. The caller keeps below a signed size. */
  tile(level: number, n: number, width: number): Uint8Array | null {
    if (level >= LEVELS || width < 1 || width > WIDTH || this.#count(level) < n * WIDTH + width) return null
    return this.#slice(level, n * WIDTH, width)
  }

  /** Makes everything appended so far durable; the next opening trusts it. Resolves to the size synced. */
  async sync(): Promise<number> {
    const size = this.#size
    for (const fd of this.#fds) if (fd !== null) await datasync(fd)
    this.#mark(size)
    return size
  }

  /** The size last synced; 0 when nobody knows. */
  syncedSize(): number {
    const path = `${this.#folder}/synced`
    const text = existsSync(path) ? readFileSync(path, 'latin1') : ''
    return /^\d{1,15}\n$/.test(text) ? Number(text) : 0
  }

  close(): void {
    for (const [level, fd] of this.#fds.entries()) {
      if (fd !== null) closeSync(fd)
      this.#fds[level] = null
    }
  }

  /** Reads hashes of perfect subtrees for `@sealtrail/tlog`. */
  readonly #read = (nodes: readonly TreeNode[]): Uint8Array[] =>
    nodes.map(({ level, index }) => {
      const tileLevel = Math.floor(level / 8)
      const below = level % 8
      const first = Number(index) * 2 ** below
      const n = Math.floor(first / WIDTH)
      return this.#tile(tileLevel, n, (first % WIDTH) + 2 ** below).node(below, (first % WIDTH) >> below)
    })

  /** Inner nodes of a tile, for its first `width` hashes at least. */
  #tile(level: number, n: number, width: number): TileNodes {
    const key = `${level}/${n}`
    let tile = this.#tiles.get(key)
    if (tile === undefined) {
      tile = new TileNodes()
      if (this.#tiles.size >= CACHED_TILES) this.#tiles.delete(this.#tiles.keys().next().value!)
      this.#tiles.set(key, tile)
    }
    // The right edge grows; what is known of it stays true.
    if (tile.width < width) tile.push(this.#slice(level, n * WIDTH + tile.width, width - tile.width))
    return tile
  }

  /** Cuts every level to `size` leaves and makes the upper ones again from leaf `from` on. */
  #settle(size: number, from: number): void {
    this.#tiles.clear()
    this.#size = size
    this.#cut(0, size)
    for (let level = 1; level < LEVELS; level++) {
      const count = Math.floor(size / WIDTH ** level)
      this.#cut(level, count)
      const start = Math.min(Math.floor(from / WIDTH ** level), this.#count(level))
      // What is made again here is made again above, too: the root then tells whether it is right.
      from = Math.min(from, start * WIDTH ** level)
      for (let n = start; n < count; n++) {
        const tile = new TileNodes()
        tile.push(this.#slice(level - 1, n * WIDTH, WIDTH))
        this.#write(level, n, tile.root())
      }
    }
    let edge = new Uint8Array(0)
    rootFromNodes(BigInt(size), (nodes) => {
      const hashes = this.#read(nodes)
      edge = Buffer.concat(hashes)
      return hashes
    })
    this.#frontier = Frontier.resume(BigInt(size), edge)
  }

  #mark(size: number): void {
    writeFileSync(`${this.#folder}/synced`, `${size}\n`, { flush: true })
  }

  #cut(level: number, count: number): void {
    const path = `${this.#folder}/level-${level}`
    if (this.#fds[level] === null && !existsSync(path)) return
    const fd = this.#fd(level)
    if (fstatSync(fd).size > count * HASH_SIZE) ftruncateSync(fd, count * HASH_SIZE)
  }

  #write(level: number, at: number, hashes: Uint8Array): void {
    if (hashes.length === 0) return
    const written = writeSync(this.#fd(level), hashes, 0, hashes.length, at * HASH_SIZE)
    if (written !== hashes.length) throw new Error(`only ${written} bytes written`)
  }

  #slice(level: number, at: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count * HASH_SIZE)
    const read = readSync(this.#fd(level), bytes, 0, bytes.length, at * HASH_SIZE)
    if (read !== bytes.length) throw new SealtrailError('DATA_CORRUPT', `tiles: level ${level} is shorter than the log; it is rebuilt at the next start`)
    return bytes
  }

  #count(level: number): number {
    if (this.#fds[level] === null && !existsSync(`${this.#folder}/level-${level}`)) return 0
    return Math.floor(fstatSync(this.#fd(level)).size / HASH_SIZE)
  }

  #fd(level: number): number {
    return (this.#fds[level] ??= openSync(
      `${this.#folder}/level-${level}`,
      this.#readOnly ? 'r' : existsSync(`${this.#folder}/level-${level}`) ? 'r+' : 'w+',
      0o644,
    ))
  }

  #check(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0) throw new SealtrailError('INTERNAL', 'not a tree size')
    if (!this.#readOnly && size > this.#size) throw new SealtrailError('INTERNAL', 'the hash files do not reach this size')
  }
}

function failure(error: unknown): SealtrailError {
  if (error instanceof SealtrailError) return error
  return new SealtrailError('DATA_UNWRITABLE', `tiles: ${(error as NodeJS.ErrnoException).code ?? 'cannot be written'}`, { cause: error })
}
