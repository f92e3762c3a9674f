// What the file store declares after a write, and what it removes: durable, whole, and never more than it was told.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Disk, nodeDisk } from '../../src/store/files/disk.ts'
import { FileStore } from '../../src/store/files/store.ts'
import type { Lock } from '../../src/store/store.ts'
import { segments, within } from './place.ts'
import { keyOf, keysIn } from './store.suite.ts'

const DAY = 86_400_000
const JANUARY = Date.UTC(2030, 0, 1)
const until = (day: number, ms = 0): Lock => ({ mode: 'COMPLIANCE', retainUntilMs: JANUARY + day * DAY + ms })

/** Puts a segment for each lock; returns the keys. */
async function put(store: FileStore, locks: readonly Lock[], from = 0): Promise<string[]> {
  const keys: string[] = []
  for (const [i, lock] of locks.entries()) {
    const bytes = randomBytes(100 + i)
    const key = keyOf('calls', 'segment', from + i, bytes)
    await store.put(key, bytes, lock)
    keys.push(key)
  }
  return keys
}

const files = (directory: string): string[] => readdirSync(join(directory, 'calls/segment')).sort()

test('a file holds segments of one day only, also after it was opened again, and goes with the last of them', () =>
  within(async (directory) => {
    let store = await FileStore.open(directory)
    const keys = await put(store, [until(0, 1), until(0, DAY - 1), until(1), until(1, 5)])
    await store.close()
    store = await FileStore.open(directory)
    keys.push(...(await put(store, [until(1, 7), until(2)], 4)))
    assert.equal(segments(directory).length, 3)
    await store.remove(keys[2]!, JANUARY + 3 * DAY)
    await store.remove(keys[4]!, JANUARY + 3 * DAY)
    assert.deepEqual(await keysIn(store, ''), [keys[0], keys[1], keys[3], keys[5]])
    assert.equal(segments(directory).filter((name) => name.endsWith('.zst')).length, 3)
    await store.remove(keys[3]!, JANUARY + 3 * DAY)
    assert.equal(files(directory).length, 2)
    await store.remove(keys[5]!, JANUARY + 3 * DAY)
    assert.deepEqual(await keysIn(store, ''), [keys[0], keys[1]])
    // The file that was open for the next segment went; the next one opens its own.
    const [next] = await put(store, [until(2)], 6)
    assert.deepEqual(await keysIn(store, ''), [keys[0], keys[1], next])
    await store.close()
  }))

test('a segment put again after it was struck out is there again', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const [, other] = await put(store, [until(0), until(0)], 5)
    const bytes = randomBytes(10)
    const key = keyOf('calls', 'segment', 0, bytes)
    await store.put(key, bytes, until(0))
    await store.remove(key, JANUARY + DAY)
    assert.equal(await store.get(key), null)
    await store.put(key, bytes, until(0))
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    const again = await FileStore.open(directory, { readOnly: true })
    assert.deepEqual(Buffer.from((await again.get(key))!), bytes)
    assert.ok((await keysIn(again, '')).includes(other!))
    await again.close()
    await store.close()
  }))

test('whoever reads meanwhile sees the removal at its next look, and keeps no file open that is gone', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const [key, other] = await put(store, [until(0), until(1)])
    const reader = await FileStore.open(directory, { readOnly: true })
    assert.notEqual(await reader.get(key!), null)
    await store.remove(key!, JANUARY + DAY)
    assert.deepEqual(await keysIn(reader, ''), [other])
    assert.equal(await reader.get(key!), null)
    assert.equal(await reader.held(key!), null)
    assert.deepEqual(reader.damage(), [])
    await reader.close()
    await store.close()
  }))

