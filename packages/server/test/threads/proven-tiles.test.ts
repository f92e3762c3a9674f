import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { HASH_SIZE, leafHash, parseBundle, rootOf, tileWidth, type Tile } from '@sealtrail/tlog'
import { HashFiles } from '../../src/seal/tiles.ts'
import { ProvenTiles } from '../../src/threads/proven-tiles.ts'

/** More than 256² leaves: three levels of tiles, each with a partial one. */
const SIZE = 66_817
const entry = (n: number): Uint8Array => Buffer.from(n === 300 ? '' : `{"n":${n}}`)
const hashes = Buffer.alloc(SIZE * HASH_SIZE)
for (let n = 0; n < SIZE; n++) hashes.set(leafHash(entry(n)), n * HASH_SIZE)
const rootHex = (size: number): string => Buffer.from(rootOf(hashes.subarray(0, size * HASH_SIZE))).toString('hex')

/** The hashes of a tile by definition (RFC 6962 §2.1, c2sp.org/tlog-tiles), straight from the leaves. */
function expected({ level, index, width }: Tile): Buffer {
  const span = 256 ** (level as number)
  const out: Uint8Array[] = []
  for (let i = Number(index) * 256; out.length < width; i++) out.push(rootOf(hashes.subarray(i * span * HASH_SIZE, (i + 1) * span * HASH_SIZE)))
  return Buffer.concat(out)
}

