import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { decodeSegment } from '@sealtrail/evidence'
import { FileStore } from '../../src/store/files/store.ts'

const EXAMPLE = fileURLToPath(new URL('../../../../docs/example/00000000000000000000.ndjson.zst', import.meta.url))

test('the file store reads the example of docs/format.md, which other code wrote from the description', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-example-'))
  try {
    mkdirSync(join(directory, 'calls', 'segment'), { recursive: true })
    cpSync(EXAMPLE, join(directory, 'calls', 'segment', '00000000000000000000.ndjson.zst'))
    const store = await FileStore.open(directory)
    const sizes: number[] = []
    for await (const { key } of store.list('calls/segment/')) {
      const frame = await store.get(key)
      assert.ok(frame !== null)
      sizes.push(decodeSegment(zstdDecompressSync(frame)).trailer.size)
    }
    assert.deepEqual(sizes, [2, 3])
    assert.deepEqual(store.damage(), [])
    await store.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
})
