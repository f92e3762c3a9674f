import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { GcsStore } from '../../../src/store/gcs/store.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { openGcs, within } from './open.ts'
import type { GcsServer } from './server.ts'

/** The two tables of docs/stores.md. */
const DOCUMENT = readFileSync(new URL('../../../../../docs/stores.md', import.meta.url), 'utf8')
  .split('## Google Cloud Storage')[1]!
  .split('\n## ')[0]!
const [NEEDED, WANTED] = DOCUMENT.split('And only where it is wanted').map((part) =>
  [...part.matchAll(/^\| `(storage\.[A-Za-z.]+)` \|/gm)].map(([, name]) => name!),
) as [string[], string[]]

/** Everything a server does with a store, on objects that somebody wrote over. */
async function life(server: GcsServer, store: GcsStore): Promise<void> {
  const bytes = randomBytes(100)
  const key = keyOf('calls', 'segment', 0, bytes)
  const soon = { mode: 'COMPLIANCE' as const, retainUntilMs: server.now() + 60_000 }
  // Wrong bytes stand there already.
  server.rules.insert({ name: key }, randomBytes(3), null)
  await store.put(key, bytes, soon, { format: 'x', legalHold: true })
  assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
  assert.deepEqual(await keysIn(store, ''), [key])
  await store.extend(key, { ...soon, retainUntilMs: soon.retainUntilMs + 60_000 })
  await store.hold(key, false)
  server.pass(200_000)
  await store.remove(key, server.now())
  const probe = await store.probe({ now: server.now, random: randomBytes, pause: async (ms) => server.pass(ms) })
  assert.equal(probe.assurance, 'store-enforced')
}

test('the role of the document is enough, and nothing outside the document is ever asked for', () =>
  within(async (server, store) => {
    server.grants = new Set(NEEDED)
    await life(server, store)
    assert.deepEqual(
      new Set(
        server.seen.filter(({ method }) => method !== 'buckets.get').flatMap(({ query, needs }) => (query.has('overrideUnlockedRetention') ? [] : needs)),
      ),
      new Set(NEEDED),
    )
    server.grants = new Set([...NEEDED, ...WANTED])
    const [bytes, soft] = [randomBytes(9), { mode: 'GOVERNANCE' as const, retainUntilMs: LOCK.retainUntilMs }]
    const key = keyOf('calls', 'segment', 1, bytes)
    await store.put(key, bytes, soft)
    await store.extend(key, LOCK)
    await store.lifecycle({ afterMs: 1, storageClass: 'NEARLINE' }, true)
    server.rules.kept.length = 0
    await life(server, store)
    assert.deepEqual(new Set(server.seen.flatMap(({ needs }) => needs)), new Set([...NEEDED, ...WANTED]))
    assert.deepEqual([...new Set(server.seen.map(({ method }) => method))].sort(), [
      'buckets.get',
      'buckets.patch',
      'objects.delete',
      'objects.get',
      'objects.insert',
      'objects.list',
      'objects.patch',
    ])
  }))

test('none of them can be left out', async () => {
  for (const missing of NEEDED) {
    await within(async (server, store) => {
      server.grants = new Set(NEEDED.filter((each) => each !== missing))
      await assert.rejects(life(server, store), missing)
    })
  }
})

test('the command of the document gives the role of the document', () => {
  const [, permissions] = /--permissions=(\S+)/.exec(DOCUMENT)!
  assert.deepEqual(permissions!.split(','), NEEDED)
})

test('reading takes two of them, and what is refused is told by the right that is missing', () =>
  within(async (server, store) => {
    const bytes = randomBytes(9)
    const key = keyOf('calls', 'segment', 1, bytes)
    await store.put(key, bytes, LOCK)
    server.grants = new Set(['storage.objects.get', 'storage.objects.list'])
    const reader = await openGcs(server, { readOnly: true })
    assert.deepEqual(Buffer.from((await reader.get(key))!), bytes)
    assert.equal((await reader.held(key))?.lock?.mode, 'COMPLIANCE')
    assert.deepEqual(await keysIn(reader, ''), [key])
    await assert.rejects(store.hold(key, true), { code: 'NOT_DURABLE', message: /needs storage\.objects\.update/ })
    await assert.rejects(store.remove(key, LOCK.retainUntilMs + 1), { code: 'NOT_DURABLE', message: /needs storage\.objects\.delete/ })
    await assert.rejects(store.extend(key, { ...LOCK, retainUntilMs: LOCK.retainUntilMs + 9_000 }), {
      code: 'NOT_DURABLE',
      message: /storage\.objects\.setRetention/,
    })
    server.grants = new Set()
    await assert.rejects(reader.get(key), { code: 'STORE_UNREADABLE', message: /needs storage\.objects\.get/ })
    await reader.close()
  }))
