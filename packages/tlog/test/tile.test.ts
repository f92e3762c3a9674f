import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  checkConsistency,
  checkInclusion,
  formatTilePath,
  Frontier,
  hashFromTile,
  leafHash,
  MAX_TREE_SIZE,
  nodesFromTiles,
  parseTilePath,
  partialTiles,
  proveConsistencyFromTiles,
  proveInclusion,
  proveInclusionFromTiles,
  rootFromNodes,
  rootOf,
  TILE_WIDTH,
  tileOfNode,
  tilesForConsistency,
  tilesForInclusion,
  tilesForRoot,
  tileWidth,
  type Tile,
  type TileReader,
} from '../src/index.ts'
import { auditPath, failsProof, flip, LEAVES, leafBytes, mth, refuses, STEP, subproof } from './oracle.ts'

/** The static files of a log: every tile of the given size, by path. Built from the frontier's completed nodes, as a server does. */
function filesOf(leaves: Uint8Array, ...sizes: number[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const levels = [leaves, ...new Frontier().append(leaves).levels]
  for (let level = 0; level * 8 < levels.length; level++) {
    for (const size of sizes) {
      for (let index = 0n; ; index++) {
        const width = tileWidth(level, index, BigInt(size))
        if (width === 0) break
        const start = Number(index) * TILE_WIDTH * 32
        files.set(formatTilePath({ level, index, width }), levels[level * 8]!.slice(start, start + width * 32))
      }
    }
  }
  return files
}

const readerOf =
  (files: Map<string, Uint8Array>, asked: string[] = []): ((tiles: readonly Tile[]) => Uint8Array[]) =>
  (tiles) =>
    tiles.map((tile) => {
      const path = formatTilePath(tile)
      asked.push(path)
      const file = files.get(path)
      if (file === undefined) throw new Error(`no file ${path}`)
      return file
    })
const later =
  (read: (tiles: readonly Tile[]) => Uint8Array[]): TileReader =>
  async (tiles) =>
    read(tiles)

describe('tile paths', () => {
  it('are written as C2SP writes them and read back', () => {
    for (const [index, path] of [
      [0n, '000'],
      [5n, '005'],
      [999n, '999'],
      [1000n, 'x001/000'],
      [999_999n, 'x999/999'],
      [1_000_000n, 'x001/x000/000'],
      [1_234_067n, 'x001/x234/067'],
      [MAX_TREE_SIZE, 'x009/x223/x372/x036/x854/x775/807'],
    ] as const) {
      for (const level of [0, 1, 9, 10, 63, 'entries'] as const) {
        for (const width of [1, 7, 99, 255, 256]) {
          const tile = { level, index, width }
          const text = `tile/${level}/${path}${width === 256 ? '' : `.p/${width}`}`
          assert.equal(formatTilePath(tile), text)
          assert.deepEqual(parseTilePath(text), tile)
        }
      }
    }
  })

  it('have one spelling each: everything else is refused', () => {
    const refused = [
      '',
      'tile',
      'tile/',
      'tile/0',
      'tile/0/',
      'tile/0/0',
      'tile/0/00',
      'tile/0/0000',
      'tile/0/x000/005',
      'tile/0/x000/x001/005',
      'tile/0/001/002',
      'tile/0/x001',
      'tile/0/x001/',
      'tile/0/x001/x002',
      'tile/0/X001/000',
      'tile/0/x01/000',
      'tile/0/000.p',
      'tile/0/000.p/',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/07',
      'tile/0/000.p/300',
      'tile/0/000.p/1000',
      'tile/0/000.p/-1',
      'tile/0/000.p/1/',
      'tile/01/000',
      'tile/00/000',
      'tile/64/000',
      'tile/100/000',
      'tile/-1/000',
      'tile/entries',
      'tile/Entries/000',
      'tile/data/000',
      '/tile/0/000',
      'tile//0/000',
      'tile/0/000/',
      'tile/0/000\n',
      ' tile/0/000',
      'tile/0/000.P/1',
      'tile/0/٠٠٠',
      'tile/0/000?',
      'tile/0/../0/000',
      'tile/0/x009/x223/x372/x036/x854/x775/808',
      `tile/0/${'x999/'.repeat(7)}999`,
      `tile/0/${'x001/'.repeat(100_000)}000`,
    ]
    for (const path of refused) refuses(() => parseTilePath(path), 'TILE_PATH')
    for (const tile of [
      { level: -1, index: 0n, width: 1 },
      { level: 64, index: 0n, width: 1 },
      { level: 0.5, index: 0n, width: 1 },
      { level: 0, index: -1n, width: 1 },
      { level: 0, index: 0n, width: 0 },
      { level: 0, index: 0n, width: 257 },
      { level: 0, index: 0n, width: 1.5 },
      { level: 0, index: MAX_TREE_SIZE + 1n, width: 1 },
      { level: 0, index: 0 as unknown as bigint, width: 1 },
    ])
      refuses(() => formatTilePath(tile), 'TILE_PATH')
  })

  it('survive a round trip whatever the tile (property), and no text is read that would be written otherwise', () => {
    const level = fc.oneof(fc.nat(63), fc.constant('entries' as const))
    fc.assert(
      fc.property(level, fc.bigInt(0n, MAX_TREE_SIZE), fc.integer({ min: 1, max: 256 }), (l, index, width) => {
        assert.deepEqual(parseTilePath(formatTilePath({ level: l, index, width })), { level: l, index, width })
      }),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^tile\/(entries|\d{1,2})\/(x\d{3}\/){0,3}\d{3}(\.p\/\d{1,3})?$/), (path) => {
        let tile: Tile
        try {
          tile = parseTilePath(path)
        } catch {
          return
        }
        assert.equal(formatTilePath(tile), path)
      }),
      { numRuns: 500 },
    )
  })
})

