import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rootOf } from '@sealtrail/tlog'
import { HashFiles } from '../../src/seal/tiles.ts'
import { readTiles, readTilesBeside, tilesProblem } from '../../src/verify/derived.ts'

test('every level of the level files is compared with the leaves, here and on the thread beside', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-derived-'))
  const size = 132_000
  const leaves = new Uint8Array(randomBytes(size * 32))
  const files = HashFiles.open(folder)
  files.append(leaves)
  files.close()
  const root = Buffer.from(rootOf(leaves)).toString('hex')
  const codes = (at: number): string[] => tilesProblem(readTiles(folder, at), 'tiles/x', root).map(({ object }) => object)
  assert.deepEqual(codes(size), [])
  assert.deepEqual(await readTilesBeside(folder, size), { root, fault: null })
  assert.deepEqual(codes(size - 1), ['tiles/x/level-0'])
  for (const level of [0, 1, 2]) {
    const path = join(folder, `level-${level}`)
    const whole = readFileSync(path)
    for (const at of [0, whole.length - 1]) {
      const broken = Buffer.from(whole)
      broken[at]! ^= 1
      writeFileSync(path, broken)
      // A changed leaf shows where its block's hash was stored.
      assert.equal(codes(size).length, 1, `level ${level} byte ${at}`)
    }
    writeFileSync(path, whole)
    truncateSync(path, whole.length - 32)
    assert.deepEqual(codes(size), [`tiles/x/level-${level}`])
    writeFileSync(path, whole)
  }
  rmSync(folder, { recursive: true })
})
