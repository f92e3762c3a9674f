import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileStore } from '../../../src/store/files/store.ts'
import type { ReplicaMode } from '../../../src/store/replica/store.ts'
import type { Lock } from '../../../src/store/store.ts'
import { keyOf, keysIn, LOCK, storeSuite } from '../store.suite.ts'
import { type Pair, pair, whole } from './pair.ts'

const MODES: readonly ReplicaMode[] = ['sync', 'follow']

for (const mode of MODES)
  storeSuite(`files with a replica (${mode})`, async () => {
    const here = pair()
    return { open: () => here.open(mode), remove: async () => here.remove(), assurance: 'declared' as const }
  })

interface Objects {
  readonly key: string
  readonly bytes: Uint8Array
}
const some = (count: number, from = 0): Objects[] =>
  Array.from({ length: count }, (_, i) => {
    const bytes = randomBytes(200 + i)
    return { key: keyOf('calls', i % 4 === 3 ? 'hashes' : 'segment', from + i, bytes), bytes }
  })

async function within(run: (here: Pair) => Promise<void>): Promise<void> {
  const here = pair()
  try {
    await run(here)
  } finally {
    here.remove()
  }
}

/** That a store alone holds exactly these, each under the lock it was given. */
async function holds(folder: string, objects: readonly Objects[], lock: Lock = LOCK): Promise<void> {
  const store = await FileStore.open(folder, { readOnly: true })
  assert.deepEqual(await keysIn(store, ''), objects.map(({ key }) => key).sort())
  for (const { key, bytes } of objects) {
    assert.deepEqual(Buffer.from((await store.get(key)) ?? []), Buffer.from(bytes))
    assert.deepEqual((await store.held(key))?.lock, lock)
  }
  await store.close()
}

test('sync: what was put is in both when the put resolves; a replica that is gone refuses it, saying so, and takes it afterwards', () =>
  within(async (here) => {
    const store = await here.open('sync')
    const objects = some(6)
    for (const { key, bytes } of objects.slice(0, 3)) await store.put(key, bytes, LOCK)
    await holds(here.folders.main, objects.slice(0, 3))
    await holds(here.folders.replica, objects.slice(0, 3))
    here.replica.gone = true
    const { key, bytes } = objects[3]!
    await assert.rejects(store.put(key, bytes, LOCK), { code: 'NOT_DURABLE', message: /in the main store and not in the replica: the replica says/ })
    assert.match(here.puts.at(-1) ?? '', /^NOT_DURABLE/)
    // Readers are not kept from what there is.
    assert.deepEqual((await keysIn(store, '')).length, 4)
    here.replica.gone = false
    for (const each of objects.slice(3)) await store.put(each.key, each.bytes, LOCK)
    assert.equal(here.puts.at(-1), null)
    await store.close()
    await holds(here.folders.replica, objects)
  }))

test('sync: whichever store dies at whichever call, nothing that was acknowledged is lost from either, and a start heals both', async () => {
  for (const victim of ['main', 'replica'] as const) {
    for (let at = 0; at < 8; at++) {
      await within(async (here) => {
        const store = await here.open('sync')
        await here.until(whole)
        here[victim].calls = 0
        here[victim].diesAfter = at
        const objects = some(8)
        const kept: Objects[] = []
        for (const each of objects) {
          try {
            await store.put(each.key, each.bytes, LOCK)
            kept.push(each)
          } catch (error) {
            assert.equal((error as { code: string }).code, 'NOT_DURABLE')
          }
        }
        assert.ok(kept.length < objects.length)
        here[victim].diesAfter = Infinity
        await store.close()
        const again = await here.open('sync')
        await here.until(whole)
        // Put again, as the sealer does with the same bytes.
        for (const each of objects) await again.put(each.key, each.bytes, LOCK)
        for (const each of kept) assert.deepEqual(Buffer.from((await again.get(each.key))!), Buffer.from(each.bytes))
        await again.close()
        for (const folder of Object.values(here.folders)) await holds(folder, objects)
      })
    }
  }
})