test('wherever a removal dies, a new start has the segment whole or not at all, and the others whole', () =>
  within(async (base) => {
    for (let step = 0; step < 12; step++) {
      const directory = join(base, String(step))
      let left = Number.POSITIVE_INFINITY
      const disk: Disk = { ...nodeDisk }
      const dying = (real: (...args: never[]) => unknown) =>
        function (this: unknown, ...args: never[]): unknown {
          if (left-- <= 0) throw Object.assign(new Error('EIO'), { code: 'EIO' })
          return real.apply(this, args)
        }
      for (const call of ['open', 'append', 'datasync', 'remove', 'syncDirectory'] as const)
        Object.assign(disk, { [call]: dying(nodeDisk[call].bind(disk) as never) })
      const store = await FileStore.open(directory, { disk })
      const [alone, ...rest] = await put(store, [until(0), until(1), until(1)])
      await store.hold(alone!, true)
      await store.hold(alone!, false)
      left = step
      let done = true
      await store.remove(alone!, JANUARY + DAY).catch((error: { code: string }) => {
        done = false
        assert.ok(['NOT_DURABLE', 'STORE_UNREADABLE', 'EIO'].includes(error.code), error.code)
      })
      left = Number.POSITIVE_INFINITY
      await store.close()
      const again = await FileStore.open(directory)
      const there = (await again.get(alone!)) !== null
      if (done) assert.equal(there, false, `step ${step}`)
      assert.deepEqual(await keysIn(again, ''), there ? [alone, ...rest] : rest)
      await again.remove(alone!, JANUARY + DAY)
      assert.deepEqual(await keysIn(again, ''), rest)
      assert.equal(segments(directory).filter((name) => name.endsWith('.zst')).length, 1)
      assert.ok(!files(directory).some((name) => name.endsWith('.removed')), files(directory).join())
      await again.close()
    }
  }))

test('a removed list cut off in a line strikes nothing out that was not acknowledged', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const keys = await put(store, [until(0), until(0), until(0)])
    await store.remove(keys[0]!, JANUARY + DAY)
    const list = join(
      directory,
      'calls/segment',
      files(directory).find((name) => name.endsWith('.removed'))!,
    )
    const whole = readFileSync(list, 'latin1')
    await store.close()
    for (let cut = 0; cut < whole.length; cut++) {
      truncateSync(list, 0)
      writeFileSync(list, whole.slice(0, cut))
      const again = await FileStore.open(directory, { readOnly: true })
      assert.deepEqual(await keysIn(again, ''), keys, `cut at ${cut}`)
      await again.close()
    }
    // A writer goes on behind what was cut off.
    writeFileSync(list, whole.slice(0, 20))
    const again = await FileStore.open(directory)
    await again.remove(keys[1]!, JANUARY + DAY)
    assert.deepEqual(await keysIn(again, ''), [keys[0], keys[2]])
    // attacker: lines that are no names, and names of nothing.
    appendFileSync(list, 'x\n../../y\n00000000000000000099-00000000000000000000000000000000\n')
    const reader = await FileStore.open(directory, { readOnly: true })
    assert.deepEqual(await keysIn(reader, ''), [keys[0], keys[2]])
    await reader.close()
    await again.close()
  }))

test('a state that is damaged in any byte counts as a hold, and is no other object’s', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const bytes = randomBytes(50)
    const key = keyOf('calls', 'hashes', 0, bytes)
    await store.put(key, bytes, until(0))
    await store.extend(key, until(5))
    const state = join(directory, `${key}.state`)
    const whole = readFileSync(state)
    assert.deepEqual((await store.held(key))?.lock, until(5))
    for (let at = 0; at < whole.length; at++) {
      const broken = Buffer.from(whole)
      broken[at]! ^= 1
      writeFileSync(state, broken)
      assert.equal((await store.held(key))?.legalHold, true, `byte ${at}`)
      await assert.rejects(store.remove(key, JANUARY + 9 * DAY), { code: 'OBJECT_LOCKED' })
    }
    for (const length of [0, 1, whole.length - 1]) {
      writeFileSync(state, whole.subarray(0, length))
      assert.equal((await store.held(key))?.legalHold, true, `cut at ${length}`)
    }
    const other = randomBytes(51)
    const otherKey = keyOf('calls', 'hashes', 65_536, other)
    await store.put(otherKey, other, until(0))
    writeFileSync(join(directory, `${otherKey}.state`), whole)
    assert.equal((await store.held(otherKey))?.legalHold, true)
    writeFileSync(state, whole)
    await store.remove(key, JANUARY + 6 * DAY)
    assert.ok(!existsSync(state) && !existsSync(join(directory, key)) && !existsSync(join(directory, `${key}.lock`)))
    await store.close()
  }))

test('an object whose declaration is damaged stays', () =>
  within(async (directory) => {
    const store = await FileStore.open(directory)
    const bytes = randomBytes(50)
    const key = keyOf('calls', 'hashes', 0, bytes)
    await store.put(key, bytes, until(0))
    const line = readFileSync(join(directory, `${key}.lock`), 'latin1')
    await nodeDisk.remove(join(directory, `${key}.lock`))
    for (const text of ['', line.slice(0, -5), line.replace('2030', '2020'), 'x'.repeat(5000)]) {
      writeFileSync(join(directory, `${key}.lock`), text)
      await assert.rejects(store.remove(key, JANUARY + 6 * DAY), { code: 'OBJECT_LOCKED' })
    }
    await store.close()
  }))
