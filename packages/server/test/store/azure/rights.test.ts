import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Store } from '../../../src/store/store.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { type Clock, withStore } from './place.ts'
import { ACTION, ACTION_PREFIX } from './server.ts'

const DAY_MS = 86_400_000
const section = /## Azure Blob Storage\n([\s\S]*?)(?:\n## |$)/.exec(readFileSync(new URL('../../../../../docs/stores.md', import.meta.url), 'utf8'))![1]!
const role = JSON.parse(/```json\n([\s\S]*?)```/.exec(section)![1]!) as { Actions: string[]; DataActions: string[] }
const documented = role.DataActions.map((action) => {
  assert.ok(action.startsWith(ACTION_PREFIX))
  return action.slice(ACTION_PREFIX.length)
})

/** Everything a store is asked for, and what went wrong. */
async function everything(store: Store, clock: Clock): Promise<Set<string>> {
  const refused = new Set<string>()
  const attempt = async (what: string, run: () => Promise<unknown>): Promise<void> => {
    await run().catch((error: unknown) => {
      assert.match((error as Error).message, /403 AuthorizationPermissionMismatch/, what)
      refused.add(what)
    })
  }
  const bytes = randomBytes(300)
  const key = keyOf('calls', 'segment', 0, bytes)
  await attempt('put', () => store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + DAY_MS }, { format: 'f', legalHold: true }))
  await attempt('put', () => store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + 2 * DAY_MS }))
  await attempt('get', () => store.get(key))
  await attempt('list', () => keysIn(store, ''))
  await attempt('extend', () => store.extend(key, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + 3 * DAY_MS }).catch(unlessThere))
  await attempt('hold', () => store.hold(key, false).catch(unlessThere))
  await clock.pass(4 * DAY_MS)
  await attempt('remove', () => store.remove(key, clock.now()))
  await attempt('probe', async () => {
    const { assurance, checks } = await store.probe({ now: clock.now, random: randomBytes, pause: async () => {} })
    if (assurance !== 'store-enforced') refused.add(`probe ${assurance}`)
    for (const { result, seen, decisive } of checks) if (decisive && result === 'skipped') assert.match(seen, /403/)
  })
  return refused
}

const unlessThere = (error: Error & { code: string }): void => {
  if (error.code !== 'NOT_FOUND') throw error
}

test('the role of docs/stores.md is enough for everything, and no operation outside it is called', () =>
  withStore(
    async ({ store, server, clock }) => {
      assert.deepEqual([...(await everything(store, clock))], [])
      const operations = new Set(server.seen.map(({ operation }) => operation))
      for (const operation of operations) assert.ok(ACTION[operation] !== undefined, operation)
      assert.deepEqual([...new Set([...operations].map((operation) => ACTION[operation]!))].sort(), documented.toSorted())
      assert.deepEqual(role.Actions, [])
    },
    { rights: new Set(documented), minimumMs: 0 },
  ))

test('each right of the role is needed, and what fails without it is told', async () => {
  const without: Record<string, readonly string[]> = {}
  for (const right of documented) {
    await withStore(
      async ({ store, clock }) => {
        without[right] = [...(await everything(store, clock))].sort()
      },
      { rights: new Set(documented.filter((each) => each !== right)) },
    )
  }
  assert.deepEqual(without, {
    'blobs/read': ['extend', 'get', 'hold', 'list', 'probe', 'put', 'remove'],
    'blobs/write': ['probe declared', 'put'],
    'blobs/immutableStorage/runAsSuperUser/action': ['probe declared', 'put'],
    'blobs/delete': ['probe declared', 'remove'],
    'blobs/deleteBlobVersion/action': ['probe declared', 'remove'],
  })
})

test('a reader needs the right to read, and no other', () =>
  withStore(
    async ({ store, server, clock, open }) => {
      const bytes = randomBytes(30)
      const key = keyOf('calls', 'segment', 0, bytes)
      server.blobs.put(key, bytes, {
        md5: '',
        fresh: true,
        policy: { locked: true, untilMs: LOCK.retainUntilMs },
        hold: false,
        metadata: new Map(),
      })
      const reader = await open({ readOnly: true })
      assert.deepEqual(Buffer.from((await reader.get(key))!), bytes)
      assert.deepEqual((await reader.held(key))?.lock, LOCK)
      assert.deepEqual(await keysIn(reader, ''), [key])
      await assert.rejects(store.remove(key, clock.now()), { code: 'OBJECT_LOCKED' })
    },
    { rights: new Set(['blobs/read']) },
  ))