test('follow: the main store decides, the replica is filled in order behind it, and what it missed is found at the next start', () =>
  within(async (here) => {
    const objects = some(40)
    let store = await here.open('follow')
    await here.until(whole)
    for (const { key, bytes } of objects.slice(0, 10)) await store.put(key, bytes, LOCK)
    await here.until(whole)
    await holds(here.folders.replica, objects.slice(0, 10))

    here.replica.gone = true
    for (const { key, bytes } of objects.slice(10, 20)) await store.put(key, bytes, LOCK)
    await here.until(({ trouble }) => trouble !== null)
    assert.match(here.lag().trouble ?? '', /^(NOT_DURABLE|STORE_UNREADABLE)/)
    assert.ok(here.lag().objects >= 1 && here.lag().sinceMs !== null)
    // Goes on where it was, in order.
    here.replica.gone = false
    await here.until(whole)
    await holds(here.folders.replica, objects.slice(0, 20))

    // Killed while behind: nothing is written down of what is missing.
    here.replica.gone = true
    for (const { key, bytes } of objects.slice(20)) await store.put(key, bytes, LOCK)
    await store.close()
    await holds(here.folders.replica, objects.slice(0, 20))
    here.replica.gone = false
    store = await here.open('follow')
    await here.until(whole)
    await store.close()
    await holds(here.folders.replica, objects)
  }))

test('follow: whatever the replica has is the beginning of each log, at every moment it may die', async () => {
  for (let at = 0; at < 10; at++) {
    await within(async (here) => {
      const store = await here.open('follow')
      await here.until(whole)
      here.replica.calls = 0
      here.replica.diesAfter = at
      const objects = Array.from({ length: 12 }, (_, i) => {
        const bytes = randomBytes(100)
        return { key: keyOf('calls', 'segment', i, bytes), bytes }
      })
      for (const { key, bytes } of objects) await store.put(key, bytes, LOCK)
      await here.until(({ trouble }) => trouble !== null)
      await store.close()
      const replica = await FileStore.open(here.folders.replica, { readOnly: true })
      const keys = await keysIn(replica, '')
      assert.deepEqual(
        keys,
        objects.slice(0, keys.length).map(({ key }) => key),
      )
      assert.ok(keys.length < objects.length)
      await replica.close()
    })
  }
})

test('a start copies both ways, with locks and holds; what has expired, and bytes that are not what they are called, are not spread', () =>
  within(async (here) => {
    const [both, onlyMain, onlyReplica, held, expired] = some(5) as [Objects, Objects, Objects, Objects, Objects]
    const [main, replica] = [await FileStore.open(here.folders.main), await FileStore.open(here.folders.replica)]
    for (const store of [main, replica]) await store.put(both.key, both.bytes, LOCK)
    await main.put(onlyMain.key, onlyMain.bytes, { mode: 'GOVERNANCE', retainUntilMs: LOCK.retainUntilMs - 1_000_000 })
    await replica.put(onlyReplica.key, onlyReplica.bytes, LOCK)
    await main.put(held.key, held.bytes, LOCK)
    await main.hold(held.key, true)
    await main.put(expired.key, expired.bytes, { mode: 'COMPLIANCE', retainUntilMs: Date.now() - 1000 })
    await main.close()
    await replica.close()
    const store = await here.open('follow')
    await here.until(whole)
    await store.close()
    const [one, two] = [await FileStore.open(here.folders.main), await FileStore.open(here.folders.replica)]
    assert.deepEqual(await keysIn(two, ''), [both, onlyMain, onlyReplica, held].map(({ key }) => key).sort())
    assert.deepEqual(await keysIn(one, ''), [both, onlyMain, onlyReplica, held, expired].map(({ key }) => key).sort())
    assert.deepEqual((await two.held(onlyMain.key))?.lock, (await one.held(onlyMain.key))?.lock)
    assert.equal((await two.held(held.key))?.legalHold, true)
    await one.close()
    await two.close()
  }))

