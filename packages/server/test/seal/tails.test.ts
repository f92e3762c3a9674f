// Leaf hashes of what is about to expire, put where they stay, and the hash files made again from them.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PACK_LEAVES } from '@sealtrail/evidence'
import { HashFiles } from '../../src/seal/tiles.ts'
import { storeTail } from '../../src/seal/tails.ts'
import { FileStore } from '../../src/store/files/store.ts'
import type { Lock } from '../../src/store/store.ts'

const lock = (days: number): Lock => ({ mode: 'COMPLIANCE', retainUntilMs: Date.UTC(2040, 0, 1) + days * 86_400_000 })

test('tails go on where the last one ended, within runs, and are locked for the longer of what was asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-tails-'))
  const store = await FileStore.open(join(folder, 'store'))
  const files = HashFiles.open(join(folder, 'tiles'))
  const size = 2 * PACK_LEAVES + 50
  files.append(new Uint8Array(size * 32).map((_, i) => (i * 7) % 253))
  const tails = async (): Promise<Array<[number, number]>> => {
    const found: Array<[number, number]> = []
    for await (const { key, size: bytes } of store.list('l/tail/')) found.push([Number(key.slice(7, 27)), bytes / 32])
    return found
  }
  await storeTail('l', files, store, 0, lock(0))
  assert.deepEqual(await tails(), [])
  for (const [to, expected] of [
    [10, [[0, 10]]],
    [10, [[0, 10]]],
    [5, [[0, 10]]],
    [
      12,
      [
        [0, 10],
        [10, 2],
      ],
    ],
    [
      PACK_LEAVES + 3,
      [
        [0, 10],
        [10, 2],
        [12, PACK_LEAVES - 12],
        [PACK_LEAVES, 3],
      ],
    ],
    [
      size,
      [
        [0, 10],
        [10, 2],
        [12, PACK_LEAVES - 12],
        [PACK_LEAVES, 3],
        [PACK_LEAVES + 3, PACK_LEAVES - 3],
        [2 * PACK_LEAVES, 50],
      ],
    ],
  ] as const) {
    await storeTail('l', files, store, to, lock(to === 5 ? 9 : 0))
    assert.deepEqual(
      await tails(),
      expected.map((each) => [...each]),
      String(to),
    )
  }
  for await (const { key, size: bytes } of store.list('l/tail/')) {
    const first = Number(key.slice(7, 27))
    assert.deepEqual(Buffer.from((await store.get(key))!), Buffer.from(files.leaves(first, first + bytes / 32)), 'the very hashes')
  }
  const held = async (key: string): Promise<number | undefined> => (await store.held(key))?.lock?.retainUntilMs
  for await (const { key } of store.list('l/tail/')) {
    assert.equal(await held(key), key.startsWith(`l/tail/${'0'.repeat(20)}`) ? lock(9).retainUntilMs : lock(0).retainUntilMs)
  }
  // Where the pack stands no tail is needed, and a whole run without its pack takes two.
  const other = HashFiles.open(join(folder, 'other'))
  other.append(files.leaves(0, PACK_LEAVES))
  await storeTail('m', other, store, PACK_LEAVES, lock(0))
  const two: number[] = []
  for await (const { size: bytes } of store.list('m/tail/')) two.push(bytes / 32)
  assert.deepEqual(two, [PACK_LEAVES - 1, 1])
  other.close()
  files.close()
  await store.close()
  rmSync(folder, { recursive: true })
})
