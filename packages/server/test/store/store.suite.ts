import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Lock, Store } from '../../src/store/store.ts'

/** A place an adapter keeps its objects, opened any number of times. */
export interface Place {
  open(): Promise<Store>
  remove(): Promise<void>
}

export const LOCK: Lock = { mode: 'COMPLIANCE', retainUntilMs: Date.UTC(2040, 0, 1) }

export function keyOf(log: string, kind: 'segment' | 'hashes', first: number, bytes: Uint8Array): string {
  return `${log}/${kind}/${String(first).padStart(20, '0')}-${hash('sha256', bytes, 'hex').slice(0, 32)}`
}

export async function keysIn(store: Store, prefix: string, after?: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, after)) keys.push(key)
  return keys
}

/** What every write-once store must do, whatever holds the bytes. */
export function storeSuite(name: string, place: () => Promise<Place>): void {
  const on = (title: string, run: (place: Place) => Promise<void>): void =>
    void test(`${name}: ${title}`, async () => {
      const here = await place()
      try {
        await run(here)
      } finally {
        await here.remove()
      }
    })

  on('what was put is got back, by this instance and the next', async (here) => {
    const store = await here.open()
    const objects = new Map<string, Uint8Array>()
    for (const kind of ['segment', 'hashes'] as const) {
      for (const [i, size] of [1, 2, 100, 4096, 70_000].entries()) {
        const bytes = randomBytes(size)
        const key = keyOf('calls', kind, i * 10, bytes)
        const stored = await store.put(key, bytes, LOCK)
        assert.equal(stored.key, key)
        assert.equal(stored.size, size)
        assert.ok(['declared', 'store-enforced', 'none'].includes(stored.assurance))
        objects.set(key, bytes)
      }
    }
    await store.close()
    const again = await here.open()
    for (const [key, bytes] of objects) assert.deepEqual(Buffer.from((await again.get(key))!), Buffer.from(bytes))
    assert.equal(await again.get(keyOf('calls', 'segment', 999, new Uint8Array(1))), null)
    assert.equal(await again.get(keyOf('unknown', 'hashes', 0, new Uint8Array(1))), null)
    await again.close()
  })

  on('the same bytes again succeed, other bytes are refused and change nothing', async (here) => {
    const store = await here.open()
    for (const kind of ['segment', 'hashes'] as const) {
      const bytes = randomBytes(300)
      const key = keyOf('calls', kind, 7, bytes)
      await store.put(key, bytes, LOCK)
      await store.put(key, Buffer.from(bytes), LOCK)
      await assert.rejects(store.put(key, randomBytes(300), LOCK), { code: 'ALREADY_WRITTEN' })
      assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
      assert.deepEqual(await keysIn(store, `calls/${kind}/`), [key])
    }
    await store.close()
  })

  on('bytes that are not those the key names are refused', async (here) => {
    const store = await here.open()
    const key = keyOf('calls', 'segment', 1, randomBytes(10))
    await assert.rejects(store.put(key, randomBytes(10), LOCK))
    assert.equal(await store.get(key), null)
    await store.close()
  })

  on('keys that are none are refused', async (here) => {
    const store = await here.open()
    for (const key of [
      '',
      '/',
      'calls',
      '../calls/hashes/x',
      'calls/../x',
      'calls/segment/x',
      'calls/hashes/../../x',
      'calls/hashes/.x',
      'calls//x',
      'calls/hashes/a\0',
    ]) {
      await assert.rejects(store.put(key, new Uint8Array(1), LOCK), key)
      await assert.rejects(store.get(key), key)
    }
    await store.close()
  })

  on('a list is ascending, starts after a key, keeps to its prefix, and losers stand beside winners', async (here) => {
    const store = await here.open()
    const put = async (log: string, kind: 'segment' | 'hashes', first: number): Promise<string> => {
      const bytes = randomBytes(50)
      const key = keyOf(log, kind, first, bytes)
      await store.put(key, bytes, LOCK)
      return key
    }
    const keys: string[] = []
    for (const first of [0, 5, 5, 5, 3, 100, 99, 12345678901]) keys.push(await put('calls', 'segment', first))
    for (const first of [0, 65536]) keys.push(await put('calls', 'hashes', first))
    for (const first of [2, 1]) keys.push(await put('calls-b', 'segment', first), await put('calls.c', 'hashes', first), await put('call', 'segment', first))
    keys.sort()
    assert.deepEqual(await keysIn(store, ''), keys)
    for (const prefix of [
      'calls/',
      'calls/segment/',
      'calls/segment/00000000000000000005',
      'calls',
      'c',
      'calls/hashes/',
      'x',
      'calls/segment/00000000000000000005-',
      'call/',
    ]) {
      assert.deepEqual(
        await keysIn(store, prefix),
        keys.filter((key) => key.startsWith(prefix)),
        prefix,
      )
      for (const after of [...keys, 'calls/segment/00000000000000000005', 'calls/', '~', '']) {
        assert.deepEqual(
          await keysIn(store, prefix, after),
          keys.filter((key) => key.startsWith(prefix) && key > after),
          `${prefix} after ${after}`,
        )
      }
    }
    await store.close()
  })

  on('many puts at once all stand', async (here) => {
    const store = await here.open()
    const objects = Array.from({ length: 60 }, (_, i) => randomBytes(500 + i * 37))
    const keys = objects.map((bytes, i) => keyOf('calls', i % 10 === 0 ? 'hashes' : 'segment', i, bytes))
    await Promise.all(objects.map((bytes, i) => store.put(keys[i]!, bytes, LOCK)))
    for (const [i, bytes] of objects.entries()) assert.deepEqual(Buffer.from((await store.get(keys[i]!))!), bytes)
    await store.close()
  })

  on('two instances writing the same log at once lose nothing and see each other', async (here) => {
    const [one, two] = [await here.open(), await here.open()]
    const objects = Array.from({ length: 80 }, (_, i) => randomBytes(200 + ((i * 7919) % 30_000)))
    const keys = objects.map((bytes, i) => keyOf('calls', 'segment', Math.floor(i / 2), bytes))
    await Promise.all(objects.map((bytes, i) => (i % 2 === 0 ? one : two).put(keys[i]!, bytes, LOCK)))
    const third = await here.open()
    for (const store of [one, two, third]) {
      for (const [i, bytes] of objects.entries()) assert.deepEqual(Buffer.from((await store.get(keys[i]!))!), bytes)
      assert.deepEqual(await keysIn(store, ''), keys.toSorted())
      await store.close()
    }
  })
}
