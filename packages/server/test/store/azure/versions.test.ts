import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { withStore } from './place.ts'
import type { AzureServer } from './server.ts'

const DAY_MS = 86_400_000
/** Somebody else with a right to write: no lock, no condition. */
const plant = (server: AzureServer, name: string, bytes: Buffer, untilMs = 0): void =>
  void server.blobs.put(name, bytes, { md5: '', fresh: false, policy: untilMs === 0 ? null : { locked: true, untilMs }, hold: false, metadata: new Map() })

test('written over or deleted behind its back, the object is what it was: read, listed once, and the others counted', () =>
  withStore(async ({ store, server, open }) => {
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'segment', 0, bytes)
    const { version } = await store.put(key, bytes, LOCK)
    const expect = async (others: number): Promise<void> => {
      for (const each of [store, await open()]) {
        assert.deepEqual(Buffer.from((await each.get(key))!), bytes)
        const held = await each.held(key)
        assert.deepEqual([held?.version, held?.size, held?.lock, held?.others], [version, 300, LOCK, others])
        assert.deepEqual(await keysIn(each, ''), [key])
        assert.deepEqual(await keysIn(each, key), [key])
        assert.deepEqual(await keysIn(each, '', key), [])
      }
    }
    await expect(0)
    plant(server, key, randomBytes(300))
    await expect(1)
    plant(server, key, bytes)
    await expect(2)
    server.blobs.delete(key, null)
    await expect(3)
    assert.equal((await store.put(key, bytes, LOCK)).size, 300)
    assert.equal((await store.held(key))?.version, version)
    await assert.rejects(store.put(key, randomBytes(300), LOCK), { code: 'ALREADY_WRITTEN' })
  }))

test('a deleted object is listed and read as long as a version of it is left', () =>
  withStore(async ({ store, server }) => {
    const objects = Array.from({ length: 5 }, () => randomBytes(100))
    const keys = objects.map((bytes, i) => keyOf('calls', 'segment', i, bytes))
    for (const [i, bytes] of objects.entries()) await store.put(keys[i]!, bytes, LOCK)
    for (const i of [0, 2, 4]) server.blobs.delete(keys[i]!, null)
    assert.deepEqual(await keysIn(store, 'calls/'), keys)
    for (const [i, bytes] of objects.entries()) {
      assert.deepEqual(Buffer.from((await store.get(keys[i]!))!), bytes)
      assert.equal((await store.held(keys[i]!))?.others, i % 2 === 0 ? 1 : 0)
    }
    const longer = { ...LOCK, retainUntilMs: LOCK.retainUntilMs + DAY_MS }
    assert.deepEqual((await store.extend(keys[0]!, longer)).lock, longer)
    assert.equal((await store.hold(keys[0]!, true)).legalHold, true)
  }))

test('bytes planted under a digest that is not theirs do not keep the object out', () =>
  withStore(async ({ store, server }) => {
    for (const kind of ['segment', 'hashes'] as const) {
      const bytes = randomBytes(300)
      const key = keyOf('calls', kind, 0, bytes)
      for (let i = 0; i < 3; i++) plant(server, key, randomBytes(i === 1 ? 300 : 20))
      const stored = await store.put(key, bytes, LOCK)
      const held = await store.held(key)
      assert.deepEqual([held?.version, held?.lock, held?.others], [stored.version, LOCK, 3])
      assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
      plant(server, key, randomBytes(300))
      assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    }
  }))

test('where there are no versions, other bytes under a key stay, and are an error', () =>
  withStore(
    async ({ store, server }) => {
      const bytes = randomBytes(300)
      const key = keyOf('calls', 'segment', 0, bytes)
      const planted = randomBytes(300)
      plant(server, key, planted)
      await assert.rejects(store.put(key, bytes, LOCK), { code: 'ALREADY_WRITTEN' })
      assert.deepEqual(Buffer.from((await store.get(key))!), planted)
    },
    { versions: false, immutability: false },
    { requireLock: false },
  ))

test('of a name without digest the oldest version alone is the object, also under a deletion', () =>
  withStore(async ({ store, server, open }) => {
    const key = 'calls/stamp/2030-01-01'
    const first = randomBytes(100)
    await store.put(key, first, LOCK)
    await store.put(key, first, LOCK)
    await assert.rejects(store.put(key, randomBytes(100), LOCK), { code: 'ALREADY_WRITTEN' })
    const second = randomBytes(100)
    plant(server, key, second)
    for (const each of [store, await open()]) assert.deepEqual(Buffer.from((await each.get(key))!), first)
    await assert.rejects(store.put(key, second, LOCK), { code: 'ALREADY_WRITTEN' })
    server.blobs.delete(key, null)
    assert.deepEqual(Buffer.from((await store.get(key))!), first)
    await assert.rejects(store.put(key, second, LOCK), { code: 'ALREADY_WRITTEN' })
    await store.put(key, first, LOCK)
    assert.equal((await store.held(key))?.others, 2)
  }))

