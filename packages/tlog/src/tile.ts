/**
 * Tiles (c2sp.org/tlog-tiles): the tree cut into files of 256 hashes, eight levels high. Tile (level l, index n) holds the
 * roots of the perfect subtrees of 256^l leaves number n·256 … n·256+255. A tree of 70,000 leaves has
 *
 *     tile/0/000 … tile/0/272      full, 8192 bytes        tile/0/273.p/112     the 112 leaf hashes after them
 *     tile/1/000                   full                    tile/1/001.p/17
 *                                                          tile/2/000.p/1
 *
 * and entry bundles `tile/entries/000 …` beside level 0. Index 1234067 is written `x001/x234/067`.
 */
import { TlogError } from './errors.ts'
import { rootOf } from './frontier.ts'
import { inclusionRanges, nodesOfRange, nodesOfRanges, subtreeRanges, type NodeReader, type TreeNode } from './path.ts'
import { proveConsistency, proveInclusion } from './proof.ts'
import { parseDecimal } from './text.ts'
import { assertLeafIndex, assertTreeSize, HASH_SIZE, MAX_TREE_SIZE } from './tree.ts'

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256
const TILE_HEIGHT = 8

/** Where a tile stands. */
export interface Tile {
  /** 0..63, or `entries` for the bundle of entries that belongs to the level-0 tile of the same index. */
  readonly level: number | 'entries'
  readonly index: bigint
  /** 1..256; below 256 the tile is partial. */
  readonly width: number
}

/**
 * Fetches tiles, in the order asked, `width`·32 bytes each; for a partial tile it may answer the full one (8192 bytes).
 * attacker: what it returns is not trusted and not checked here; a proof built from it fails its own check if a byte is wrong.
 */
export type TileReader = (tiles: readonly Tile[]) => Promise<readonly Uint8Array[]>

