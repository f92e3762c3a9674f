// A data directory whose oldest segments were removed because their time was over, and the same with somebody's hand in it.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { encodeKept, expiryData, EXPIRY_TYPE, hashTailKeyOf, keptKey } from '@sealtrail/evidence'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { auditData } from '../../src/verify/data.ts'
import type { LogVerdict } from '../../src/verify/verdict.ts'
import { copyFolder } from '../copy-folder.ts'
import { LOCK, LogWriter, sampleRecord } from './writer.ts'

const AFTER = LOCK.retainUntilMs + 1
let good = ''
let vkey = ''
const segments: string[] = []
let keptName = ''

/** Six commits of five records; the first three have expired, of their records 4 and 11 are kept. */
before(async () => {
  good = mkdtempSync(join(tmpdir(), 'sealtrail-expired-'))
  const writer = await LogWriter.create(good, 'calls', { maxFileBytes: 2500 })
  await writer.fill(6, 5)
  const system = await LogWriter.create(good, 'system', { shared: writer })
  const tail = writer.files.leaves(0, 15)
  await writer.store.put(hashTailKeyOf('calls', 0, tail), tail, LOCK)
  const frame = zstdCompressSync(
    encodeKept({
      log: writer.origin,
      checkpoint: writer.checkpoint,
      records: [4, 11].map((index) => ({ index, record: writer.records[index]!, proof: writer.files.prove(index, 30) })),
    }),
  )
  const key = keptKey('calls', 4, hash('sha256', frame, 'hex'))
  keptName = key.slice('calls/kept/'.length)
  await writer.store.put(key, frame, LOCK)
  const data = expiryData({ log: 'calls', from: 0, to: 15, class: 'standard', kept: [keptName] })
  await system.commit([
    sampleRecord(1),
    sampleRecord(2, { type: EXPIRY_TYPE, time: '2026-02-01T00:00:00.000Z', data, subject: 'expiry/calls', subjectsequence: 1 }),
  ])
  vkey = writer.vkey
  for await (const { key: segment } of writer.store.list('calls/segment/')) segments.push(segment)
  for (const segment of segments.slice(0, 3)) await writer.store.remove(segment, AFTER)
  system.files.close()
  await writer.close()
})
after(() => rmSync(good, { recursive: true }))

async function verify(harm: (store: FileStore) => Promise<void> = async () => {}, logs?: readonly string[]): Promise<LogVerdict[]> {
  const copy = mkdtempSync(join(tmpdir(), 'sealtrail-expired-'))
  copyFolder(good, copy)
  const writable = await FileStore.open(join(copy, 'store'))
  await harm(writable)
  await writable.close()
  const store = await FileStore.open(join(copy, 'store'), { readOnly: true })
  const heads = SqliteHead.open(join(copy, 'head.sqlite'), { readOnly: true })
  try {
    return await auditData(copy, { store, heads, key: vkey, own: null, openCommitments: null, ...(logs === undefined ? {} : { logs }) })
  } finally {
    await store.close()
    heads.close()
    rmSync(copy, { recursive: true })
  }
}
const codes = (verdicts: readonly LogVerdict[]): string[] => [...new Set(verdicts.flatMap(({ problems }) => problems.map(({ code }) => code)))].sort()
const only = async (store: FileStore, prefix: string): Promise<string> => {
  for await (const { key } of store.list(prefix)) return key
  throw new Error(`no ${prefix}`)
}

test('what expired is a note that says under what and when; the root is that of all records', async () => {
  for (const logs of [undefined, ['calls']]) {
    const verdicts = await verify(undefined, logs)
    const calls = verdicts.find(({ log }) => log === 'calls')!
    assert.deepEqual(codes(verdicts), [])
    assert.equal(calls.size, 30)
    assert.equal(calls.trust, 'given')
    assert.deepEqual(
      calls.notes.map(({ message }) => message),
      ['records 0 to 14 expired under standard on 2026-02-01T00:00:00.000Z', '2 records are kept longer than their segments'],
    )
  }
})

test('a segment gone that nobody said would go stays the alarm', async () => {
  const verdicts = await verify((store) => store.remove(segments[3]!, AFTER))
  assert.deepEqual(codes(verdicts), ['EXPIRED_UNPROVEN', 'SEGMENT_MISSING'])
})

test('without the record that announced it, or without its hashes, nothing has expired', async () => {
  assert.deepEqual(codes(await verify(async (store) => store.remove(await only(store, 'system/segment/'), AFTER))).slice(0, 3), [
    'CHECKPOINT_BEYOND',
    'HEAD_BEYOND',
    'SEGMENT_MISSING',
  ])
  assert.deepEqual(codes(await verify(async (store) => store.remove(await only(store, 'calls/tail/'), AFTER))), ['EXPIRED_UNPROVEN'])
  const other = new Uint8Array(15 * 32).fill(3)
  const swapped = await verify(async (store) => {
    await store.remove(await only(store, 'calls/tail/'), AFTER)
    await store.put(hashTailKeyOf('calls', 0, other), other, LOCK)
  })
  assert.ok(codes(swapped).includes('EXPIRED_UNPROVEN'), codes(swapped).join())
})

test('kept records that are gone, or are not those of the log, are named', async () => {
  assert.deepEqual(codes(await verify((store) => store.remove(`calls/kept/${keptName}`, AFTER))), ['KEPT_MISSING'])
  const planted = await verify(async (store) => {
    const frame = zstdCompressSync(Buffer.from('{}\n'))
    await store.put(keptKey('calls', 4, hash('sha256', frame, 'hex')), frame, LOCK)
  })
  assert.deepEqual(codes(planted), ['KEPT_FORMAT'])
})
