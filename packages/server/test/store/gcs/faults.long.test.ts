import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { GcsStore } from '../../../src/store/gcs/store.ts'
import { PATIENCE } from '../../../src/store/remote.ts'
import type { Lock } from '../../../src/store/store.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { openGcs, within } from './open.ts'
import type { Fault, GcsServer } from './server.ts'

const FAULTS: readonly Fault[] = [500, 503, 429, 'silent', 'lost', 'reset', 'cut', 'garbage']
const LONGER: Lock = { ...LOCK, retainUntilMs: LOCK.retainUntilMs + 86_400_000 }

/** What is asked of a store, on an object that stands, and what must be true afterwards. */
interface Work {
  readonly name: string
  prepare?(store: GcsStore, key: string, bytes: Buffer, server: GcsServer): Promise<unknown>
  run(store: GcsStore, key: string, bytes: Buffer, server: GcsServer): Promise<unknown>
  after(server: GcsServer, result: unknown, bytes: Buffer): void
}

const put = (store: GcsStore, key: string, bytes: Buffer): Promise<unknown> => store.put(key, bytes, LOCK)
const one = (server: GcsServer): GcsServer['rules']['kept'][number] => {
  assert.equal(server.rules.kept.length, 1)
  return server.rules.kept[0]!
}
const WORKS: readonly Work[] = [
  {
    name: 'put',
    run: put,
    after: (server, _, bytes) => {
      assert.deepEqual(one(server).bytes, bytes)
      assert.deepEqual(one(server).retention, { mode: 'Locked', retainUntilTime: new Date(LOCK.retainUntilMs).toISOString() })
    },
  },
  {
    name: 'put under a hold',
    run: (store, key, bytes) => store.put(key, bytes, LOCK, { format: 'x', legalHold: true }),
    after: (server) => assert.equal(one(server).temporaryHold, true),
  },
  {
    name: 'put again, longer',
    prepare: put,
    run: (store, key, bytes) => store.put(key, bytes, LONGER),
    after: (server) => assert.equal(untilOf(server), LONGER.retainUntilMs),
  },
  { name: 'get', prepare: put, run: (store, key) => store.get(key), after: (_, got, bytes) => assert.deepEqual(Buffer.from(got as Uint8Array), bytes) },
  { name: 'get of nothing', run: (store, key) => store.get(key), after: (_, got) => assert.equal(got, null) },
  { name: 'list', prepare: put, run: (store) => keysIn(store, ''), after: (_, keys) => assert.equal((keys as string[]).length, 1) },
  { name: 'held', prepare: put, run: (store, key) => store.held(key), after: (_, held) => assert.equal((held as { others: number }).others, 0) },
  { name: 'extend', prepare: put, run: (store, key) => store.extend(key, LONGER), after: (server) => assert.equal(untilOf(server), LONGER.retainUntilMs) },
  { name: 'hold', prepare: put, run: (store, key) => store.hold(key, true), after: (server) => assert.equal(one(server).temporaryHold, true) },
  {
    name: 'remove',
    prepare: (store, key, bytes, server) => store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: server.now() + 1_000 }).then(() => server.pass(2_000)),
    run: (store, key, _, server) => store.remove(key, server.now()),
    after: (server) => assert.equal(server.rules.kept.length, 0),
  },
]
const untilOf = (server: GcsServer): number => Date.parse(one(server).retention!.retainUntilTime)

test('each request of each call fails once, in every way: the call succeeds, nothing stands twice, nothing is shortened', async () => {
  await within(async (server) => {
    for (const fault of FAULTS) {
      const store = await openGcs(server)
      for (const work of WORKS) {
        for (let at = 0, more = true; more; at++) {
          server.rules.kept.length = 0
          server.fault = () => null
          const bytes = randomBytes(300)
          const key = keyOf('calls', 'segment', 3, bytes)
          await work.prepare?.(store, key, bytes, server)
          let count = 0
          server.fault = () => (count++ === at ? fault : null)
          const result = await work.run(store, key, bytes, server).catch((cause: unknown) => {
            throw new Error(`${work.name}: ${fault} at request ${at}`, { cause })
          })
          work.after(server, result, bytes)
          more = count > at
        }
      }
      await store.close()
    }
  })
})

test('a store that is gone in the middle: an error that says so, within bounds, and nothing wrong once it is back', async () => {
  for (const work of WORKS) {
    for (const fault of [503, 'reset', 'lost'] as const) {
      for (let from = 0, reached = true; reached; from++) {
        const pauses: number[] = []
        const run = async (server: GcsServer, store: GcsStore): Promise<void> => {
          const bytes = randomBytes(300)
          const key = keyOf('calls', 'segment', 3, bytes)
          await work.prepare?.(store, key, bytes, server)
          let count = 0
          server.fault = () => (count++ >= from ? fault : null)
          const outcome = await work.run(store, key, bytes, server).then(
            (result) => ({ result }),
            (error: unknown) => ({ error }),
          )
          reached = count > from
          if ('error' in outcome) {
            const { code } = outcome.error as { code: string }
            assert.ok(['NOT_DURABLE', 'STORE_UNREADABLE'].includes(code), `${work.name}: ${String(outcome.error)}`)
            assert.ok(count - from <= 12, `${work.name}: ${count - from} requests to a store that is gone`)
            assert.ok(pauses.every((ms) => ms <= 2_000))
          } else work.after(server, outcome.result, bytes)
          server.fault = () => null
          work.after(server, await work.run(store, key, bytes, server), bytes)
        }
        await within(run, { patience: { ...PATIENCE, pause: async (ms) => void pauses.push(ms), random: () => 1 } })
      }
    }
  }
})

test('a write that Google makes after we gave it up does not become a second object', () =>
  within(async (server, store) => {
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'segment', 3, bytes)
    // The first upload is refused for now; before the second comes, the first is there all the same.
    let uploads = 0
    server.fault = (seen) => {
      if (seen.method !== 'objects.insert') return null
      if (uploads++ === 0) return 503
      if (server.rules.kept.length === 0)
        server.rules.insert({ name: key, retention: { mode: 'Locked', retainUntilTime: new Date(LOCK.retainUntilMs).toISOString() } }, bytes, null)
      return null
    }
    const { version } = await store.put(key, bytes, LOCK)
    assert.equal(version, String(one(server).generation))
  }))

test('the last try whose answer is lost is looked for, too', () =>
  within(async (server, store) => {
    const bytes = randomBytes(300)
    let uploads = 0
    server.fault = ({ method }) => (method !== 'objects.insert' ? null : ++uploads < PATIENCE.tries ? 503 : 'lost')
    const { version } = await store.put(keyOf('calls', 'segment', 3, bytes), bytes, LOCK)
    assert.deepEqual([version, uploads], [String(one(server).generation), PATIENCE.tries])
  }))

test('no more requests at once than allowed, whatever is asked', () =>
  within(
    async (server, store) => {
      const objects = Array.from({ length: 40 }, () => randomBytes(100))
      let most = 0
      server.fault = async () => {
        most = Math.max(most, server.underWay)
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
        return null
      }
      await Promise.all(objects.map((bytes, i) => store.put(keyOf('calls', 'segment', i, bytes), bytes, LOCK)))
      assert.equal(most, 3)
    },
    { patience: { ...PATIENCE, atOnce: 3, pause: async () => undefined } },
  ))