/** The path of a tile below the log's prefix: `tile/<level>/<index>[.p/<width>]`. @throws TlogError TILE_PATH for a tile that no log can have */
export function formatTilePath({ level, index, width }: Tile): string {
  const levelFits = level === 'entries' || (Number.isInteger(level) && level >= 0 && level <= 63)
  const indexFits = typeof index === 'bigint' && index >= 0n && index <= MAX_TREE_SIZE
  if (!levelFits || !indexFits || !Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new TlogError('TILE_PATH', 'a tile has a level 0..63, an index from 0 and a width 1..256')
  }
  const digits = index.toString()
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g)!
  const last = groups.pop()!
  return `tile/${level}/${groups.map((group) => `x${group}/`).join('')}${last}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/**
 * The tile a path stands for, so that each tile has one URL.
 * @throws TlogError TILE_PATH for anything {@link formatTilePath} would not write: `0/0`, `x000/005`, `001/002`, `.p/0`, `.p/256`, `.p/07`, `01/000`.
 */
export function parseTilePath(path: string): Tile {
  const match = path.length > 64 ? null : /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path)
  if (match === null) throw new TlogError('TILE_PATH', 'not the path of a tile')
  const level = match[1] === 'entries' ? 'entries' : Number(match[1])
  const index = parseDecimal(match[2]!.replace(/[x/]/g, '').replace(/^0+(?=[0-9])/, ''), MAX_TREE_SIZE)
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3])
  if (index === null || match[2]!.startsWith('x000/') || (match[3] !== undefined && width >= TILE_WIDTH)) {
    throw new TlogError('TILE_PATH', 'not the path of a tile')
  }
  if (level !== 'entries' && level > 63) throw new TlogError('TILE_PATH', 'a tile has a level 0..63')
  return { level, index, width }
}

/** How many hashes (entries) tile `index` of `level` holds in a tree of `size` leaves: 0..256, 0 when there is no such tile. @throws TlogError SIZE_OUT_OF_RANGE */
export function tileWidth(level: number | 'entries', index: bigint, size: bigint): number {
  assertTreeSize(size)
  if (level !== 'entries' && !(level >= 0 && level <= 63)) throw new TlogError('SIZE_OUT_OF_RANGE', 'a tile has a level 0..63')
  const hashes = size >> BigInt(TILE_HEIGHT * (level === 'entries' ? 0 : level))
  const rest = hashes - index * BigInt(TILE_WIDTH)
  return rest <= 0n || index < 0n ? 0 : rest >= BigInt(TILE_WIDTH) ? TILE_WIDTH : Number(rest)
}

/** The partial tiles of a tree of `size` leaves, from level 0 upward: those its checkpoint needs beside full ones. @throws TlogError SIZE_OUT_OF_RANGE */
export function partialTiles(size: bigint): Tile[] {
  assertTreeSize(size)
  const tiles: Tile[] = []
  for (let level = 0, hashes = size; hashes > 0n; level++, hashes >>= BigInt(TILE_HEIGHT)) {
    const width = Number(hashes % BigInt(TILE_WIDTH))
    if (width > 0) tiles.push({ level, index: hashes / BigInt(TILE_WIDTH), width })
  }
  return tiles
}

/** The tile of the tree of `size` leaves from which a perfect subtree's hash can be had. @throws TlogError SIZE_OUT_OF_RANGE when the node is not complete in that tree */
export function tileOfNode({ level, index }: TreeNode, size: bigint): Tile {
  assertTreeSize(size)
  if (index < 0n || (index + 1n) << BigInt(level) > size) throw new TlogError('SIZE_OUT_OF_RANGE', 'the node is not complete in the tree')
  const tileLevel = Math.floor(level / TILE_HEIGHT)
  const tileIndex = index >> BigInt(TILE_HEIGHT - (level % TILE_HEIGHT))
  return { level: tileLevel, index: tileIndex, width: tileWidth(tileLevel, tileIndex, size) }
}

/**
 * The hash of a perfect subtree from the bytes of its tile ({@link tileOfNode}); hashes up to 255 times.
 * @throws TlogError TILE_MALFORMED when the tile has not width·32 (or 8192) bytes or does not hold the node.
 */
export function hashFromTile(tile: Tile, bytes: Uint8Array, node: TreeNode): Uint8Array {
  if (bytes.length !== tile.width * HASH_SIZE && bytes.length !== TILE_WIDTH * HASH_SIZE) {
    throw new TlogError('TILE_MALFORMED', 'a tile holds 32 bytes for each of its hashes')
  }
  const height = node.level % TILE_HEIGHT
  const first = Number((node.index << BigInt(height)) - tile.index * BigInt(TILE_WIDTH))
  const count = 2 ** height
  if (tile.level !== Math.floor(node.level / TILE_HEIGHT) || first < 0 || first + count > tile.width) {
    throw new TlogError('TILE_MALFORMED', 'the tile does not hold the node')
  }
  return rootOf(bytes.subarray(first * HASH_SIZE, (first + count) * HASH_SIZE))
}

/** The tiles needed to prove leaf `index` in the tree of `size` leaves, each once. @throws TlogError SIZE_OUT_OF_RANGE */
export function tilesForInclusion(index: bigint, size: bigint): Tile[] {
  assertLeafIndex(index, size)
  return tilesOfNodes(nodesOfRanges(inclusionRanges(index, size)), size)
}

/** The tiles needed to prove that the tree of `oldSize` leaves is a prefix of that of `size`, each once. @throws TlogError SIZE_OUT_OF_RANGE */
export function tilesForConsistency(oldSize: bigint, size: bigint): Tile[] {
  assertTreeSize(size)
  if (oldSize === 0n || oldSize === size) return []
  assertLeafIndex(oldSize, size)
  return tilesOfNodes(nodesOfRanges(subtreeRanges(0n, oldSize, size)), size)
}

/** The tiles needed for the root of the tree of `size` leaves, each once. @throws TlogError SIZE_OUT_OF_RANGE */
export function tilesForRoot(size: bigint): Tile[] {
  assertTreeSize(size)
  return tilesOfNodes(nodesOfRange({ start: 0n, end: size }), size)
}

/** A node reader over tiles of the tree of `size` leaves that can be read at once, for `proveInclusion` and its like. */
export function nodesFromTiles(size: bigint, read: (tiles: readonly Tile[]) => readonly Uint8Array[]): NodeReader {
  return (nodes) => {
    const tiles = tilesOfNodes(nodes, size)
    return hashesFromTiles(nodes, size, tiles, read(tiles))
  }
}

/** {@link proveInclusion} from tiles. attacker: check the proof against a verified checkpoint. @throws TlogError SIZE_OUT_OF_RANGE, TILE_MALFORMED */
export async function proveInclusionFromTiles(index: bigint, size: bigint, read: TileReader): Promise<Uint8Array[]> {
  const tiles = tilesForInclusion(index, size)
  const bytes = await read(tiles)
  return proveInclusion(index, size, (nodes) => hashesFromTiles(nodes, size, tiles, bytes))
}

/** {@link proveConsistency} from tiles. attacker: check the proof against both verified checkpoints. @throws TlogError SIZE_OUT_OF_RANGE, TILE_MALFORMED */
export async function proveConsistencyFromTiles(oldSize: bigint, size: bigint, read: TileReader): Promise<Uint8Array[]> {
  const tiles = tilesForConsistency(oldSize, size)
  const bytes = await read(tiles)
  return proveConsistency(oldSize, size, (nodes) => hashesFromTiles(nodes, size, tiles, bytes))
}

function tilesOfNodes(nodes: readonly TreeNode[], size: bigint): Tile[] {
  const tiles = new Map<string, Tile>()
  for (const node of nodes) {
    const tile = tileOfNode(node, size)
    tiles.set(`${tile.level} ${tile.index}`, tile)
  }
  return [...tiles.values()]
}

function hashesFromTiles(nodes: readonly TreeNode[], size: bigint, tiles: readonly Tile[], bytes: readonly Uint8Array[]): Uint8Array[] {
  if (bytes.length !== tiles.length) throw new TlogError('TILE_MALFORMED', 'the reader gave another number of tiles than asked')
  return nodes.map((node) => {
    const wanted = tileOfNode(node, size)
    const at = tiles.findIndex(({ level, index }) => level === wanted.level && index === wanted.index)
    return hashFromTile(wanted, bytes[at]!, node)
  })
}
