import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { type Disk, nodeDisk } from '../../src/store/files/disk.ts'
import { decodeHeader, encodeHeader } from '../../src/store/files/header.ts'
import { FileStore, type FileStoreOptions } from '../../src/store/files/store.ts'
import { keyOf, keysIn, LOCK, storeSuite } from './store.suite.ts'

storeSuite('files', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-store-'))
  return {
    open: () => FileStore.open(directory),
    remove: async () => rmSync(directory, { recursive: true }),
  }
})

async function within(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-store-'))
  try {
    await run(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const segments = (directory: string, log = 'calls'): string[] => readdirSync(join(directory, log, 'segment')).sort()

/** Puts `count` small segments; returns key → bytes, in order. */
async function fill(directory: string, count: number, options: FileStoreOptions = {}, size = 200, from = 0): Promise<Map<string, Buffer>> {
  const store = await FileStore.open(directory, options)
  const objects = new Map<string, Buffer>()
  for (let i = from; i < from + count; i++) {
    const bytes = randomBytes(size)
    const key = keyOf('calls', 'segment', i, bytes)
    await store.put(key, bytes, LOCK)
    objects.set(key, bytes)
  }
  await store.close()
  return objects
}

async function assertHolds(directory: string, objects: Map<string, Buffer>, options: FileStoreOptions = {}): Promise<void> {
  const store = await FileStore.open(directory, options)
  for (const [key, bytes] of objects) assert.deepEqual(Buffer.from((await store.get(key)) ?? []), bytes, key)
  await store.close()
}

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

/** A disk whose next call of the named kind fails, as the system would. */
function failing(): { disk: Disk; fail: (call: keyof Disk, code: string, partial?: number) => void } {
  let armed: { call: keyof Disk; code: string; partial: number } | null = null
  const due = (call: keyof Disk): boolean => armed?.call === call
  const raise = (): never => {
    const { code } = armed!
    armed = null
    throw Object.assign(new Error(code), { code })
  }
  const disk: Disk = { ...nodeDisk }
  for (const call of ['open', 'datasync', 'read', 'link', 'makeDirectory', 'syncDirectory', 'freeze'] as const) {
    const real = nodeDisk[call].bind(disk) as (...args: unknown[]) => unknown
    Object.assign(disk, { [call]: (...args: unknown[]) => (due(call) ? raise() : real(...args)) })
  }
  disk.append = async (fd, parts) => {
    if (!due('append')) return nodeDisk.append(fd, parts)
    const { partial } = armed!
    if (partial === 0) return raise()
    armed = null
    return nodeDisk.append(fd, [Buffer.concat(parts).subarray(0, partial)])
  }
  return { disk, fail: (call, code, partial = 0) => void (armed = { call, code, partial }) }
}

test('whatever call fails, nothing is acknowledged falsely, and the next put of the same segment succeeds', () =>
  within(async (directory) => {
    const { disk, fail } = failing()
    const objects = new Map<string, Buffer>()
    const store = await FileStore.open(directory, { disk, maxFileBytes: 100_000 })
    const faults: [keyof Disk, string, number][] = [
      ['append', 'ENOSPC', 0],
      ['append', 'ENOSPC', 1],
      ['append', 'ENOSPC', 200],
      ['append', 'ENOSPC', 999],
      ['append', 'EIO', 0],
      ['append', 'EROFS', 0],
      ['datasync', 'EIO', 0],
      ['read', 'EIO', 0],
      ['datasync', 'ENOSPC', 0],
    ]
    let first = 0
    for (const [call, code, partial] of faults) {
      for (let i = 0; i < 2; i++) {
        const bytes = randomBytes(1000)
        const key = keyOf('calls', 'segment', first++, bytes)
        fail(call, code, partial)
        await assert.rejects(store.put(key, bytes, LOCK), (error: { code: string; message: string }) => {
          assert.equal(error.code, 'NOT_DURABLE')
          assert.ok(!error.message.includes('/'), error.message)
          return true
        })
        assert.ok(!(await keysIn(store, '')).includes(key), `${call} ${code} ${partial}`)
        await store.put(key, bytes, LOCK)
        objects.set(key, bytes)
        for (const [k, b] of objects) assert.deepEqual(Buffer.from((await store.get(k))!), b)
      }
    }
    await store.close()
    await assertHolds(directory, objects)
  }))

test('a new file that cannot be made durable is not used', () =>
  within(async (directory) => {
    const { disk, fail } = failing()
    const store = await FileStore.open(directory, { disk })
    const bytes = randomBytes(100)
    for (const call of ['makeDirectory', 'open', 'syncDirectory'] as const) {
      fail(call, 'EIO')
      await assert.rejects(store.put(keyOf('calls', 'segment', 0, bytes), bytes, LOCK), { code: 'NOT_DURABLE' })
      fail(call, 'EIO')
      await assert.rejects(store.put(keyOf('calls', 'hashes', 0, bytes), bytes, LOCK), { code: 'NOT_DURABLE' }, call)
    }
    for (const call of ['link', 'datasync', 'freeze', 'append'] as const) {
      fail(call, 'ENOSPC')
      await assert.rejects(store.put(keyOf('calls', 'hashes', 0, bytes), bytes, LOCK), { code: 'NOT_DURABLE' }, call)
      assert.equal(await store.get(keyOf('calls', 'hashes', 0, bytes)), null)
    }
    for (const kind of ['segment', 'hashes'] as const) await store.put(keyOf('calls', kind, 0, bytes), bytes, LOCK)
    assert.deepEqual((await keysIn(store, '')).length, 2)
    assert.deepEqual(
      readdirSync(join(directory, 'calls', 'hashes')).filter((name) => name.startsWith('.')),
      [],
    )
    await store.close()
  }))

test('after a failed fdatasync the bytes in the page cache are not believed', () =>
  within(async (directory) => {
    const { disk, fail } = failing()
    const store = await FileStore.open(directory, { disk })
    const bytes = randomBytes(500)
    const key = keyOf('calls', 'segment', 0, bytes)
    fail('datasync', 'EIO')
    await assert.rejects(store.put(key, bytes, LOCK), { code: 'NOT_DURABLE' })
    assert.equal(await store.get(key), null)
    await store.put(key, bytes, LOCK)
    assert.equal(segments(directory).length, 2)
    await store.close()
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

test('a store that cannot be written says so at opening', async () => {
  await within(async (directory) => {
    writeFileSync(join(directory, 'file'), '')
    await assert.rejects(FileStore.open(join(directory, 'file', 'store')), { code: 'DATA_UNWRITABLE' })
    const { disk, fail } = failing()
    fail('makeDirectory', 'EROFS')
    await assert.rejects(FileStore.open(join(directory, 'store'), { disk }), { code: 'DATA_UNWRITABLE' })
  })
})

test('two processes appending to one file, one killed: every acknowledged object stands', () =>
  within(async (directory) => {
    const program = `
      import { FileStore } from ${JSON.stringify(new URL('../../src/store/files/store.ts', import.meta.url).href)}
      import { hash, randomBytes } from 'node:crypto'
      const store = await FileStore.open(process.argv[1], { maxFileBytes: 300_000 })
      for (let i = 0; ; i++) {
        const bytes = randomBytes(100 + Math.floor(Math.random() * 20_000))
        const key = 'calls/segment/' + String(i).padStart(20, '0') + '-' + hash('sha256', bytes, 'hex').slice(0, 32)
        await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: 1e13 })
        process.stdout.write(key + '\\n')
      }`
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round++) {
      const children = [0, 1].map(() =>
        spawn(process.execPath, ['--conditions=@sealtrail/source', '--input-type=module', '-e', program, directory], { stdio: ['ignore', 'pipe', 'inherit'] }),
      )
      await Promise.all(
        children.map(async (child, n) => {
          let text = ''
          child.stdout.setEncoding('latin1')
          child.stdout.on('data', (chunk: string) => {
            text += chunk
            if (text.split('\n').length > 60 + n * 30) child.kill('SIGKILL')
          })
          await once(child, 'close')
          acknowledged.push(...text.split('\n').slice(0, -1))
        }),
      )
    }
    assert.ok(acknowledged.length > 300)
    const store = await FileStore.open(directory)
    const known = new Set(await keysIn(store, ''))
    for (const key of acknowledged) {
      assert.ok(known.has(key))
      assert.ok(hash('sha256', (await store.get(key))!, 'hex').startsWith(key.slice(-32)))
    }
    await store.close()
  }))

test('a real file size limit tears a write: refused, and nothing before it is lost', () =>
  within(async (directory) => {
    const program = `
      import { FileStore } from ${JSON.stringify(new URL('../../src/store/files/store.ts', import.meta.url).href)}
      import { hash, randomBytes } from 'node:crypto'
      process.on('SIGXFSZ', () => {})
      const store = await FileStore.open(process.argv[1])
      for (let i = 0; i < 12; i++) {
        const bytes = randomBytes(10_000)
        const key = 'calls/segment/' + String(i).padStart(20, '0') + '-' + hash('sha256', bytes, 'hex').slice(0, 32)
        try {
          await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: 1e13 })
          console.log('ok ' + key)
        } catch (error) {
          console.log('no ' + error.code)
          await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: 1e13 })
          console.log('ok ' + key)
        }
      }`
    const run = spawnSync(
      'bash',
      ['-c', 'ulimit -f 60; exec "$0" "$@"', process.execPath, '--conditions=@sealtrail/source', '--input-type=module', '-e', program, directory],
      { encoding: 'latin1' },
    )
    const lines = run.stdout.trim().split('\n')
    assert.equal(lines.filter((line) => line.startsWith('ok')).length, 12, run.stderr)
    assert.ok(lines.includes('no NOT_DURABLE'))
    const store = await FileStore.open(directory)
    assert.equal((await keysIn(store, '')).length, 12)
    assert.ok(store.damage().length >= 1)
    await store.close()
  }))