describe('tile widths', () => {
  it('are those of the examples', () => {
    assert.deepEqual(partialTiles(70_000n), [
      { level: 0, index: 273n, width: 112 },
      { level: 1, index: 1n, width: 17 },
      { level: 2, index: 0n, width: 1 },
    ])
    assert.deepEqual(partialTiles(256n), [{ level: 1, index: 0n, width: 1 }])
    assert.deepEqual(partialTiles(0n), [])
    assert.equal(tileWidth('entries', 273n, 70_000n), 112)
    assert.equal(tileWidth('entries', 272n, 70_000n), 256)
  })

  it('are floor(size / 256^level) mod 256 on the edge (property)', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX_TREE_SIZE), fc.nat(9), (size, level) => {
        const hashes = size / 256n ** BigInt(level)
        const edge = hashes / 256n
        assert.equal(tileWidth(level, edge, size), Number(hashes % 256n))
        if (edge > 0n) assert.equal(tileWidth(level, edge - 1n, size), 256)
        assert.equal(tileWidth(level, edge + 1n, size), 0)
        assert.equal(tileWidth(level, -1n, size), 0)
      }),
    )
    refuses(() => tileWidth(-1, 0n, 5n), 'SIZE_OUT_OF_RANGE')
    refuses(() => tileWidth(64, 0n, 5n), 'SIZE_OUT_OF_RANGE')
    refuses(() => tileWidth(0, 0n, MAX_TREE_SIZE + 1n), 'SIZE_OUT_OF_RANGE')
  })
})

