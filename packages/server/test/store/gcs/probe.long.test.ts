import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { GcsStore } from '../../../src/store/gcs/store.ts'
import { PATIENCE } from '../../../src/store/remote.ts'
import type { Probe } from '../../../src/store/store.ts'
import { keyOf, LOCK } from '../store.suite.ts'
import { openGcs, within } from './open.ts'
import type { Lie } from './rules.ts'
import type { GcsServer } from './server.ts'

const probe = (server: GcsServer, store: GcsStore): Promise<Probe> =>
  store.probe({ now: server.now, random: randomBytes, pause: async (ms) => server.pass(ms) })
const failing = ({ checks }: Probe): string[] => checks.filter(({ result, decisive }) => decisive && result !== 'held').map(({ name }) => name)

/** A lie, and the decisive checks that it must not pass. */
const LIES: Readonly<Record<Lie, readonly string[]>> = {
  'forgets-retention': ['lock'],
  'shows-unlocked': ['lock'],
  'shows-earlier': ['lock'],
  'turns-a-bit': ['lock'],
  'keeps-half': ['lock'],
  'keeps-nothing': ['lock'],
  // As fake-gcs-server does: it keeps and shows the retention, and deletes all the same.
  'deletes-locked': ['delete-version', 'unlocked-delete'],
  'refuses-and-deletes': ['delete-version', 'unlocked-delete'],
  'pretends-to-delete': ['delete-version', 'unlocked-delete'],
  'deletes-held': ['delete-held'],
  'forgets-holds': ['hold', 'delete-held'],
  shortens: ['shorten'],
  relaxes: ['relax'],
  clears: ['clear'],
  'shortens-unlocked': ['unlocked-shorten'],
  'drops-old-generations': ['overwrite'],
  'drops-deleted': ['delete-live'],
  'ignores-patches': ['extend', 'hold', 'delete-held'],
  'ignores-preconditions': [],
}

test('a store that enforces is seen to, and nothing of the probe is left', () =>
  within(async (server, store) => {
    const bytes = randomBytes(30)
    await store.put(keyOf('calls', 'segment', 1, bytes), bytes, LOCK)
    const seen = await probe(server, store)
    assert.equal(seen.assurance, 'store-enforced')
    assert.equal(seen.observedMs, server.now())
    // As docs/stores.md says: about seventy requests.
    const asked = server.seen.length
    assert.ok(asked > 60 && asked < 80, String(asked))
    assert.deepEqual(failing(seen), [])
    // What Google documents as allowed is told, and decides nothing.
    assert.equal(seen.checks.find(({ name }) => name === 'create-only-deleted')?.result, 'broken')
    assert.equal(seen.checks.find(({ name }) => name === 'create-only')?.result, 'held')
    // What was locked for longer goes with the next one.
    server.pass(100_000)
    await probe(server, store)
    assert.equal(new Set(server.rules.kept.map(({ name }) => name.split('/')[1]!.slice(0, 16))).size, 2)
    const again = randomBytes(30)
    assert.equal((await store.put(keyOf('calls', 'segment', 2, again), again, LOCK)).assurance, 'store-enforced')
  }))

test('every lie is seen for what it is', async () => {
  for (const [lie, wanted] of Object.entries(LIES) as [Lie, readonly string[]][]) {
    await within(async (server, store) => {
      server.rules.lies.add(lie)
      const seen = await probe(server, store)
      assert.equal(seen.assurance, wanted.length > 0 ? 'none' : 'store-enforced', lie)
      for (const name of wanted) assert.ok(failing(seen).includes(name), `${lie}: ${name} of ${failing(seen).join()}`)
      assert.ok(seen.checks.every((check) => check.seen.length < 300 && !check.seen.includes('example.com')))
    })
  }
})

test('two lies at once, any two, are no better than one', () =>
  within(async (server, store) => {
    // Those that already fail at the first lock need no company.
    const lies = (Object.keys(LIES) as Lie[]).filter((each) => LIES[each][0] !== 'lock')
    for (const [i, one] of lies.entries()) {
      for (const other of lies.slice(i + 1)) {
        server.rules.kept.length = 0
        server.rules.lies.clear()
        server.rules.lies.add(one).add(other)
        assert.equal((await probe(server, store)).assurance, 'none', `${one}, ${other}`)
      }
    }
  }))

