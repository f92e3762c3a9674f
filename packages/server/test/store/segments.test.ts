import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { segmentKey } from '@sealtrail/evidence'
import { FileStore } from '../../src/store/files/store.ts'
import { SegmentReader } from '../../src/store/segments.ts'
import { LOCK, LogWriter, sampleRecord } from '../verify/writer.ts'

async function within(run: (writer: LogWriter, reader: SegmentReader) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-segments-'))
  try {
    const writer = await LogWriter.create(directory, 'calls', { maxFileBytes: 4000 })
    const store = await FileStore.open(join(directory, 'store'), { readOnly: true })
    await run(writer, new SegmentReader(store, { lastSegment: (log) => writer.heads.read(log)?.segment ?? null, cacheBytes: 5000 }))
    await store.close()
    await writer.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function collect(range: AsyncIterable<Uint8Array>): Promise<string[]> {
  const texts: string[] = []
  for await (const bytes of range) texts.push(Buffer.from(bytes).toString())
  return texts
}

async function assertReads(writer: LogWriter, reader: SegmentReader): Promise<void> {
  const { size } = writer.head
  const texts = writer.records.map((bytes) => Buffer.from(bytes).toString())
  for (let index = 0; index < size; index++) assert.equal(Buffer.from((await reader.record('calls', index))!).toString(), texts[index])
  for (const [from, to] of [
    [0, size],
    [1, size - 1],
    [size - 1, size],
    [3, 3],
    [Math.min(7, size - 1), Math.min(8, size)],
  ] as const) {
    assert.deepEqual(await collect(reader.range('calls', from, to)), texts.slice(from, to))
  }
}

test('every record and range is read back, also those sealed after the reader opened', () =>
  within(async (writer, reader) => {
    assert.equal(await reader.record('calls', 0), null)
    for (const count of [1, 9, 30, 1, 2, 50]) {
      await writer.fill(1, count)
      await assertReads(writer, reader)
    }
    assert.equal(await reader.record('calls', writer.head.size), null)
    assert.equal(await reader.record('other', 0), null)
    await assert.rejects(collect(reader.range('calls', 0, writer.head.size + 1)), { code: 'DATA_CORRUPT' })
  }))

test('a loser’s frame beside the winner’s is never read, before and after the log went on', () =>
  within(async (writer, reader) => {
    for (let round = 0; round < 12; round++) {
      const first = writer.head.size
      // Rivals of one record less, as many, and one more; digests fall on both sides of the winner's.
      for (const [i, count] of [3, 4, 5].entries()) {
        const { frame, next } = writer.prepare(
          Array.from({ length: count }, (_, j) => sampleRecord(1000 + first + j, { id: `rival ${i}` })),
          1000 + i,
        )
        await writer.store.put(next.segment, frame, LOCK)
      }
      await writer.fill(1, 4)
      await assertReads(writer, reader)
    }
  }))

test('extensions of a head: none, the one, rivals; never a damaged, unsigned or misplaced one', () =>
  within(async (writer, reader) => {
    await writer.fill(2, 3)
    assert.deepEqual(await reader.extensions('calls', writer.head), [])
    const one = writer.prepare([sampleRecord(6)])
    await writer.store.put(one.next.segment, one.frame, LOCK)
    assert.deepEqual(
      (await reader.extensions('calls', writer.head)).map(({ key }) => key),
      [one.next.segment],
    )
    // Not of this head.
    assert.deepEqual(await reader.extensions('calls', { size: writer.head.size, digest: 'a'.repeat(64) }), [])
    // No segment at all under a fitting key.
    const junk = Buffer.from('junk')
    await writer.store.put(segmentKey('calls', 6, hash('sha256', junk, 'hex')), junk, LOCK)
    const two = writer.prepare([sampleRecord(6)], 5)
    await writer.store.put(two.next.segment, two.frame, LOCK)
    assert.deepEqual(
      (await reader.extensions('calls', writer.head)).map(({ key }) => key),
      [one.next.segment, two.next.segment].sort(),
    )
  }))

test('a damaged segment is an error for its records, and only for them', () =>
  within(async (writer, reader) => {
    await writer.fill(5, 4)
    const folder = join(writer.directory, 'store', 'calls', 'segment')
    const key = writer.head.segment
    const frame = (await writer.store.get(key))!
    const name = readdirSync(folder).find((file) => readFileSync(join(folder, file)).includes(frame))!
    const bytes = readFileSync(join(folder, name))
    bytes[bytes.indexOf(frame) + 20]! ^= 1
    writeFileSync(join(folder, name), bytes)
    for (let index = 0; index < 16; index++) assert.deepEqual(Buffer.from((await reader.record('calls', index))!), Buffer.from(writer.records[index]!))
    for (let index = 16; index < 20; index++) await assert.rejects(reader.record('calls', index), { code: 'DATA_CORRUPT' })
    await assert.rejects(collect(reader.range('calls', 0, 20)), { code: 'DATA_CORRUPT' })
  }))

test('an object planted within a segment does not hide the records', () =>
  within(async (writer, reader) => {
    await writer.fill(3, 10)
    const junk = Buffer.from('planted')
    await writer.store.put(segmentKey('calls', 14, hash('sha256', junk, 'hex')), junk, LOCK)
    await assertReads(writer, reader)
  }))
