import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { GcsStore } from '../../../src/store/gcs/store.ts'
import type { Lock } from '../../../src/store/store.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { openGcs, within } from './open.ts'

import type { GcsServer } from './server.ts'

const DAY = 86_400_000
const LOCKED = { mode: 'Locked', retainUntilTime: new Date(LOCK.retainUntilMs).toISOString() }
const object = (): { key: string; bytes: Buffer } => {
  const bytes = randomBytes(300)
  return { key: keyOf('calls', 'segment', 3, bytes), bytes }
}
const got = async (store: GcsStore, key: string): Promise<Buffer | null> => store.get(key).then((bytes) => bytes && Buffer.from(bytes))

test('what is put carries its lock, its checksum and what it is about in the one request that writes it', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    const schemas = Array.from({ length: 400 }, (_, i) => `https://example.com/schema/${i}`)
    const stored = await store.put(key, bytes, LOCK, { format: 'sealtrail/segment/1', schemas, tags: ['mifid', 'psd2'], legalHold: true })
    assert.deepEqual(
      server.seen.map(({ method }) => method),
      ['objects.insert', 'objects.list', 'objects.get'],
    )
    const [kept] = server.rules.kept
    assert.deepEqual(kept!.retention, LOCKED)
    assert.equal(kept!.temporaryHold, true)
    assert.equal(kept!.metadata['format'], 'sealtrail/segment/1')
    assert.equal(kept!.metadata['tags'], 'mifid psd2')
    assert.ok(Buffer.byteLength(JSON.stringify(kept!.metadata)) < 8_192)
    assert.equal(stored.version, String(kept!.generation))
    // Never more than declared before a probe has seen it.
    assert.equal(stored.assurance, 'declared')
  }))

test('bytes that contain what parts an upload are stored as they are', () =>
  within(async (_, store) => {
    const inner = randomBytes(50)
    for (const text of ['\r\n--sealtrail--\r\n', '--', '\r\n\r\n', `--${hash('sha256', inner, 'hex')}--`]) {
      const bytes = Buffer.concat([inner, Buffer.from(text), inner])
      const key = `calls/object/${hash('sha256', bytes, 'hex')}`
      await store.put(key, bytes, LOCK)
      assert.deepEqual(await got(store, key), bytes)
    }
  }))

test('written over, deleted, written again: the object is the oldest generation with the right bytes, and others are told', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    const { version } = await store.put(key, bytes, LOCK)
    const beside = async (others: number): Promise<void> => {
      assert.deepEqual(await got(store, key), bytes)
      const held = await store.held(key)
      assert.deepEqual([held?.version, held?.others, held?.lock?.mode, held?.size], [version, others, 'COMPLIANCE', 300])
      assert.deepEqual(await keysIn(store, ''), [key])
    }
    await beside(0)
    server.rules.insert({ name: key }, randomBytes(300), null)
    await beside(1)
    server.rules.insert({ name: key }, randomBytes(10), null)
    await beside(2)
    server.rules.remove(key, null)
    // Two written over it, and nothing is live any more.
    await beside(3)
    // The lock and the hold go to the object, not to what lies upon it.
    await store.hold(key, true)
    assert.deepEqual(
      server.rules.kept.map(({ temporaryHold }) => temporaryHold),
      [true, false, false],
    )
    await store.hold(key, false)
    const longer: Lock = { ...LOCK, retainUntilMs: LOCK.retainUntilMs + DAY }
    const again = await store.put(key, bytes, longer)
    assert.equal(again.version, version)
    assert.equal(server.rules.kept[0]!.retention!.retainUntilTime, new Date(longer.retainUntilMs).toISOString())
    server.pass(longer.retainUntilMs - server.now() + 1)
    await store.remove(key, server.now())
    assert.deepEqual(server.rules.kept, [])
    assert.equal(await got(store, key), null)
  }))

test('wrong bytes that came first do not take the place: the right ones are put beside them', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    for (let i = 0; i < 3; i++) server.rules.insert({ name: key }, randomBytes(300), null)
    const { version } = await store.put(key, bytes, LOCK)
    assert.equal(version, String(server.rules.kept[3]!.generation))
    assert.deepEqual(await got(store, key), bytes)
    assert.deepEqual([(await store.held(key))?.version, (await store.held(key))?.others], [version, 3])
    assert.equal((await store.put(key, bytes, LOCK)).version, version)
    assert.equal(server.rules.kept.length, 4)
  }))