describe('proven tiles', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-tiles-'))
  let signed = { size: SIZE, root: rootHex(SIZE) }
  let changed: number | null = null
  let opened: HashFiles[] = []

  before(() => {
    const writer = HashFiles.open(folder)
    writer.append(hashes)
    writer.close()
  })
  after(() => {
    for (const files of opened) files.close()
    rmSync(folder, { recursive: true })
  })

  /** As a serving thread has it: the files opened read-only. */
  function fresh(): ProvenTiles {
    const files = HashFiles.open(folder, { readOnly: true })
    opened.push(files)
    return new ProvenTiles({
      checkpoint: (log) => (log === 'l' ? signed : null),
      hashes: () => files,
      async *range(_, from, to) {
        for (let n = from; n < to; n++) yield n === changed ? Buffer.from('{"n":"another"}') : entry(n)
      },
    })
  }

  /** Runs with one byte of a level file changed. */
  async function flipped(level: number, at: number, run: () => Promise<void>): Promise<void> {
    const fd = openSync(join(folder, `level-${level}`), 'r+')
    const byte = Buffer.alloc(1)
    readSync(fd, byte, 0, 1, at)
    writeSync(fd, Buffer.from([byte[0]! ^ 1]), 0, 1, at)
    try {
      await run()
    } finally {
      writeSync(fd, byte, 0, 1, at)
      closeSync(fd)
    }
  }

  const corrupt = (promise: Promise<unknown>): Promise<void> => assert.rejects(promise, { code: 'DATA_CORRUPT' })
  const tile = (level: Tile['level'], index: number, width = 256): Tile => ({ level, index: BigInt(index), width })

  test('full and partial tiles of every level are those of the definition', async () => {
    const tiles = fresh()
    for (const each of [
      tile(0, 0),
      tile(0, 1, 7),
      tile(0, 259),
      tile(0, 260),
      tile(0, 261, 1),
      tile(0, 261, 1),
      tile(1, 0),
      tile(1, 1, 5),
      tile(1, 1, 1),
      tile(2, 0, 1),
    ])
      assert.deepEqual(Buffer.from((await tiles.read('l', each)) as Uint8Array), expected(each), `${each.level}/${each.index}.p/${each.width}`)
  })

  test('exactly the widths a size has, and nothing beyond the signed size', async () => {
    const tiles = fresh()
    for (const level of [0, 1, 2, 3, 6, 7, 63, 'entries'] as const) {
      for (const index of [0n, 1n, 2n, 260n, 261n, 262n, 2n ** 40n, 2n ** 62n]) {
        const most = tileWidth(level, index, BigInt(SIZE))
        for (const width of [1, most, most + 1, 256])
          if (width >= 1 && width <= 256) assert.equal((await tiles.read('l', { level, index, width })) !== null, width <= most, `${level}/${index}.p/${width}`)
      }
    }
    assert.equal(await tiles.read('other', tile(0, 0)), null)
  })

  test('entries are the records, in bundles that lead to the same hashes', async () => {
    const tiles = fresh()
    for (const [index, width] of [
      [0, 256],
      [1, 45],
      [261, 1],
    ] as const) {
      const bundle = parseBundle((await tiles.read('l', tile('entries', index, width))) as Uint8Array, width)
      bundle.forEach((bytes, i) => assert.deepEqual(Buffer.from(bytes), entry(index * 256 + i)))
    }
  })

  test('a size in between: hashes that are there already, but not signed, are not handed out', async () => {
    for (const size of [1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 65_792]) {
      signed = { size, root: rootHex(size) }
      const tiles = fresh()
      for (const level of [0, 1, 2]) {
        const n = Math.floor((size - 1) / 256 ** (level + 1))
        const width = tileWidth(level, BigInt(n), BigInt(size))
        if (width > 0)
          assert.deepEqual(Buffer.from((await tiles.read('l', tile(level, n, width))) as Uint8Array), expected(tile(level, n, width)), `${size}: ${level}`)
        if (width < 256) assert.equal(await tiles.read('l', tile(level, n, width + 1)), null, `${size}: ${level}`)
      }
    }
    signed = { size: SIZE, root: rootHex(SIZE) }
  })

  test('a log that grows: the next tile is there as soon as a checkpoint covers it', async () => {
    signed = { size: 300, root: rootHex(300) }
    const tiles = fresh()
    assert.equal(await tiles.read('l', tile(0, 1, 45)), null)
    assert.ok(await tiles.read('l', tile(0, 1, 44)))
    signed = { size: 600, root: rootHex(600) }
    assert.deepEqual(Buffer.from((await tiles.read('l', tile(0, 1))) as Uint8Array), expected(tile(0, 1)))
    assert.ok(await tiles.read('l', tile('entries', 2, 88)))
    signed = { size: SIZE, root: rootHex(SIZE) }
  })

  test('a changed byte anywhere in a tile keeps it from being handed out', async () => {
    for (const at of [0, 31, 32, 100 * 32, 255 * 32 + 31]) {
      await flipped(0, 256 * 32 + at, async () => {
        await corrupt(fresh().read('l', tile(0, 1)))
        await corrupt(fresh().read('l', tile(0, 1, 1)))
        await corrupt(fresh().read('l', tile('entries', 1)))
        // Others do not stand or fall with it.
        assert.ok(await fresh().read('l', tile(0, 2)))
      })
      await flipped(1, at, async () => corrupt(fresh().read('l', tile(1, 0))))
    }
  })

  test('a changed byte on the right edge keeps everything back: without it nothing leads to the root', async () => {
    for (const [level, at] of [
      [0, 66_816 * 32],
      [1, 256 * 32 + 7],
      [1, 260 * 32 + 31],
      [2, 0],
    ] as const)
      await flipped(level, at, async () => {
        await corrupt(fresh().read('l', tile(0, 261, 1)))
        await corrupt(fresh().read('l', tile(0, 3)))
      })
  })

  test('a changed record keeps its bundle back, and names the record', async () => {
    changed = 777
    await assert.rejects(fresh().read('l', tile('entries', 3)), { code: 'DATA_CORRUPT', message: /record 777 / })
    assert.ok(await fresh().read('l', tile('entries', 2)))
    // Only what is in the width asked for is looked at.
    assert.ok(await fresh().read('l', tile('entries', 3, 9)))
    changed = null
  })

  test('a checkpoint of another tree: nothing is handed out under it', async () => {
    signed = { size: SIZE, root: rootHex(SIZE - 1) }
    await corrupt(fresh().read('l', tile(0, 0)))
    signed = { size: SIZE, root: rootHex(SIZE) }
  })
})
