import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { decodeHeader, encodeHeader } from '../../src/store/files/header.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { assertHolds, fill, segments, within } from './place.ts'
import { keyOf, keysIn, LOCK, storeSuite } from './store.suite.ts'

storeSuite('files', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-store-'))
  return {
    open: () => FileStore.open(directory),
    remove: async () => rmSync(directory, { recursive: true }),
    assurance: 'declared' as const,
  }
})

test('a header survives the round trip, and every flipped byte is noticed', () => {
  const header = { key: 'calls/segment/00000000000000000042-0f3a0f3a0f3a0f3a0f3a0f3a0f3a0f3a', size: 1234, sha256: 'ab'.repeat(32), lock: LOCK }
  const bytes = encodeHeader(header)
  assert.deepEqual(decodeHeader(bytes, 0), { header, length: bytes.length, intact: true })
  for (let i = 0; i < bytes.length; i++) {
    const broken = Buffer.from(bytes)
    broken[i]! ^= 1
    assert.notEqual(decodeHeader(broken, 0)?.intact, true, `byte ${i}`)
    assert.equal(decodeHeader(bytes.subarray(0, i), 0), null)
  }
})

test(
  'zstd reads an append file as if the headers were not there',
  { skip: spawnSync('zstd', ['--version']).error ? 'the zstd program is not installed' : false },
  () =>
    within(async (directory) => {
      const store = await FileStore.open(directory)
      for (const text of ['{"a":1}\n', '{"b":2}\n']) {
        const frame = zstdCompressSync(text)
        await store.put(keyOf('calls', 'segment', text.length, frame), frame, LOCK)
      }
      await store.close()
      const file = join(directory, 'calls', 'segment', segments(directory)[0]!)
      assert.equal(execFileSync('zstd', ['-dc', file], { encoding: 'latin1' }), '{"a":1}\n{"b":2}\n')
    }),
)

test('a file closes read-only at its size, the next takes its first index as name', () =>
  within(async (directory) => {
    const objects = await fill(directory, 25, { maxFileBytes: 5000 })
    const names = segments(directory)
    assert.ok(names.length > 1)
    for (const name of names.slice(0, -1)) {
      const { mode, size } = statSync(join(directory, 'calls', 'segment', name))
      assert.equal(mode & 0o777, 0o444)
      assert.ok(size >= 5000 && size < 5600)
    }
    assert.equal(names[0], `${'0'.repeat(20)}.ndjson.zst`)
    await assertHolds(directory, objects, { maxFileBytes: 5000 })
    for (const [key, bytes] of await fill(directory, 3, { maxFileBytes: 5000 }, 200, 25)) objects.set(key, bytes)
    await assertHolds(directory, objects)
  }))

test('reading threads see what is appended after they opened', () =>
  within(async (directory) => {
    const reader = await FileStore.open(directory, { readOnly: true })
    assert.deepEqual(await keysIn(reader, ''), [])
    const writer = await FileStore.open(directory, { maxFileBytes: 3000 })
    for (let i = 0; i < 30; i++) {
      const bytes = randomBytes(400)
      const key = keyOf('calls', 'segment', i, bytes)
      await writer.put(key, bytes, LOCK)
      if (i % 2 === 0) assert.deepEqual(Buffer.from((await reader.get(key))!), bytes)
      else assert.ok((await keysIn(reader, 'calls/segment/')).includes(key))
    }
    await assert.rejects(reader.put('calls/hashes/x', new Uint8Array(1), LOCK), { code: 'DATA_UNWRITABLE' })
    await reader.close()
    await writer.close()
  }))

test('a file cut anywhere keeps every object before the cut; nothing is removed; writing goes on in a new file', () =>
  within(async (directory) => {
    const objects = await fill(directory, 3, {}, 40)
    const entries = [...objects]
    const name = segments(directory)[0]!
    const whole = readFileSync(join(directory, 'calls', 'segment', name))
    const ends: number[] = []
    for (const [, bytes] of entries) ends.push(whole.indexOf(bytes) + bytes.length)
    for (let cut = 0; cut < whole.length; cut += cut < ends[0]! + 8 ? 1 : 5) {
      const copy = mkdtempSync(join(tmpdir(), 'sealtrail-cut-'))
      cpSync(directory, copy, { recursive: true })
      const file = join(copy, 'calls', 'segment', name)
      truncateSync(file, cut)
      const store = await FileStore.open(copy)
      const intact = entries.filter((_, i) => ends[i]! <= cut)
      assert.deepEqual(
        await keysIn(store, ''),
        intact.map(([key]) => key),
        `cut at ${cut}`,
      )
      const [lostKey, lost] = entries[intact.length]!
      const left = await store.get(lostKey)
      assert.ok(left === null || left.length < lost.length)
      await store.put(lostKey, lost, LOCK)
      assert.deepEqual(Buffer.from((await store.get(lostKey))!), lost)
      const clean = cut === 0 || ends.includes(cut)
      assert.equal(segments(copy).length, clean ? 1 : 2)
      assert.equal(store.damage().length, clean ? 0 : 1, `cut at ${cut}`)
      // The torn bytes are still there.
      assert.deepEqual(readFileSync(file).subarray(0, cut), whole.subarray(0, cut))
      await store.close()
      await assertHolds(copy, new Map([...intact, [lostKey, lost]]))
      rmSync(copy, { recursive: true })
    }
  }))

