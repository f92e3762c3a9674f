import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { auditData } from '../../src/verify/data.ts'
import { Unpacker } from '../../src/verify/unpacker.ts'
import { LogWriter } from './writer.ts'

const COMMITS = 100

test('a log long enough to be unpacked on other threads: good as it is, and a flipped byte is found where it is', async () => {
  const data = mkdtempSync(join(tmpdir(), 'sealtrail-verify-'))
  try {
    const writer = await LogWriter.create(data)
    await writer.fill(COMMITS, 3)
    await writer.close()
    const verify = async () => {
      const store = await FileStore.open(join(data, 'store'), { readOnly: true })
      const heads = SqliteHead.open(join(data, 'head.sqlite'), { readOnly: true })
      const [verdict] = await auditData(data, { store, heads, key: writer.vkey, own: null, openCommitments: null })
      heads.close()
      await store.close()
      return verdict!
    }
    const good = await verify()
    assert.deepEqual([good.ok, good.size, good.root], [true, COMMITS * 3, writer.head.root])

    const store = await FileStore.open(join(data, 'store'), { readOnly: true })
    const frames: Buffer[] = []
    for await (const { key } of store.list('calls/segment/')) frames.push(Buffer.from((await store.get(key))!))
    await store.close()
    const [name] = readdirSync(join(data, 'store', 'calls', 'segment'))
    const path = join(data, 'store', 'calls', 'segment', name!)
    const whole = readFileSync(path)
    for (const at of [0, 63, 70, COMMITS - 1]) {
      const offset = whole.indexOf(frames[at]!)
      const harmed = Buffer.from(whole)
      const middle = offset + (frames[at]!.length >> 1)
      harmed[middle] = harmed[middle]! ^ 1
      writeFileSync(path, harmed)
      const { ok, problems } = await verify()
      assert.equal(ok, false)
      assert.ok(
        problems.some(({ index }) => index === at * 3),
        JSON.stringify(problems),
      )
    }
  } finally {
    rmSync(data, { recursive: true })
  }
})

test('threads answer for each frame in its turn, as this one would, whatever the frames hold', async () => {
  const data = mkdtempSync(join(tmpdir(), 'sealtrail-verify-'))
  const writer = await LogWriter.create(data)
  const { frame } = writer.prepare([Buffer.from('{"no":"record"}')])
  await writer.close()
  rmSync(data, { recursive: true })
  const frames = [frame, Buffer.from('no frame'), frame.subarray(0, 20), Buffer.alloc(0), frame]
  const here = new Unpacker(1)
  const there = new Unpacker(1000)
  try {
    const expected = await Promise.all(frames.map((each) => here.unpack(each)))
    const got = await Promise.all(frames.map((each) => there.unpack(each)))
    assert.deepEqual(
      got.map(({ digest, ndjson }) => [digest, ndjson === null ? null : Buffer.from(ndjson)]),
      expected.map(({ digest, ndjson }) => [digest, ndjson === null ? null : Buffer.from(ndjson)]),
    )
    assert.equal(got[0]?.facts?.signed, true)
    assert.deepEqual(
      got.map(({ facts }) => facts === null),
      [false, true, true, true, false],
    )
  } finally {
    here.close()
    there.close()
  }
})
