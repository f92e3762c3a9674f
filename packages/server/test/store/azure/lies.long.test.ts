import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { AzureOptions, AzureStore } from '../../../src/store/azure/store.ts'
import type { Lock, Probe } from '../../../src/store/store.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { type Clock, withStore } from './place.ts'
import type { ServerOptions } from './server.ts'
import type { Lie } from './rules.ts'

const DAY_MS = 86_400_000
const probeWith = (store: AzureStore, clock: Clock): Promise<Probe> => store.probe({ now: clock.now, random: randomBytes, pause: async () => {} })
const brokenIn = ({ checks }: Probe): string[] => checks.filter(({ result, decisive }) => decisive && result === 'broken').map(({ name }) => name)
const lying = (...lies: Lie[]): ServerOptions => ({ lies: new Set(lies) })

test('a store that takes bytes and not the lock is found out at the put, whatever it answered', async () => {
  for (const lie of ['ignores-lock', 'unlocks', 'earlier'] as const) {
    await withStore(async ({ store, open }) => {
      const bytes = randomBytes(300)
      const key = keyOf('calls', 'segment', 0, bytes)
      await assert.rejects(store.put(key, bytes, LOCK), { code: 'STORE_NOT_LOCKED' }, lie)
      await assert.rejects(store.put(key, bytes, LOCK), { code: 'STORE_NOT_LOCKED' }, lie)
      // Told to go on: stored, read back, and nothing claimed of a lock.
      const goingOn = await open({ requireLock: false })
      for (const each of [bytes, randomBytes(200)]) {
        const stored = await goingOn.put(keyOf('calls', 'segment', 0, each), each, LOCK)
        assert.deepEqual([stored.assurance, stored.size], ['none', each.length], lie)
        assert.deepEqual(Buffer.from((await goingOn.get(stored.key))!), Buffer.from(each))
      }
    }, lying(lie))
  }
})

test('a container without version-level immutability refuses the lock: so does the put, unless it is told to go on', async () => {
  for (const versions of [true, false]) {
    await withStore(
      async ({ store, open, server }) => {
        const bytes = randomBytes(300)
        const key = keyOf('calls', 'segment', 0, bytes)
        await assert.rejects(store.put(key, bytes, LOCK), { code: 'STORE_NOT_LOCKED' })
        assert.equal(server.blobs.blobs.size, 0)
        const goingOn = await open({ requireLock: false })
        assert.equal((await goingOn.put(key, bytes, LOCK)).assurance, 'none')
        assert.equal((await goingOn.put(key, bytes, LOCK)).assurance, 'none')
        assert.deepEqual(Buffer.from((await goingOn.get(key))!), bytes)
        assert.equal((await goingOn.held(key))?.lock, null)
        assert.equal((await goingOn.held(key))?.others, 0)
        await assert.rejects(goingOn.extend(key, LOCK), { code: 'STORE_NOT_LOCKED' })
        // Nothing holds it, and whoever insists on locks does not take that for an ended one.
        await assert.rejects(store.remove(key, LOCK.retainUntilMs * 2), { code: 'OBJECT_LOCKED' })
        await goingOn.remove(key, 0)
        assert.equal(await goingOn.get(key), null)
      },
      { immutability: false, versions },
    )
  }
})

test('a hold asked for at the put is read back like the lock', async () => {
  const bytes = randomBytes(300)
  const key = keyOf('calls', 'segment', 0, bytes)
  const about = { format: 'sealtrail/segment/1', legalHold: true }
  await withStore(async ({ store }) => {
    await store.put(key, bytes, LOCK, about)
    assert.equal((await store.held(key))?.legalHold, true)
    await store.hold(key, false)
    await store.put(key, bytes, LOCK, about)
    assert.equal((await store.held(key))?.legalHold, true)
  })
  await withStore(async ({ store }) => {
    await assert.rejects(store.put(key, bytes, LOCK, about), { code: 'STORE_NOT_LOCKED' })
    await store.put(key, bytes, LOCK)
    await assert.rejects(store.hold(key, true), { code: 'STORE_NOT_LOCKED' })
  }, lying('ignores-hold'))
})

test('a store that gives other bytes back has stored nothing', () =>
  withStore(async ({ store }) => {
    const bytes = randomBytes(300)
    await assert.rejects(store.put(keyOf('calls', 'segment', 0, bytes), bytes, LOCK), { code: 'NOT_DURABLE' })
  }, lying('changes-bytes')))

test('an extension that the store only says it made is found out', () =>
  withStore(async ({ store, server }) => {
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'segment', 0, bytes)
    await store.put(key, bytes, LOCK)
    server.blobs.rules = { ...server.blobs.rules, lies: new Set(['earlier']) }
    await assert.rejects(store.extend(key, { ...LOCK, retainUntilMs: LOCK.retainUntilMs + DAY_MS }), { code: 'STORE_NOT_LOCKED' })
  }))

