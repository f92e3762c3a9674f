import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { SealtrailError } from '../../../src/errors.ts'
import type { AzureOptions } from '../../../src/store/azure/store.ts'
import { PATIENCE } from '../../../src/store/remote.ts'
import type { Store } from '../../../src/store/store.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { withStore } from './place.ts'
import type { AzureServer, Fault } from './server.ts'

const DAY_MS = 86_400_000
const FAULTS: readonly Fault[] = [
  { status: 500, code: 'InternalError' },
  { status: 503, code: 'ServerBusy' },
  { status: 429, code: 'TooManyRequests' },
  'hang',
  'drop',
  'lose',
  'cut',
  'stall',
]
const tries = { ...PATIENCE, tries: 4, pause: async () => {}, random: () => 0 }
const PATIENT: Partial<AzureOptions> = { patience: tries }

/** What is done to a store, beginning with nothing in it. */
const DEEDS: Readonly<Record<string, (store: Store, key: string, bytes: Uint8Array) => Promise<unknown>>> = {
  put: (store, key, bytes) => store.put(key, bytes, LOCK),
  'put of what lies there': async (store, key, bytes) => {
    await store.put(key, bytes, { ...LOCK, retainUntilMs: LOCK.retainUntilMs - DAY_MS })
    return store.put(key, bytes, LOCK)
  },
  extend: async (store, key, bytes) => {
    await store.put(key, bytes, { ...LOCK, retainUntilMs: LOCK.retainUntilMs - DAY_MS })
    return store.extend(key, LOCK)
  },
  hold: async (store, key, bytes) => {
    await store.put(key, bytes, LOCK)
    await store.hold(key, true)
    return store.hold(key, false)
  },
}

/** Counts down: the nth request meets the fault. */
function failing(server: AzureServer, nth: number, fault: Fault): void {
  let asked = 0
  server.fault = () => (++asked === nth ? fault : null)
}

/** Eight at a time. */
async function forEach<T>(cases: readonly T[], run: (each: T) => Promise<void>): Promise<void> {
  const left = cases.values()
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const each of left) await run(each)
    }),
  )
}

/** Each request that a deed makes where nothing goes wrong, with each way in which it can. */
async function casesOf(run: (store: Store, key: string, bytes: Uint8Array) => Promise<unknown>): Promise<{ fault: Fault; nth: number }[]> {
  let requests = 0
  await withStore(async ({ store, server }) => {
    const bytes = randomBytes(500)
    await run(store, keyOf('calls', 'segment', 1, bytes), bytes)
    requests = server.seen.length
  })
  return FAULTS.flatMap((fault) => Array.from({ length: requests }, (_, i) => ({ fault, nth: i + 1 })))
}

test('any one request of any deed goes wrong in any way: the deed is done, once', async () => {
  const cases = await Promise.all(Object.entries(DEEDS).map(async ([deed, run]) => (await casesOf(run)).map((each) => ({ deed, run, ...each }))))
  await forEach(cases.flat(), ({ deed, run, fault, nth }) =>
    withStore(
      async ({ store, server, open }) => {
        const bytes = randomBytes(500)
        const key = keyOf('calls', 'segment', 1, bytes)
        failing(server, nth, fault)
        await assert.doesNotReject(run(store, key, bytes), `${deed}, ${JSON.stringify(fault)} at request ${nth}`)
        server.fault = () => null
        const again = await open()
        assert.deepEqual(Buffer.from((await again.get(key))!), bytes)
        const held = await again.held(key)
        assert.deepEqual([held?.lock, held?.legalHold, held?.others], [LOCK, false, 0], `${deed}, ${JSON.stringify(fault)} at request ${nth}`)
      },
      {},
      PATIENT,
    ),
  )
})