test('a right that is missing makes nobody believe in a lock: what could not be tried was not seen', async () => {
  const all = ['create', 'delete', 'get', 'list', 'setRetention', 'update'].map((name) => `storage.objects.${name}`)
  for (const [missing, assurance] of [
    ['storage.objects.delete', 'declared'],
    ['storage.objects.setRetention', 'declared'],
    ['storage.objects.update', 'declared'],
    ['storage.buckets.get', 'store-enforced'],
    ['storage.objects.overrideUnlockedRetention', 'store-enforced'],
  ] as const) {
    // Also where nothing is enforced: a refusal for want of a right must not pass for a lock.
    for (const lies of [[], ['deletes-locked', 'shortens', 'clears', 'deletes-held']] as const) {
      await within(async (server, store) => {
        for (const lie of lies) server.rules.lies.add(lie)
        server.grants = new Set([...all, 'storage.buckets.get', 'storage.objects.overrideUnlockedRetention'].filter((each) => each !== missing))
        const seen = await probe(server, store)
        if (lies.length === 0) assert.equal(seen.assurance, assurance, missing)
        else assert.notEqual(seen.assurance, 'store-enforced', missing)
      })
    }
  }
})

test('a bucket without object retention is none, one without versioning still holds, and both are named', () =>
  within(async (server, store) => {
    server.rules.versioning = false
    server.rules.lifecycle = { rule: [{ action: { type: 'Delete' }, condition: { age: 1 } }] }
    const seen = await probe(server, store)
    assert.equal(seen.assurance, 'store-enforced')
    assert.deepEqual(
      seen.checks.filter(({ decisive, result }) => !decisive && result === 'broken').map(({ name }) => name),
      ['versioning', 'lifecycle-deletes', 'unlocked-bypass'],
    )
    server.rules.objectRetention = false
    const without = await probe(server, store)
    assert.equal(without.assurance, 'none')
    assert.match(without.checks.find(({ name }) => name === 'object-retention')!.seen, /not enabled/)
  }))

test('a probe that dies leaves only what the next one clears', () =>
  within(async (server, store) => {
    const lame = await openGcs(server, { patience: { ...PATIENCE, tries: 1 } })
    for (let at = 0, died = true; died; at++) {
      let count = 0
      server.fault = () => (count++ >= at ? 'reset' : null)
      died = await probe(server, lame).then(
        () => false,
        () => true,
      )
      server.pass(100_000)
    }
    await lame.close()
    server.fault = () => null
    server.pass(100_000)
    // So many at a time; its own last.
    for (let i = 0; i < 4; i++) {
      assert.equal((await probe(server, store)).assurance, 'store-enforced')
      server.pass(100_000)
    }
    const left = server.rules.kept.map(({ name }) => name.slice('.probe/'.length, '.probe/'.length + 16))
    assert.ok(new Set(left).size <= 1, left.join())
  }))

test('a clock of ours that is wrong by less than a minute is no broken lock, and waits no longer', async () => {
  for (const ahead of [-50_000, -10_000, -3_000, 3_000, 10_000, 3_600_000]) {
    await within(async (server, store) => {
      const pauses: number[] = []
      const seen = await store.probe({
        now: () => server.now() + ahead,
        random: randomBytes,
        pause: async (ms) => {
          pauses.push(ms)
          server.pass(ms)
        },
      })
      assert.equal(seen.assurance, 'store-enforced', `${ahead}: ${failing(seen).join()}`)
      assert.deepEqual(pauses, [4_100])
    })
  }
})

test('where a short lock has ended before it arrives, a longer one is tried', () =>
  within(async (server, store) => {
    server.fault = ({ method, name }) => {
      if (method === 'objects.insert' && name.endsWith('-brief')) server.pass(5_000)
      return null
    }
    const seen = await probe(server, store)
    assert.equal(seen.assurance, 'store-enforced', failing(seen).join())
  }))

test('a store that does not answer is no verdict', () =>
  within(async (server, store) => {
    server.fault = () => 503
    await assert.rejects(probe(server, store), { code: 'STORE_UNREADABLE' })
  }))