test('a removal takes every version, the object last, and stops before one that is locked', () =>
  withStore(async ({ store, server, clock }) => {
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'segment', 0, bytes)
    await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + DAY_MS })
    for (let i = 0; i < 3; i++) plant(server, key, randomBytes(30))
    await clock.pass(DAY_MS + 1_000)
    plant(server, key, randomBytes(30), clock.now() + DAY_MS)
    await assert.rejects(store.remove(key, clock.now()), { code: 'OBJECT_LOCKED' })
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    await clock.pass(DAY_MS + 1_000)
    await store.remove(key, clock.now())
    assert.equal(server.blobs.blobs.size, 0)
    assert.deepEqual(await keysIn(store, ''), [])
  }))

test('a removal that the store only says it made is not believed', () =>
  withStore(
    async ({ store, clock }) => {
      const bytes = randomBytes(300)
      const key = keyOf('calls', 'segment', 0, bytes)
      await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + DAY_MS })
      await clock.pass(2 * DAY_MS)
      await assert.rejects(store.remove(key, clock.now()), { code: 'NOT_DURABLE' })
    },
    { lies: new Set(['keeps']) },
  ))

test('a removal that may not be leaves everything as it was, the name as well', () =>
  withStore(async ({ store, clock }) => {
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'segment', 0, bytes)
    await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + DAY_MS })
    await assert.rejects(store.remove(key, clock.now()), { code: 'OBJECT_LOCKED' })
    await store.hold(key, true)
    await clock.pass(2 * DAY_MS)
    await assert.rejects(store.remove(key, clock.now()), { code: 'OBJECT_LOCKED' })
    assert.equal((await store.held(key))?.others, 0)
  }))

test('a container that is not there is no empty store', () =>
  withStore(async ({ open }) => {
    const store = await open({ container: 'nowhere' })
    const key = keyOf('calls', 'segment', 0, randomBytes(3))
    for (const ask of [() => store.get(key), () => store.held(key), () => keysIn(store, '')]) {
      await assert.rejects(ask, (error: Error & { code: string }) => error.code === 'STORE_UNREADABLE' && error.message.includes('404 ContainerNotFound'))
    }
  }))

test('the service’s clock has the last word on a removal', () =>
  withStore(async ({ store, clock }) => {
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'segment', 0, bytes)
    await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + DAY_MS })
    // attacker: a clock of ours that was set ahead.
    await assert.rejects(store.remove(key, clock.now() + 10 * DAY_MS), { code: 'OBJECT_LOCKED' })
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
  }))

test('what others keep in the container is none of ours', () =>
  withStore(
    async ({ store, server, open }) => {
      const bytes = randomBytes(30)
      const key = keyOf('calls', 'segment', 0, bytes)
      await store.put(key, bytes, LOCK)
      const other = await open({ prefix: 'audit/eu-2/' })
      await other.put(key, bytes, LOCK)
      for (const name of ['x', 'audit', 'audit/eu/', 'audit/eu/x', 'audit/eu/calls/segment/', 'audit/eu/calls/../x', 'audit/eu/.probe/a', `audit/eu/${key}/x`])
        plant(server, name, randomBytes(3))
      assert.deepEqual(await keysIn(store, ''), [key])
      assert.deepEqual(await keysIn(other, ''), [key])
      assert.deepEqual(await keysIn(store, 'calls/segment/'), [key])
    },
    {},
    { prefix: 'audit/eu/' },
  ))

test('reading threads write nothing', () =>
  withStore(async ({ store, server, open }) => {
    const bytes = randomBytes(30)
    const key = keyOf('calls', 'segment', 0, bytes)
    await store.put(key, bytes, LOCK)
    const reader = await open({ readOnly: true })
    const before = server.seen.length
    const code = { code: 'DATA_UNWRITABLE' }
    await assert.rejects(reader.put(key, bytes, LOCK), code)
    await assert.rejects(reader.extend(key, LOCK), code)
    await assert.rejects(reader.hold(key, true), code)
    await assert.rejects(reader.remove(key, 0), code)
    await assert.rejects(reader.probe({ now: () => 0, random: randomBytes, pause: async () => {} }), code)
    assert.equal(server.seen.length, before)
    assert.deepEqual(Buffer.from((await reader.get(key))!), bytes)
  }))

test('what an object is about stands beside it: bounded, in the service’s own names, and nothing a header could break at', () =>
  withStore(async ({ store, server }) => {
    const bytes = randomBytes(30)
    const key = keyOf('calls', 'segment', 0, bytes)
    const schemas = Array.from({ length: 200 }, (_, i) => `https://example.com/schema/interaction/${i}`)
    await store.put(key, bytes, LOCK, { format: 'sealtrail/segment/1', schemas, tags: ['pci dss\r\nx-ms-legal-hold: true', 'Größe', '\ud800', '%'] })
    const { metadata } = server.blobs.find(key, null)
    assert.equal(metadata.get('format'), 'sealtrail/segment/1')
    assert.match(metadata.get('schemas')!, /^https:\/\/example.com\/schema\/interaction\/0 .* \.\.\.$/)
    assert.equal(metadata.get('tags'), 'pci%20dss%0D%0Ax-ms-legal-hold:%20true Gr%C3%B6%C3%9Fe %EF%BF%BD %25')
    assert.ok([...metadata.values()].every((value) => value.length <= 600))
    assert.equal((await store.held(key))?.legalHold, false)
    assert.equal(hash('sha256', server.blobs.find(key, null).bytes, 'hex'), hash('sha256', bytes, 'hex'))
  }))
