// Disks that are full or fail, and processes that die: nothing is acknowledged falsely, nothing acknowledged is lost.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Disk, nodeDisk } from '../../src/store/files/disk.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { assertHolds, segments, within } from './place.ts'
import { keyOf, keysIn, LOCK } from './store.suite.ts'

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
