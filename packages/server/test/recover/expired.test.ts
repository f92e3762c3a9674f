// Logs whose beginning has expired: nothing is lost there, and nothing else may look like it.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { expiryData, EXPIRY_TYPE, hashTailKeyOf } from '@sealtrail/evidence'
import { FileStore } from '../../src/store/files/store.ts'
import { sealtrail } from '../cli/io.ts'
import { copyFolder } from '../copy-folder.ts'
import { LOCK, LogWriter, sampleRecord } from '../verify/writer.ts'

const AFTER = LOCK.retainUntilMs + 1
let good = ''
const segments: string[] = []
let tailKey = ''
let root = ''

/** Six commits of five records; the first three have expired. */
before(async () => {
  good = mkdtempSync(join(tmpdir(), 'sealtrail-expired-'))
  const writer = await LogWriter.create(good, 'calls')
  await writer.fill(6, 5)
  root = writer.head.root
  const system = await LogWriter.create(good, 'system', { shared: writer })
  const tail = writer.files.leaves(0, 15)
  tailKey = hashTailKeyOf('calls', 0, tail)
  await writer.store.put(tailKey, tail, LOCK)
  const data = expiryData({ log: 'calls', from: 0, to: 15, class: 'standard', kept: [] })
  await system.commit([
    sampleRecord(1),
    sampleRecord(2, { type: EXPIRY_TYPE, time: '2026-02-01T00:00:00.000Z', data, subject: 'expiry/calls', subjectsequence: 1 }),
  ])
  for await (const { key } of writer.store.list('calls/segment/')) segments.push(key)
  for (const segment of segments.slice(0, 3)) await writer.store.remove(segment, AFTER)
  system.files.close()
  await writer.close()
})
after(() => rmSync(good, { recursive: true }))

/** Recovers a copy of the store, harmed first. */
async function recovered(harm: (store: FileStore) => Promise<void>): Promise<{ exit: number; out: string; verified: string; level0: Buffer | null }> {
  const copy = mkdtempSync(join(tmpdir(), 'sealtrail-expired-'))
  try {
    copyFolder(good, copy)
    for (const name of readdirSync(copy)) if (name !== 'store') rmSync(join(copy, name), { recursive: true })
    const store = await FileStore.open(join(copy, 'store'))
    await harm(store)
    await store.close()
    const { exit, out } = await sealtrail(['recover', '--data', copy])
    const level0 = join(copy, 'tiles', 'calls', 'level-0')
    return { exit, out, verified: (await sealtrail(['verify', copy])).out, level0: existsSync(level0) ? readFileSync(level0) : null }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

test('a beginning that has expired is no loss: the same root, all leaf hashes, and nothing said to be missing', async () => {
  const { exit, out, verified, level0 } = await recovered(async () => {})
  assert.equal(exit, 0, out)
  assert.ok(out.includes(`ok       log calls: 30 records, root ${root}`), out)
  assert.doesNotMatch(out, /are not there/)
  assert.match(out, /records 0 to 14 expired under standard/)
  assert.ok(verified.includes(`ok       log calls: 30 records, root ${root}`), verified)
  assert.ok(level0?.equals(readFileSync(join(good, 'tiles', 'calls', 'level-0'))))
})

test('a segment gone that nobody said had expired is a loss, also where its hashes are kept; without the hashes nothing is made', async () => {
  const beside = await recovered((store) => store.remove(segments[3]!, AFTER))
  assert.equal(beside.exit, 1)
  assert.match(beside.out, /REFUSED {2}log calls: .*records 0 to 19 are gone or changed, and no hash pack leads over them/)
  assert.match(beside.out, /SEGMENT_MISSING, calls\/segment\/00000000000000000015-/)
  const bare = await recovered((store) => store.remove(tailKey, AFTER))
  assert.equal(bare.exit, 1)
  assert.match(bare.out, /REFUSED {2}log calls: .*records 0 to 14 are gone or changed/)
  assert.match(bare.out, /EXPIRED_UNPROVEN/)
  assert.match(bare.out, /ok {7}log system/)
  const unsaid = await recovered(async (store) => {
    for await (const { key } of store.list('system/')) await store.remove(key, AFTER)
  })
  assert.equal(unsaid.exit, 1)
  assert.match(unsaid.out, /PROBLEM {2}log calls: 30 records, .*head made/)
  assert.match(unsaid.out, /records 0 to 14 are not there; their hashes are/)
})

test('hashes that somebody made up do not lead to the next segment, and make no head', async () => {
  const forged = await recovered(async (store) => {
    const tail = Uint8Array.from((await store.get(tailKey))!)
    tail[40]! ^= 1
    await store.remove(tailKey, AFTER)
    await store.put(hashTailKeyOf('calls', 0, tail), tail, LOCK)
  })
  assert.equal(forged.exit, 1)
  assert.match(forged.out, /REFUSED {2}log calls: .*records 0 to 14 are gone or changed/)
})