test('a key that names no digest belongs to who came first', () =>
  within(async (server, store) => {
    const key = 'calls/note/one'
    const [mine, other] = [randomBytes(40), randomBytes(40)]
    const { version } = await store.put(key, mine, LOCK)
    await assert.rejects(store.put(key, other, LOCK), { code: 'ALREADY_WRITTEN' })
    await assert.rejects(store.put(key, randomBytes(41), LOCK), { code: 'ALREADY_WRITTEN' })
    assert.equal((await store.put(key, mine, LOCK)).version, version)
    assert.equal(server.rules.kept.length, 1)
    server.rules.insert({ name: key }, other, null)
    assert.deepEqual(await got(store, key), mine)
    server.rules.remove(key, null)
    assert.deepEqual(await got(store, key), mine)
    await assert.rejects(store.put(key, other, LOCK), { code: 'ALREADY_WRITTEN' })
    assert.equal(server.rules.kept.length, 2)
    // A name that begins like another is another.
    for (let i = 0; i < 3; i++) server.rules.insert({ name: `${key}-more` }, other, null)
    assert.equal((await store.held(key))?.others, 2)
    assert.deepEqual(await got(store, `${key}-more`), other)
  }))

test('a store that keeps the bytes and not the lock is refused, or said to be none where the operator goes on', async () => {
  for (const lie of ['forgets-retention', 'shows-unlocked', 'shows-earlier', 'forgets-holds'] as const) {
    await within(async (server, store) => {
      server.rules.lies.add(lie)
      const { key, bytes } = object()
      await assert.rejects(store.put(key, bytes, LOCK, { format: 'x', legalHold: lie === 'forgets-holds' }), { code: 'STORE_NOT_LOCKED' }, lie)
      const lax = await openGcs(server, { requireLock: false })
      const fresh = object()
      assert.equal((await lax.put(fresh.key, fresh.bytes, LOCK, { format: 'x', legalHold: lie === 'forgets-holds' })).assurance, 'none', lie)
      assert.deepEqual(await got(lax, fresh.key), fresh.bytes)
      await lax.close()
    })
  }
})

test('a bucket without object retention: refused by name, or stored without a lock where the operator goes on', () =>
  within(async (server, store) => {
    server.rules.objectRetention = false
    const { key, bytes } = object()
    await assert.rejects(store.put(key, bytes, LOCK), { code: 'STORE_NOT_LOCKED', message: /object retention enabled/ })
    assert.equal(await got(store, key), null)
    const lax = await openGcs(server, { requireLock: false })
    assert.equal((await lax.put(key, bytes, LOCK)).assurance, 'none')
    assert.equal((await lax.put(key, bytes, LOCK)).assurance, 'none')
    assert.equal(server.rules.kept.length, 1)
    assert.deepEqual(await lax.held(key).then((held) => held?.lock), null)
    await lax.close()
  }))

test('bytes that are not read back as they were written are not stored, whether or not a lock is required', async () => {
  for (const lie of ['turns-a-bit', 'keeps-half', 'keeps-nothing'] as const) {
    for (const requireLock of [true, false]) {
      await within(
        async (server, store) => {
          server.rules.lies.add(lie)
          const { key, bytes } = object()
          await assert.rejects(store.put(key, bytes, LOCK), { code: 'NOT_DURABLE' }, lie)
        },
        { requireLock },
      )
    }
  }
})

test('changes that the store takes and does not make are told', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    await store.put(key, bytes, LOCK)
    server.rules.lies.add('ignores-patches')
    await assert.rejects(store.extend(key, { ...LOCK, retainUntilMs: LOCK.retainUntilMs + DAY }), { code: 'STORE_NOT_LOCKED' })
    await assert.rejects(store.hold(key, true), { code: 'STORE_NOT_LOCKED' })
    server.rules.lies.clear()
    // An event-based hold is somebody else's: it is shown, and not taken away.
    await store.hold(key, true)
    server.rules.kept[0]!.eventBasedHold = true
    await assert.rejects(store.hold(key, false), { code: 'STORE_NOT_LOCKED' })
  }))

test('two that extend at once never shorten: a change goes for the state it was made for', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    const soft: Lock = { mode: 'GOVERNANCE', retainUntilMs: LOCK.retainUntilMs }
    await store.put(key, bytes, soft)
    const far = LOCK.retainUntilMs + 10 * DAY
    let between = 0
    server.fault = (seen) => {
      // Between our reading and our change somebody locks it for longer, ever longer, twice.
      if (seen.method !== 'objects.patch' || between++ > 1) return null
      server.rules.patch(
        key,
        null,
        { retention: { mode: 'Unlocked', retainUntilTime: new Date(far + between * DAY).toISOString() } },
        { ifMetagenerationMatch: null, override: false },
      )
      return null
    }
    const held = await store.extend(key, { mode: 'COMPLIANCE', retainUntilMs: LOCK.retainUntilMs + DAY })
    assert.deepEqual(held.lock, { mode: 'COMPLIANCE', retainUntilMs: far + 2 * DAY })
    assert.ok(server.seen.filter(({ method }) => method === 'objects.patch').length === 3)
  }))