test('reading falls back to the replica, and says so; a list is of both; what surely holds an object is the weaker of both', () =>
  within(async (here) => {
    const store = await here.open('sync')
    await here.until(whole)
    const objects = some(4)
    for (const { key, bytes } of objects) await store.put(key, bytes, LOCK)
    here.main.gone = true
    for (const { key, bytes } of objects) assert.deepEqual(Buffer.from((await store.get(key))!), Buffer.from(bytes))
    assert.deepEqual(
      here.reads,
      objects.map(() => 'STORE_UNREADABLE'),
    )
    await assert.rejects(keysIn(store, ''), { code: 'STORE_UNREADABLE' }, 'half a list is none')
    here.replica.gone = true
    await assert.rejects(store.get(objects[0]!.key), { code: 'STORE_UNREADABLE' })
    here.main.gone = here.replica.gone = false
    const replica = await FileStore.open(here.folders.replica)
    const more = some(1, 100)[0]!
    await replica.put(more.key, more.bytes, { mode: 'GOVERNANCE', retainUntilMs: LOCK.retainUntilMs - 5_000 })
    assert.deepEqual(await keysIn(store, ''), [...objects, more].map(({ key }) => key).sort())
    assert.deepEqual(Buffer.from((await store.get(more.key))!), Buffer.from(more.bytes))
    assert.equal(here.reads.at(-1), 'missing')
    await replica.close()
    await store.close()
  }))

test('extending, holding and removing are of both or fail; what the replica lacks yet it gets first', () =>
  within(async (here) => {
    const store = await here.open('follow')
    await here.until(whole)
    const [one, two] = some(2) as [Objects, Objects]
    const soon: Lock = { mode: 'COMPLIANCE', retainUntilMs: Date.now() + 100_000 }
    await store.put(one.key, one.bytes, soon)
    await here.until(whole)
    here.replica.gone = true
    const longer: Lock = { ...soon, retainUntilMs: soon.retainUntilMs + 50_000 }
    await assert.rejects(store.extend(one.key, longer), { code: 'NOT_DURABLE', message: /changed in the main store and not in the replica/ })
    await assert.rejects(store.hold(one.key, true), { code: 'NOT_DURABLE' })
    await assert.rejects(store.remove(one.key, longer.retainUntilMs + 1), { code: 'NOT_DURABLE' })
    assert.ok((await store.get(one.key)) !== null)
    await store.put(two.key, two.bytes, soon)
    here.replica.gone = false
    // Again, as their duties do.
    await store.extend(one.key, longer)
    await store.hold(one.key, true)
    await store.extend(two.key, longer)
    await here.until(whole)
    const replica = await FileStore.open(here.folders.replica)
    for (const { key } of [one, two]) assert.deepEqual((await replica.held(key))?.lock, longer)
    assert.equal((await replica.held(one.key))?.legalHold, true)
    assert.equal((await store.held(one.key))?.legalHold, true)
    await replica.close()
    await store.hold(one.key, false)
    await store.remove(one.key, longer.retainUntilMs + 1)
    await store.close()
    for (const folder of Object.values(here.folders)) await holds(folder, [two], longer)
  }))

test('an object damaged in the main store is not spread: it is counted, and keeps nothing else back', () =>
  within(async (here) => {
    const objects = some(4)
    const main = await FileStore.open(here.folders.main)
    for (const { key, bytes } of objects) await main.put(key, bytes, LOCK)
    await main.close()
    const bad = objects[3]!
    const path = join(here.folders.main, bad.key)
    chmodSync(path, 0o644)
    writeFileSync(path, Buffer.from(bad.bytes).fill(0, 5, 6))
    const store = await here.open('follow')
    await here.until(whole)
    assert.equal(here.lag().refused, 1)
    await store.close()
    await holds(here.folders.replica, objects.slice(0, 3))
    // The other way it heals: what the main store has damaged is read from the replica.
    const replica = await FileStore.open(here.folders.replica)
    await replica.put(bad.key, bad.bytes, LOCK)
    await replica.close()
    const again = await here.open('sync')
    await here.until(whole)
    assert.deepEqual(Buffer.from((await again.get(bad.key))!), Buffer.from(bad.bytes))
    assert.deepEqual(here.reads, ['damaged'])
    await again.close()
  }))