describe('proofs from tiles', () => {
  it('are those of the tree, every leaf of every size to 260', () => {
    for (let n = 1; n <= 260; n += STEP) {
      const files = filesOf(leafBytes(0, n), n)
      const read = nodesFromTiles(BigInt(n), readerOf(files))
      for (let i = 0; i < n; i += 1 + Math.floor(n / 40)) assert.deepEqual(proveInclusion(BigInt(i), BigInt(n), read), auditPath(i, 0, n))
      assert.deepEqual(rootFromNodes(BigInt(n), read), mth(0, n))
    }
  })

  it('ask for the fewest tiles, all of the size proved, and for nothing else', async () => {
    for (const n of [1, 2, 255, 256, 257, 260]) {
      const files = filesOf(leafBytes(0, n), n)
      for (const i of [0, n >> 1, n - 1]) {
        const asked: string[] = []
        const proof = await proveInclusionFromTiles(BigInt(i), BigInt(n), later(readerOf(files, asked)))
        assert.deepEqual(proof, auditPath(i, 0, n))
        assert.deepEqual(asked, tilesForInclusion(BigInt(i), BigInt(n)).map(formatTilePath))
        assert.equal(new Set(asked).size, asked.length)
      }
      for (const m of [0, 1, n >> 1, n - 1, n]) {
        const proof = await proveConsistencyFromTiles(BigInt(m), BigInt(n), later(readerOf(files)))
        assert.deepEqual(proof, m === 0 || m === n ? [] : subproof(m, 0, n, true))
      }
    }
    assert.deepEqual(tilesForInclusion(300n, 70_000n).map(formatTilePath), ['tile/0/001', 'tile/1/000', 'tile/1/001.p/17', 'tile/0/273.p/112'])
    assert.deepEqual(tilesForRoot(70_000n).map(formatTilePath), ['tile/2/000.p/1', 'tile/1/001.p/17', 'tile/0/273.p/112'])
    assert.deepEqual(tilesForConsistency(256n, 512n).map(formatTilePath), ['tile/1/000.p/2'])
  })

  it('hold over three levels, and a byte changed in any tile used is caught', async () => {
    const size = 70_000
    const leaves = new Uint8Array(size * 32)
    for (let i = 0; i < size; i++) leaves.set(LEAVES[i % 300]!, i * 32)
    for (let i = 0; i < size; i += 300) leaves.set(leafHash(Uint8Array.of(i >> 16, i >> 8, i)), i * 32)
    const root = rootOf(leaves)
    const files = filesOf(leaves, 65_000, size)
    const leaf = (i: number): Uint8Array => leaves.subarray(i * 32, i * 32 + 32)
    for (const i of [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999]) {
      const proof = await proveInclusionFromTiles(BigInt(i), BigInt(size), later(readerOf(files)))
      checkInclusion(BigInt(i), BigInt(size), leaf(i), proof, root)
      for (const tile of tilesForInclusion(BigInt(i), BigInt(size))) {
        const path = formatTilePath(tile)
        // The neighbour of the leaf's own place in each tile is used by every proof; flip one byte of each hash in turn until one tells.
        let told = 0
        for (let at = 0; at < tile.width; at += Math.max(1, tile.width >> 3)) {
          const damaged = new Map(files).set(path, flip(files.get(path)!, at * 256 + 5))
          const wrong = await proveInclusionFromTiles(BigInt(i), BigInt(size), later(readerOf(damaged)))
          if (Buffer.concat(wrong).equals(Buffer.concat(proof))) continue
          told++
          failsProof(() => checkInclusion(BigInt(i), BigInt(size), leaf(i), wrong, root))
        }
        assert.ok(told > 0, path)
      }
    }
    const oldRoot = rootOf(leaves.subarray(0, 65_000 * 32))
    const proof = await proveConsistencyFromTiles(65_000n, BigInt(size), later(readerOf(files)))
    checkConsistency(65_000n, oldRoot, BigInt(size), root, proof)
  })

  it('take the full tile in place of a partial one, but no tile of another length', () => {
    const files = filesOf(leafBytes(0, 300), 260)
    const padded: (tiles: readonly Tile[]) => Uint8Array[] = (tiles) =>
      readerOf(files)(tiles).map((file) => (file.length < 8192 ? Uint8Array.from([...file, ...new Uint8Array(8192 - file.length)]) : file))
    assert.deepEqual(proveInclusion(259n, 260n, nodesFromTiles(260n, padded)), auditPath(259, 0, 260))
    const tile = { level: 0, index: 0n, width: 5 }
    for (const length of [0, 31, 128, 159, 161, 192, 8191, 8193])
      refuses(() => hashFromTile(tile, new Uint8Array(length), { level: 0, index: 0n }), 'TILE_MALFORMED')
    refuses(
      () =>
        proveInclusion(
          259n,
          260n,
          nodesFromTiles(260n, () => []),
        ),
      'TILE_MALFORMED',
    )
    refuses(() => hashFromTile(tile, new Uint8Array(160), { level: 0, index: 5n }), 'TILE_MALFORMED')
    refuses(() => hashFromTile(tile, new Uint8Array(160), { level: 2, index: 1n }), 'TILE_MALFORMED')
    refuses(() => hashFromTile(tile, new Uint8Array(160), { level: 8, index: 0n }), 'TILE_MALFORMED')
    refuses(() => tileOfNode({ level: 3, index: 0n }, 7n), 'SIZE_OUT_OF_RANGE')
    refuses(() => tileOfNode({ level: 0, index: 7n }, 7n), 'SIZE_OUT_OF_RANGE')
    refuses(() => tileOfNode({ level: 0, index: -1n }, 7n), 'SIZE_OUT_OF_RANGE')
    refuses(() => tilesForInclusion(7n, 7n), 'SIZE_OUT_OF_RANGE')
    refuses(() => tilesForConsistency(8n, 7n), 'SIZE_OUT_OF_RANGE')
  })
})