test('the override that could shorten is asked for to harden, and for nothing else', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    const at = (days: number, mode: Lock['mode']): Lock => ({ mode, retainUntilMs: LOCK.retainUntilMs + days * DAY })
    await store.put(key, bytes, at(0, 'GOVERNANCE'))
    await store.extend(key, at(1, 'GOVERNANCE'))
    await store.extend(key, at(-5, 'GOVERNANCE'))
    await store.hold(key, true)
    await store.hold(key, false)
    assert.deepEqual(
      server.seen.filter(({ query }) => query.has('overrideUnlockedRetention')),
      [],
    )
    const held = await store.extend(key, at(-5, 'COMPLIANCE'))
    assert.deepEqual(held.lock, at(1, 'COMPLIANCE'))
    assert.equal(server.seen.filter(({ query }) => query.has('overrideUnlockedRetention')).length, 1)
  }))

test('a clock of ours that is ahead removes nothing that the store still holds', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    await store.put(key, bytes, LOCK)
    await assert.rejects(store.remove(key, LOCK.retainUntilMs + 1), { code: 'OBJECT_LOCKED', message: /retentionPolicyNotMet/ })
    assert.deepEqual(await got(store, key), bytes)
    server.pass(LOCK.retainUntilMs - server.now() + 1)
    await store.remove(key, LOCK.retainUntilMs + 1)
  }))

test('a removal that stops in the middle leaves the object, never what was written over it', () =>
  within(async (server, store) => {
    for (let last = 0; last < 4; last++) {
      server.rules.kept.length = 0
      const { key, bytes } = object()
      // Wrong bytes before it and after it.
      for (let i = 0; i < 2; i++) server.rules.insert({ name: key }, randomBytes(300), null)
      await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: server.now() + 1_000 })
      server.rules.insert({ name: key }, randomBytes(300), null)
      server.pass(2_000)
      let deleted = 0
      server.fault = (seen) => (seen.method === 'objects.delete' && deleted++ >= last ? 503 : null)
      await assert.rejects(store.remove(key, server.now()), { code: 'NOT_DURABLE' })
      server.fault = () => null
      assert.equal(server.rules.kept.length, 4 - last)
      assert.deepEqual(await got(store, key), bytes)
      await store.remove(key, server.now())
      assert.equal(await got(store, key), null)
    }
  }))

test('a store that says it removed something and shows it still is not believed', () =>
  within(async (server, store) => {
    const { key, bytes } = object()
    await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: server.now() + 1_000 })
    server.pass(2_000)
    const [kept] = server.rules.kept
    server.fault = (seen) => {
      if (seen.method === 'objects.delete') setImmediate(() => server.rules.kept.push(kept!))
      return null
    }
    await assert.rejects(store.remove(key, server.now()), { code: 'NOT_DURABLE' })
  }))

test('opened for reading, nothing is written, locked, removed or probed', () =>
  within(
    async (server, store) => {
      const { key, bytes } = object()
      const env = { now: server.now, random: randomBytes, pause: async () => undefined }
      for (const refused of [
        store.put(key, bytes, LOCK),
        store.extend(key, LOCK),
        store.hold(key, true),
        store.remove(key, 0),
        store.probe(env),
        store.lifecycle({ afterMs: DAY, storageClass: 'NEARLINE' }, true),
      ])
        await assert.rejects(refused, { code: 'DATA_UNWRITABLE' })
      assert.equal(await got(store, key), null)
      assert.ok(server.seen.every(({ method }) => method === 'objects.get' || method === 'objects.list'))
    },
    { readOnly: true },
  ))

test('what else lies under the prefix is not listed, in pages of any size and with any number of generations', () =>
  within(
    async (server: GcsServer, store) => {
      const keys: string[] = []
      for (let i = 0; i < 7; i++) {
        const bytes = randomBytes(20)
        keys.push(keyOf('calls', 'segment', i, bytes))
        await store.put(keys[i]!, bytes, LOCK)
        for (let more = 0; more < i; more++) server.rules.insert({ name: `a/${keys[i]}` }, randomBytes(5), null)
      }
      for (const name of ['a/.probe/x', 'a/readme.txt', 'a/calls/\u{1F600}', 'a/calls/segment/x', 'ab/x', 'a', 'calls/segment/y'])
        server.rules.insert({ name }, Buffer.from('x'), null)
      for (const page of [1, 2, 3, 5, 100]) {
        server.page = page
        assert.deepEqual(await keysIn(store, ''), keys.toSorted())
        const sizes: number[] = []
        for await (const { size } of store.list('calls/segment/')) sizes.push(size)
        assert.deepEqual(sizes, Array(7).fill(20))
        assert.deepEqual(await keysIn(store, '', keys[2]), keys.slice(3))
      }
    },
    { prefix: 'a/' },
  ))
