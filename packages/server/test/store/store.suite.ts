import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Assurance, Lock, Store } from '../../src/store/store.ts'

/** A place an adapter keeps its objects, opened any number of times. */
export interface Place {
  open(): Promise<Store>
  remove(): Promise<void>
  /** The store's own clock and a way to let it pass; without them the suite says what time it is. */
  readonly clock?: { now(): number; pass(ms: number): Promise<void> }
  /** What a probe must find here. */
  readonly assurance: Assurance
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

  /** An object under a lock that ends soon, by the clock that counts here. */
  const shortly = async (
    here: Place,
    store: Store,
    kind: 'segment' | 'hashes',
  ): Promise<{ key: string; bytes: Uint8Array; lock: Lock; later(): Promise<number> }> => {
    const bytes = randomBytes(400)
    const key = keyOf('calls', kind, 65_536, bytes)
    const lock: Lock = { mode: 'COMPLIANCE', retainUntilMs: (here.clock?.now() ?? Date.now()) + SHORT_MS }
    await store.put(key, bytes, lock)
    return {
      key,
      bytes,
      lock,
      async later() {
        await here.clock?.pass(SHORT_MS + 1_100)
        return here.clock?.now() ?? lock.retainUntilMs + 1
      },
    }
  }
  const SHORT_MS = 2_000
  const near = (shown: Lock | null | undefined, asked: Lock): void => {
    assert.equal(shown?.mode, asked.mode)
    assert.ok(Math.abs((shown?.retainUntilMs ?? 0) - asked.retainUntilMs) < 1_000)
  }

  on('the lock is shown as it was asked for, extended and hardened, never shortened or weakened', async (here) => {
    const store = await here.open()
    for (const kind of ['segment', 'hashes'] as const) {
      const bytes = randomBytes(300)
      const key = keyOf('calls', kind, 0, bytes)
      assert.equal(await store.held(key), null)
      await assert.rejects(store.extend(key, LOCK), { code: 'NOT_FOUND' })
      await assert.rejects(store.hold(key, true), { code: 'NOT_FOUND' })
      const soft: Lock = { mode: 'GOVERNANCE', retainUntilMs: LOCK.retainUntilMs - 86_400_000 }
      await store.put(key, bytes, soft)
      const held = await store.held(key)
      near(held?.lock, soft)
      assert.equal(held?.size, 300)
      assert.equal(held?.legalHold, false)
      assert.equal(held?.others, 0)
      // Put again with a longer lock: the same object, locked longer.
      await store.put(key, bytes, LOCK)
      near((await store.held(key))?.lock, LOCK)
      near((await store.extend(key, soft)).lock, LOCK)
      const longer: Lock = { mode: 'GOVERNANCE', retainUntilMs: LOCK.retainUntilMs + 86_400_000 }
      near((await store.extend(key, longer)).lock, { ...longer, mode: 'COMPLIANCE' })
      const again = await here.open()
      near((await again.held(key))?.lock, { ...longer, mode: 'COMPLIANCE' })
      await again.close()
    }
    await store.close()
  })

  on('nothing is removed before its time or under a hold; afterwards it is, with all that was said of it', async (here) => {
    const store = await here.open()
    for (const kind of ['segment', 'hashes'] as const) {
      const { key, bytes, lock, later } = await shortly(here, store, kind)
      await assert.rejects(store.remove(key, lock.retainUntilMs - 1_500), { code: 'OBJECT_LOCKED' })
      assert.equal((await store.hold(key, true)).legalHold, true)
      assert.equal((await store.hold(key, true)).legalHold, true)
      const now = await later()
      await assert.rejects(store.remove(key, now), { code: 'OBJECT_LOCKED' })
      const again = await here.open()
      assert.equal((await again.held(key))?.legalHold, true)
      await again.close()
      assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
      assert.equal((await store.hold(key, false)).legalHold, false)
      await store.remove(key, now)
      await store.remove(key, now)
      for (const each of [store, await here.open()]) {
        assert.equal(await each.get(key), null)
        assert.equal(await each.held(key), null)
        assert.deepEqual(await keysIn(each, `calls/${kind}/`), [])
        if (each !== store) await each.close()
      }
      // The place is free again, and locked again.
      await store.put(key, bytes, LOCK)
      near((await store.held(key))?.lock, LOCK)
      assert.deepEqual(await keysIn(store, `calls/${kind}/`), [key])
    }
    await store.close()
  })

  on('what stands beside a removed object stays', async (here) => {
    const store = await here.open()
    const now = here.clock?.now() ?? Date.now()
    const objects = Array.from({ length: 6 }, (_, i) => randomBytes(200 + i))
    const keys = objects.map((bytes, i) => keyOf('calls', i < 4 ? 'segment' : 'hashes', i, bytes))
    for (const [i, bytes] of objects.entries()) await store.put(keys[i]!, bytes, i % 2 === 0 ? LOCK : { mode: 'COMPLIANCE', retainUntilMs: now + SHORT_MS })
    await here.clock?.pass(SHORT_MS + 1_100)
    const late = here.clock?.now() ?? now + SHORT_MS + 1
    for (const [i, key] of keys.entries()) if (i % 2 === 1) await store.remove(key, late)
    const again = await here.open()
    for (const each of [store, again]) {
      assert.deepEqual(await keysIn(each, ''), keys.filter((_, i) => i % 2 === 0).toSorted())
      for (const [i, key] of keys.entries()) assert.deepEqual(await each.get(key).then((got) => got && Buffer.from(got)), i % 2 === 0 ? objects[i] : null)
      await each.close()
    }
  })

  on('a probe sees what the store is', async (here) => {
    const store = await here.open()
    const kept = await shortly(here, store, 'segment')
    const pause = async (ms: number): Promise<void> => (here.clock === undefined ? undefined : here.clock.pass(ms))
    const probe = await store.probe({ now: () => here.clock?.now() ?? Date.now(), random: randomBytes, pause })
    assert.equal(probe.assurance, here.assurance, JSON.stringify(probe.checks))
    assert.ok(probe.checks.length >= 4 && probe.checks.every(({ name, seen }) => /^[a-z-]+$/.test(name) && seen.length > 0 && seen.length < 300))
    // Not a trace among the evidence.
    assert.deepEqual(await keysIn(store, ''), [kept.key])
    await store.close()
  })
}
