import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { packedSize, restoreHashFiles } from '../../src/seal/hashpacks.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { SegmentReader } from '../../src/store/segments.ts'
import { LogWriter, sampleRecord } from '../verify/writer.ts'

test('packs are stored when due, and the level files come back from packs and segments whatever was lost', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-packs-'))
  const writer = await LogWriter.create(directory)
  const { store, log } = writer
  const first = sampleRecord(0)
  const pairs = (from: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) =>
      Uint8Array.from([...first.subarray(0, 40), ((from + i) & 63) | 64, (((from + i) >> 6) & 63) | 64, ((from + i) >> 12) | 64]),
    )
  await writer.commit(pairs(0, 65_000))
  assert.equal(await packedSize(store, log), 0)
  await writer.commit(pairs(65_000, 600))
  assert.equal(await packedSize(store, log), 65_536)
  await writer.commit(pairs(65_600, 70_000))
  assert.equal(await packedSize(store, log), 131_072)
  await writer.commit(pairs(135_600, 10))
  writer.files.close()

  const { head } = writer
  const folder = join(directory, 'tiles', log)
  const path = (level: number): string => join(folder, `level-${level}`)
  const proof = (files: HashFiles): string =>
    files
      .prove(65_599, head.size)
      .map((hash) => Buffer.from(hash).toString('hex'))
      .join()
  let expected = ''
  const segments = new SegmentReader(store, { lastSegment: () => head.segment })
  const cases: [string, () => void, string][] = [
    ['nothing', () => {}, 'kept'],
    ['leaves never committed', () => writeFileSync(path(0), Buffer.alloc(64), { flag: 'a' }), 'kept'],
    ['the leaves after the last sync', () => truncateSync(path(0), 131_072 * 32), 'extended'],
    [
      'zeros after the last sync',
      () => writeFileSync(path(0), Buffer.concat([readFileSync(path(0)).subarray(0, 132_000 * 32), Buffer.alloc((head.size - 132_000) * 32)])),
      'extended',
    ],
    [
      'a damaged leaf that was synced',
      () => {
        const bytes = readFileSync(path(0))
        bytes[5]! ^= 1
        writeFileSync(path(0), bytes)
        truncateSync(path(1), 0)
      },
      'rebuilt',
    ],
    ['everything', () => rmSync(folder, { recursive: true }), 'rebuilt'],
  ]
  for (const [what, harm, done] of cases) {
    harm()
    const files = HashFiles.open(folder)
    assert.equal(await restoreHashFiles({ log, files, store, segments, head }), done, what)
    assert.equal(files.size, head.size)
    assert.equal(Buffer.from(files.rootAt(head.size)).toString('hex'), head.root, what)
    expected ||= proof(files)
    assert.equal(proof(files), expected, what)
    files.close()
  }

  // A damaged pack is passed over.
  const packs = join(directory, 'store', log, 'hashes')
  const pack = join(packs, readdirSync(packs)[0]!)
  const bytes = readFileSync(pack)
  bytes[100]! ^= 1
  rmSync(pack)
  writeFileSync(pack, bytes)
  rmSync(folder, { recursive: true })
  const files = HashFiles.open(folder)
  assert.equal(await restoreHashFiles({ log, files, store, segments, head }), 'rebuilt')
  // Another root than the head's stops the log.
  await assert.rejects(restoreHashFiles({ log, files, store, segments, head: { ...head, root: 'f'.repeat(64) } }), { code: 'DATA_CORRUPT', stopsLog: true })
  files.close()
  await store.close()
  writer.heads.close()
  rmSync(directory, { recursive: true })
})