test('every flipped byte of an append file is reported, and spares the other objects', () =>
  within(async (directory) => {
    const entries = [...(await fill(directory, 3, {}, 40))]
    const name = segments(directory)[0]!
    const file = join(directory, 'calls', 'segment', name)
    const whole = readFileSync(file)
    for (let at = 0; at < whole.length; at++) {
      const broken = Buffer.from(whole)
      broken[at]! ^= 0x10
      writeFileSync(file, broken)
      const store = await FileStore.open(directory, { readOnly: true })
      let lost = 0
      for (const [key, bytes] of entries) {
        const got = await store.get(key)
        if (got === null || Buffer.compare(got, bytes) !== 0) lost++
      }
      assert.ok(lost <= 1, `byte ${at}: ${lost} lost`)
      const digestsHold = lost === 0
      // A flipped byte in the middle of the file's objects is found by their reader's digest, not by hopping over them.
      if (digestsHold) assert.equal(store.damage().length, 1, `byte ${at}`)
      await store.close()
    }
    writeFileSync(file, whole)
    chmodSync(file, 0o644)
  }))

test('a damaged object may be written again beside the damaged copy', () =>
  within(async (directory) => {
    const [[key, bytes]] = [...(await fill(directory, 1))] as [[string, Buffer]]
    const file = join(directory, 'calls', 'segment', segments(directory)[0]!)
    const broken = readFileSync(file)
    broken[broken.length - 1]! ^= 1
    writeFileSync(file, broken)
    const store = await FileStore.open(directory)
    assert.notDeepEqual(Buffer.from((await store.get(key))!), bytes)
    await store.put(key, bytes, LOCK)
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    assert.deepEqual(await keysIn(store, ''), [key])
    assert.equal(segments(directory).length, 2)
    assert.deepEqual(readFileSync(file), broken)
    await store.close()
  }))

test('an object after a torn write in the middle of a file is found', () =>
  within(async (directory) => {
    const objects = await fill(directory, 2)
    const file = join(directory, 'calls', 'segment', segments(directory)[0]!)
    const lost = randomBytes(5000)
    const header = encodeHeader({ key: keyOf('calls', 'segment', 9, lost), size: lost.length, sha256: hash('sha256', lost, 'hex'), lock: LOCK })
    for (const torn of [header.subarray(0, 20), header, Buffer.concat([header, lost.subarray(0, 600)])]) {
      appendFileSync(file, torn)
      for (let i = 0; i < 3; i++) {
        const bytes = randomBytes(300)
        const key = keyOf('calls', 'segment', 10 + objects.size, bytes)
        appendFileSync(file, Buffer.concat([encodeHeader({ key, size: bytes.length, sha256: hash('sha256', bytes, 'hex'), lock: LOCK }), bytes]))
        objects.set(key, bytes)
      }
      await assertHolds(directory, objects, { readOnly: true })
    }
  }))

test('hash packs carry their declared retention beside them and are read-only', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const bytes = randomBytes(1000)
    const key = keyOf('calls', 'hashes', 0, bytes)
    await store.put(key, bytes, LOCK)
    const path = join(directory, key)
    assert.equal(statSync(path).mode & 0o777, 0o444)
    assert.match(readFileSync(`${path}.lock`, 'latin1'), /"mode":"COMPLIANCE","retainuntil":"2040-01-01T00:00:00\.000Z"/)
    assert.deepEqual(await keysIn(store, ''), [key])
    await store.close()
  }))

test('probes side by side are in no one’s way, and sweep what a killed one left', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const left = join(directory, '.probe', 'dead')
    mkdirSync(left, { recursive: true })
    const fresh = join(directory, '.probe', 'alive')
    mkdirSync(fresh)
    utimesSync(left, 1, 1)
    const env = { now: Date.now, random: randomBytes, pause: () => Promise.resolve() }
    const probes = await Promise.all(Array.from({ length: 8 }, () => store.probe(env)))
    assert.deepEqual([...new Set(probes.map(({ assurance }) => assurance))], ['declared'])
    assert.deepEqual(readdirSync(join(directory, '.probe')), ['alive'])
    rmdirSync(fresh)
    await store.probe(env)
    assert.ok(!existsSync(join(directory, '.probe')))
    await store.close()
  }))

test('asking while a write is under way neither sees half of it nor lets it fail', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const objects = Array.from({ length: 30 }, (_, i) => randomBytes(i % 3 === 0 ? 400_000 : 300))
    const keys = objects.map((bytes, i) => keyOf('calls', 'segment', i, bytes))
    let done = false
    const asking = (async () => {
      for (let i = 0; !done; i++) {
        const key = keys[i % keys.length]!
        const held = await store.held(key)
        const bytes = await store.get(key)
        if (held !== null) assert.equal(bytes?.length, objects[i % keys.length]!.length)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (const [i, bytes] of objects.entries()) await store.put(keys[i]!, bytes, LOCK)
    done = true
    await asking
    assert.deepEqual(await keysIn(store, ''), keys)
    assert.deepEqual(store.damage(), [])
    await store.close()
  }))