test('a removal with a request gone wrong is finished, or says so and is finished by the next', async () => {
  const cases = FAULTS.flatMap((fault) => [1, 2, 3, 4].map((nth) => ({ fault, nth })))
  await forEach(cases, ({ fault, nth }) =>
    withStore(
      async ({ store, server, clock }) => {
        const bytes = randomBytes(50)
        const key = keyOf('calls', 'hashes', 1, bytes)
        await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: clock.now() + DAY_MS })
        await clock.pass(2 * DAY_MS)
        failing(server, nth, fault)
        await store.remove(key, clock.now()).catch(() => store.remove(key, clock.now()))
        server.fault = () => null
        assert.equal(await store.get(key), null)
        assert.equal(server.blobs.blobs.size, 0)
      },
      {},
      PATIENT,
    ),
  )
})

test('reading with a request gone wrong gives what is there', async () => {
  const reads: readonly ((store: Store, key: string, bytes: Buffer) => Promise<void>)[] = [
    async (store, key, bytes) => assert.deepEqual(Buffer.from((await store.get(key))!), bytes),
    async (store, key) => assert.deepEqual(await keysIn(store, 'calls/'), [key]),
    async (store, key) => assert.deepEqual((await store.held(key))?.lock, LOCK),
  ]
  const cases = FAULTS.flatMap((fault) => reads.flatMap((read) => [1, 2].map((nth) => ({ fault, read, nth }))))
  await forEach(cases, ({ fault, read, nth }) =>
    withStore(
      async ({ store, server }) => {
        const bytes = randomBytes(70_000)
        const key = keyOf('calls', 'segment', 1, bytes)
        await store.put(key, bytes, LOCK)
        failing(server, nth, fault)
        await read(store, key, bytes)
      },
      { pageSize: 1 },
      PATIENT,
    ),
  )
})

test('a store that is gone is said to be gone, after so many tries and no more', async () => {
  await forEach(FAULTS, (fault) =>
    withStore(
      async ({ store, server, open }) => {
        const bytes = randomBytes(500)
        const key = keyOf('calls', 'segment', 1, bytes)
        server.fault = () => fault
        const lost = await Promise.allSettled([
          store.put(key, bytes, LOCK),
          store.get(key),
          store.held(key),
          store.extend(key, LOCK),
          keysIn(store, ''),
          store.remove(key, 0),
          store.probe({ now: () => LOCK.retainUntilMs, random: randomBytes, pause: async () => {} }),
        ])
        const codes = lost.map((each) => (each.status === 'rejected' ? (each.reason as SealtrailError).code : 'done'))
        // An answer that is half there is no answer; `lose` is one that has been done.
        const gone = ['STORE_UNREADABLE', 'STORE_UNREADABLE', 'STORE_UNREADABLE', 'STORE_UNREADABLE']
        assert.deepEqual([codes[1], codes[2], codes[3], codes[4]], gone, JSON.stringify(fault))
        assert.deepEqual([codes[0], codes[5], codes[6]], ['NOT_DURABLE', 'NOT_DURABLE', 'STORE_UNREADABLE'], JSON.stringify(fault))
        const perKind = Map.groupBy(server.seen, ({ operation }) => operation)
        for (const [operation, seen] of perKind) assert.ok(seen.length <= 7 * tries.tries, `${operation}: ${seen.length}`)
        for (const each of lost) {
          if (each.status !== 'rejected') continue
          assert.ok(each.reason instanceof SealtrailError && !/sig|Signature|SharedKey|http/i.test(each.reason.message), String(each.reason))
        }
        // Back again: what was not acknowledged is put again, once.
        server.fault = () => null
        const back = await open(PATIENT)
        await back.put(key, bytes, LOCK)
        assert.equal((await back.held(key))?.others, 0)
      },
      {},
      PATIENT,
    ),
  )
})