test('an honest store is seen to enforce its lock, of one day and no less; every check is told', () =>
  withStore(
    async ({ store, clock, server }) => {
      const bytes = randomBytes(300)
      const key = keyOf('calls', 'segment', 0, bytes)
      // Until a probe has seen it, a lock is a word.
      assert.equal((await store.put(key, bytes, LOCK)).assurance, 'declared')
      const probe = await probeWith(store, clock)
      assert.equal(probe.assurance, 'store-enforced', JSON.stringify(probe.checks))
      assert.deepEqual(
        probe.checks.map(({ name, result }) => `${name} ${result}`),
        [
          'lock-shown held',
          'shorten held',
          'relax held',
          'delete-policy held',
          'if-none-match held',
          'metadata held',
          'overwrite held',
          'delete held',
          'delete-version held',
          'hold-shown held',
          'delete-held held',
          'suspend-versioning skipped',
        ],
      )
      assert.match(probe.checks.find(({ name }) => name === 'delete-version')!.seen, /^409 BlobImmutableDueToPolicy; /)
      assert.match(probe.checks.find(({ name }) => name === 'delete-held')!.seen, /^409 BlobImmutableDueToLegalHold; /)
      assert.equal((await store.put(key, bytes, LOCK)).assurance, 'store-enforced')
      const soft = randomBytes(300)
      assert.equal((await store.put(keyOf('calls', 'segment', 1, soft), soft, { ...LOCK, mode: 'GOVERNANCE' })).assurance, 'declared')
      // One locked scratch blob stays, for a day and some hours; the probe after that takes it away.
      const scratch = (): string[] => [...server.blobs.blobs.keys()].filter((name) => name.startsWith('.probe/'))
      assert.equal(scratch().length, 1)
      assert.equal(
        server.blobs.blobs.get(scratch()[0]!)!.reduce((sum, { bytes: { length } }) => sum + length, 0),
        16,
      )
      await clock.pass(DAY_MS)
      await probeWith(store, clock)
      assert.equal(scratch().length, 2)
      await clock.pass(2 * DAY_MS)
      await probeWith(store, clock)
      assert.equal(scratch().length, 1)
      assert.deepEqual(await keysIn(store, ''), [key, keyOf('calls', 'segment', 1, soft)].sort())
    },
    { minimumMs: DAY_MS },
  ))

test('each lie of a store about its lock is found, and named', async () => {
  const cases: readonly (readonly [Lie, readonly string[]])[] = [
    ['ignores-lock', ['lock-shown']],
    ['unlocks', ['lock-shown']],
    ['earlier', ['lock-shown']],
    ['deletes-locked', ['delete-version']],
    ['says-done', ['delete-version', 'delete-held']],
    ['says-refused', ['delete-version', 'delete-held']],
    ['shortens', ['shorten']],
    ['relaxes', ['relax']],
    ['deletes-policy', ['delete-policy']],
    ['overwrites', ['overwrite']],
    ['deletes-held', ['delete-held']],
    ['ignores-hold', ['hold-shown']],
    ['changes-bytes', ['shorten']],
  ]
  for (const [lie, found] of cases) {
    for (const deletesLockedRoot of [true, false]) {
      await withStore(
        async ({ store, clock, open }) => {
          const probe = await probeWith(store, clock)
          assert.equal(probe.assurance, 'none', `${lie}: ${JSON.stringify(probe.checks)}`)
          assert.ok(
            found.every((name) => brokenIn(probe).includes(name)),
            `${lie}: ${brokenIn(probe).join()}`,
          )
          assert.ok(probe.checks.every(({ seen }) => seen.length > 0 && seen.length < 300))
          if (lie === 'changes-bytes' || lie === 'ignores-hold') return
          // What a probe has seen, later puts do not gloss over.
          const bytes = randomBytes(30)
          const options: Partial<AzureOptions> = { requireLock: false }
          const goingOn = await open(options)
          await probeWith(goingOn, clock)
          assert.equal((await goingOn.put(keyOf('calls', 'segment', 0, bytes), bytes, LOCK)).assurance, 'none', lie)
        },
        { ...lying(lie), deletesLockedRoot },
      )
    }
  }
})

test('a place without versions or immutability enforces nothing', async () => {
  for (const options of [{ immutability: false }, { versions: false, immutability: false }, { versions: false, ...lying('ignores-lock') }]) {
    await withStore(async ({ store, clock, server }) => {
      const probe = await probeWith(store, clock)
      assert.equal(probe.assurance, 'none')
      assert.ok(brokenIn(probe).includes('lock-shown'))
      // What is not locked is taken away again.
      assert.equal(server.blobs.blobs.size, 0)
    }, options)
  }
})

test('a policy without a mode would be unlocked: the mode is always said', () =>
  withStore(async ({ store, server }) => {
    for (const [mode, header] of [
      ['COMPLIANCE', 'Locked'],
      ['GOVERNANCE', 'Unlocked'],
    ] as const) {
      const bytes = randomBytes(30)
      const lock: Lock = { mode, retainUntilMs: LOCK.retainUntilMs + 1 }
      const key = keyOf('calls', 'segment', 0, bytes)
      await store.put(key, bytes, lock)
      const { headers } = server.seen.findLast(({ operation }) => operation === 'PutBlob')!
      assert.equal(headers['x-ms-immutability-policy-mode'], header)
      // A second is the finest that fits: up, never down.
      assert.equal((await store.held(key))?.lock?.retainUntilMs, LOCK.retainUntilMs + 1_000)
    }
  }))
