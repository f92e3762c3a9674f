import { equalBytes, formatTilePath, nodesFromTiles, rootFromNodes, rootOf, TILE_WIDTH, tilesForRoot, tileWidth } from '@sealtrail/tlog'
import type { Tile } from '@sealtrail/tlog'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { BundleBroken } from './broken.ts'

const HASH = 32

/**
 * The C2SP tiles that prove leaves [from, to) of a tree whole: those of level 0 that hold their hashes, the tiles above each of
 * them, and those the root is made of; each once, by level and index. Every hash of every one of them is led to the root.
 */
export function tilesForRange(from: number, to: number, size: number): Tile[] {
  const tiles = new Map<string, Tile>()
  const add = (tile: Tile): void => void tiles.set(`${tile.level} ${tile.index}`, tile)
  for (const tile of tilesForRoot(BigInt(size))) add(tile)
  let [first, last] = [Math.floor(from / TILE_WIDTH), Math.floor((to - 1) / TILE_WIDTH)]
  for (let level = 0; to > from; level++) {
    for (let n = first; n <= last; n++) {
      const width = tileWidth(level, BigInt(n), BigInt(size))
      if (width > 0) add({ level, index: BigInt(n), width })
    }
    // A partial tile is part of the right edge, which the root is made of: nothing stands above it.
    if (tileWidth(level, BigInt(first), BigInt(size)) < TILE_WIDTH) break
    ;[first, last] = [Math.floor(first / TILE_WIDTH), Math.floor(last / TILE_WIDTH)]
  }
  const rank = ({ level }: Tile): number => (level === 'entries' ? -1 : level)
  return [...tiles.values()].sort((a, b) => rank(a) - rank(b) || Number(a.index - b.index))
}

/** Leaf hashes out of tiles, each tile led to the root before it is believed. Asked in ascending order, it holds one tile a level. */
export class RangeTiles {
  readonly #size: bigint
  readonly #folder: string
  readonly #read: (path: string) => Promise<Uint8Array>
  readonly #report: (problem: Problem) => void
  readonly #edge = new Map<string, Uint8Array>()
  /** Level → the tile looked at last; null bytes: it does not lead to the root, which was reported. */
  readonly #last = new Map<number, { readonly index: number; readonly bytes: Uint8Array | null }>()

  private constructor(size: number, folder: string, read: (path: string) => Promise<Uint8Array>, report: (problem: Problem) => void) {
    this.#size = BigInt(size)
    this.#folder = folder
    this.#read = read
    this.#report = report
  }

  /**
   * @param folder `log/<log>/`
   * @param read a file of the bundle. attacker: whatever it says is believed only when it leads to `root`
   * @returns null when the right edge does not lead to the root; reported
   */
  static async open(
    size: number,
    root: Uint8Array,
    folder: string,
    read: (path: string) => Promise<Uint8Array>,
    report: (problem: Problem) => void,
  ): Promise<RangeTiles | null> {
    const tiles = new RangeTiles(size, folder, read, report)
    const edge = tilesForRoot(BigInt(size))
    for (const tile of edge) tiles.#edge.set(`${tile.level} ${tile.index}`, await tiles.#tile(tile))
    const found = rootFromNodes(
      BigInt(size),
      nodesFromTiles(BigInt(size), (asked) => asked.map(({ level, index }) => tiles.#edge.get(`${level} ${index}`) as Uint8Array)),
    )
    if (equalBytes(found, root)) return tiles
    report(problemOf('TILE_MISMATCH', `${folder}tile`, null, 'the right edge leads to another root'))
    return null
  }

  /** The hash that stands at this index of the log; null when its tile does not lead to the root. @throws BundleBroken BUNDLE_FILE_MISSING and what reading throws */
  async leaf(index: number): Promise<Uint8Array | null> {
    const bytes = await this.#checked(0, Math.floor(index / TILE_WIDTH))
    const at = (index % TILE_WIDTH) * HASH
    return bytes === null ? null : bytes.subarray(at, at + HASH)
  }

  async #checked(level: number, index: number): Promise<Uint8Array | null> {
    const known = this.#edge.get(`${level} ${index}`)
    if (known !== undefined) return known
    const last = this.#last.get(level)
    if (last?.index === index) return last.bytes
    const bytes = await this.#tile({ level, index: BigInt(index), width: tileWidth(level, BigInt(index), this.#size) })
    const above = await this.#checked(level + 1, Math.floor(index / TILE_WIDTH))
    const at = (index % TILE_WIDTH) * HASH
    const good = above !== null && equalBytes(rootOf(bytes), above.subarray(at, at + HASH))
    if (!good && above !== null) {
      const covers = index * TILE_WIDTH ** (level + 1)
      this.#report(problemOf('TILE_MISMATCH', this.#folder + formatTilePath({ level, index: BigInt(index), width: TILE_WIDTH }), covers))
    }
    this.#last.set(level, { index, bytes: good ? bytes : null })
    return good ? bytes : null
  }

  async #tile(tile: Tile): Promise<Uint8Array> {
    const path = this.#folder + formatTilePath(tile)
    const bytes = await this.#read(path)
    if (bytes.length !== tile.width * HASH) throw new BundleBroken('BUNDLE_FILE_FORMAT', path, `not ${tile.width} hashes`)
    return bytes
  }
}
