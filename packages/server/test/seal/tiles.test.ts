import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkConsistency, checkInclusion, Frontier, nodesInMemory, proveConsistency, proveInclusion, rootOf } from '@sealtrail/tlog'
import { HashFiles } from '../../src/seal/tiles.ts'

function within(run: (folder: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealtrail-tiles-'))
    try {
      await run(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

const LEAVES = new Uint8Array(randomBytes(70_000 * 32))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const hexes = (proof: readonly Uint8Array[]): string[] => proof.map(hex)
const upTo = (size: number): Uint8Array => LEAVES.subarray(0, size * 32)

test(
  'roots at every size, however the leaves arrive',
  within((folder) => {
    for (const [n, steps] of [[1], [2, 3], [256], [255, 1, 1], [500], [1000, 7]].entries()) {
      const files = HashFiles.open(join(folder, String(n)))
      const reader = HashFiles.open(join(folder, String(n)), { readOnly: true })
      for (let size = 0, i = 0; size < 1200; i++) {
        const step = steps[i % steps.length]!
        files.append(LEAVES.subarray(size * 32, (size + step) * 32))
        size += step
        assert.equal(files.size, size)
        assert.equal(hex(files.rootAt(size)), hex(rootOf(upTo(size))))
        assert.equal(hex(reader.rootAt(size)), hex(files.rootAt(size)))
      }
      for (let size = 0; size <= 600; size++) assert.equal(hex(reader.rootAt(size)), hex(rootOf(upTo(size))))
      files.close()
      reader.close()
    }
  }),
)

test(
  'a frontier of the caller’s own is taken over, one at another size refused',
  within((folder) => {
    const files = HashFiles.open(folder)
    let frontier = new Frontier()
    for (let size = 0; size < 3000; size += 300) {
      const next = frontier.clone()
      const completed = next.append(LEAVES.subarray(size * 32, (size + 300) * 32))
      assert.throws(() => files.append(LEAVES.subarray(0, 32), { completed, frontier: next }), { code: 'INTERNAL' })
      files.append(LEAVES.subarray(size * 32, (size + 300) * 32), { completed, frontier: next })
      frontier = next
      assert.equal(hex(files.rootAt(size + 300)), hex(rootOf(upTo(size + 300))))
    }
    const again = HashFiles.open(folder, { readOnly: true })
    assert.deepEqual(hexes(again.prove(5, 3000)), hexes(proveInclusion(5n, 3000n, nodesInMemory(upTo(3000)))))
    files.close()
    again.close()
  }),
)

test(
  'inclusion and consistency proofs equal those made from memory, across three tile levels',
  within((folder) => {
    const files = HashFiles.open(folder)
    files.append(upTo(70_000))
    const reader = HashFiles.open(folder, { readOnly: true })
    const nodes = nodesInMemory(upTo(70_000))
    for (const size of [1, 2, 255, 256, 257, 300, 65_535, 65_536, 65_537, 70_000]) {
      const root = rootOf(upTo(size))
      for (const index of new Set([0, 1, Math.floor(size / 2), size - 1, Math.floor(size / 256) * 256 - 1])) {
        if (index < 0 || index >= size) continue
        const proof = reader.prove(index, size)
        assert.deepEqual(hexes(proof), hexes(proveInclusion(BigInt(index), BigInt(size), nodes)))
        checkInclusion(BigInt(index), BigInt(size), reader.leaf(index), proof, root)
      }
      for (const from of [0, 1, 100, 256, 65_536, size - 1]) {
        if (from > size) continue
        const proof = files.consistency(from, size)
        assert.deepEqual(hexes(proof), hexes(proveConsistency(BigInt(from), BigInt(size), nodes)))
        checkConsistency(BigInt(from), rootOf(upTo(from)), BigInt(size), root, proof)
      }
    }
    assert.equal(hex(reader.tile(0, 0, 256)!), hex(LEAVES.subarray(0, 8192)))
    assert.equal(hex(reader.tile(1, 0, 3)!.subarray(64, 96)), hex(rootOf(LEAVES.subarray(512 * 32, 768 * 32))))
    assert.equal(hex(reader.tile(2, 0, 1)!), hex(rootOf(upTo(65_536))))
    assert.equal(reader.tile(0, 273, 113), null)
    assert.equal(reader.tile(2, 0, 2), null)
    assert.equal(reader.tile(0, 0, 0), null)
    assert.equal(reader.tile(0, 0, 257), null)
    assert.equal(hex(reader.leaves(299, 1299)), hex(LEAVES.subarray(299 * 32, 1299 * 32)))
    files.close()
    reader.close()
  }),
)

test(
  'truncated and grown again it is as if it had never been longer',
  within((folder) => {
    const files = HashFiles.open(folder)
    files.append(upTo(2000))
    for (const size of [1999, 1024, 769, 768, 256, 255, 1, 0]) {
      files.truncate(size)
      assert.equal(files.size, size)
      assert.equal(hex(files.rootAt(size)), hex(rootOf(upTo(size))))
      const other = new Uint8Array(randomBytes(2000 * 32))
      other.set(upTo(size))
      files.append(other.subarray(size * 32))
      assert.equal(hex(files.rootAt(2000)), hex(rootOf(other)))
      assert.deepEqual(hexes(files.prove(size, 2000)), hexes(proveInclusion(BigInt(size), 2000n, nodesInMemory(other))))
      files.truncate(size)
      files.append(LEAVES.subarray(size * 32, 2000 * 32))
    }
    assert.equal(hex(files.rootAt(2000)), hex(rootOf(upTo(2000))))
    assert.throws(() => files.truncate(2001), { code: 'INTERNAL' })
    assert.throws(() => files.rootAt(2001), { code: 'INTERNAL' })
    files.close()
  }),
)

test(
  'opened after a crash, upper levels follow the leaves: short, torn, wrong or missing files',
  within(async (folder) => {
    const files = HashFiles.open(folder)
    files.append(upTo(66_000))
    assert.equal(await files.sync(), 66_000)
    files.append(LEAVES.subarray(66_000 * 32, 68_000 * 32))
    files.close()
    const whole = [0, 1, 2].map((level) => readFileSync(join(folder, `level-${level}`)))
    const damage: [string, () => void, number][] = [
      ['nothing', () => {}, 68_000],
      ['a torn leaf', () => truncateSync(join(folder, 'level-0'), 67_123 * 32 + 5), 67_123],
      ['a short level 1', () => truncateSync(join(folder, 'level-1'), 200 * 32 + 1), 68_000],
      ['no level 2', () => rmSync(join(folder, 'level-2')), 68_000],
      [
        'a level 1 that lost pages after the sync',
        () => writeFileSync(join(folder, 'level-1'), Buffer.concat([whole[1]!.subarray(0, 258 * 32), Buffer.alloc(6 * 32)])),
        68_000,
      ],
      ['an unreadable mark', () => writeFileSync(join(folder, 'synced'), 'x'), 68_000],
    ]
    for (const [what, harm, size] of damage) {
      for (const [level, bytes] of whole.entries()) writeFileSync(join(folder, `level-${level}`), bytes)
      harm()
      const again = HashFiles.open(folder)
      assert.equal(again.size, size, what)
      assert.equal(hex(again.rootAt(size)), hex(rootOf(upTo(size))), what)
      assert.deepEqual(hexes(again.prove(3, size)), hexes(proveInclusion(3n, BigInt(size), nodesInMemory(upTo(size)))), what)
      again.close()
    }
  }),
)