test('an upload whose answers are all lost is found by reading, and acknowledged', async () => {
  await withStore(
    async ({ store, server }) => {
      const bytes = randomBytes(500)
      const key = keyOf('calls', 'segment', 1, bytes)
      server.fault = (operation) => (operation === 'PutBlob' ? 'lose' : null)
      const stored = await store.put(key, bytes, LOCK)
      assert.equal(stored.version, (await store.held(key))?.version)
      server.fault = (operation) => (operation === 'SetBlobImmutabilityPolicy' || operation === 'SetBlobLegalHold' ? 'lose' : null)
      assert.equal((await store.extend(key, { ...LOCK, retainUntilMs: LOCK.retainUntilMs + DAY_MS })).lock?.retainUntilMs, LOCK.retainUntilMs + DAY_MS)
      assert.equal((await store.hold(key, true)).legalHold, true)
    },
    {},
    PATIENT,
  )
})

test('bytes that were changed on their way are sent again', () =>
  withStore(async ({ store, server }) => {
    const bytes = randomBytes(500)
    const key = keyOf('calls', 'segment', 1, bytes)
    failing(server, 1, { status: 400, code: 'Md5Mismatch' })
    await store.put(key, bytes, LOCK)
    assert.equal(server.seen.filter(({ operation }) => operation === 'PutBlob').length, 2)
    assert.ok(server.seen.every(({ operation, headers }) => operation !== 'PutBlob' || headers['content-md5'] !== undefined))
  }))

test('chance faults for a while: nothing acknowledged is lost, nothing lies there twice', async () => {
  const rounds = process.env['SLOW'] === '1' ? 20 : 2
  for (let round = 0; round < rounds; round++) {
    await withStore(
      async ({ store, server, open }) => {
        const chance = randomBytes(4096)
        let at = 0
        server.fault = () => (chance[at++ % chance.length]! < 60 ? FAULTS[chance[(at * 7) % chance.length]! % FAULTS.length]! : null)
        const objects = Array.from({ length: 40 }, (_, i) => randomBytes(100 + i * 31))
        const keys = objects.map((bytes, i) => keyOf('calls', 'segment', i, bytes))
        const put = await Promise.allSettled(objects.map((bytes, i) => store.put(keys[i]!, bytes, LOCK)))
        server.fault = () => null
        const reader = await open({ patience: { ...tries, atOnce: 1 } })
        for (const [i, { status }] of put.entries()) {
          if (status === 'fulfilled') assert.deepEqual(Buffer.from((await reader.get(keys[i]!))!), objects[i])
          await store.put(keys[i]!, objects[i]!, LOCK)
          assert.equal((await reader.held(keys[i]!))?.others, 0)
        }
        assert.deepEqual(await keysIn(reader, ''), keys.toSorted())
      },
      {},
      { ...PATIENT, patience: { ...tries, atOnce: 8 } },
    )
  }
})

test('no more requests are under way at once than may be', async () => {
  await withStore(
    async ({ store, server, limits }) => {
      server.fault = () => 'hang'
      server.hung = () => {}
      const objects = Array.from({ length: 40 }, (_, i) => randomBytes(100 + i * 31))
      const puts = Promise.allSettled(objects.map((bytes, i) => store.put(keyOf('calls', 'segment', i, bytes), bytes, LOCK)))
      const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
      while (server.seen.length < 4) await turn()
      for (let i = 0; i < 100; i++) await turn()
      assert.equal(server.seen.length, 4)
      server.fault = () => null
      limits.end()
      assert.ok((await puts).every(({ status }) => status === 'fulfilled'))
    },
    {},
    { patience: { ...tries, atOnce: 4 } },
  )
})

test('every request and every repetition is told', async () => {
  const sent: string[] = []
  const again: string[] = []
  const traffic = { sent: (name: string) => void sent.push(name), again: (name: string, code: string) => void again.push(`${name} ${code}`) }
  await withStore(
    async ({ store, server }) => {
      const bytes = randomBytes(500)
      failing(server, 1, { status: 503, code: 'ServerBusy' })
      await store.put(keyOf('calls', 'segment', 1, bytes), bytes, LOCK)
      assert.deepEqual(sent, ['PutBlob', 'PutBlob', 'GetBlob'])
      assert.deepEqual(again, ['PutBlob ServerBusy'])
      assert.deepEqual(
        sent,
        server.seen.map(({ operation }) => operation),
      )
    },
    {},
    { traffic },
  )
})
