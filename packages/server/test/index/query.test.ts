import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { SealtrailError } from '../../src/errors.ts'
import { readFields } from '../../src/index/fields.ts'
import { Finder } from '../../src/index/finder.ts'
import { plainToken } from '../../src/index/plain-token.ts'
import type { Fields } from '../../src/index/fields.ts'
import { schemaMatches } from '../../src/index/index.ts'
import { LevelIndex } from '../../src/index/level/index.ts'
import { runQuery } from '../../src/index/query.ts'
import type { Query } from '../../src/index/query.ts'
import { Tail } from '../../src/index/tail.ts'
import { MemoryRecords } from './memory.ts'
import { START, recordOf } from './sample.ts'
import type { Sample } from './sample.ts'

let folder: string
let index: LevelIndex
const records = new MemoryRecords()
const LOGS = ['calls', 'messages', 'system']
const never = { waitMs: 0, pollMs: 1, maxRecords: 1000, sleep: async () => {} }
let all: Array<{ log: string; index: number; fields: Fields }>

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealtrail-query-'))
  index = await LevelIndex.open(folder)
  const pick = <T>(...values: T[]) => fc.constantFrom(...values)
  const sample = fc.record({
    log: pick(...LOGS),
    subject: pick('s1', 's2', 's3'),
    type: pick('a', 'b'),
    status: pick(null, 'READ', 'FAILED'),
    tag: pick(null, 'T'),
    schema: pick('urn:sealtrail:schema:p:1', 'urn:sealtrail:schema:p:2#newer'),
    timeMs: pick(null, START, START + 1, START + 2, START + 500),
  })
  const sequences = new Map<string, number>()
  let n = 0
  for (const { log, ...made } of fc.sample(sample, { numRuns: 300, seed: 11 })) {
    const sequence = (sequences.get(log + made.subject) ?? 0) + 1
    sequences.set(log + made.subject, sequence)
    records.add(log, recordOf({ ...made, n: n++, sequence, recordedMs: START + (n % 3) } as Sample))
  }
  all = LOGS.flatMap((log) => (records.logsByName.get(log) ?? []).map((bytes, i) => ({ log, index: i, fields: readFields(bytes) as Fields })))
  // Each log is indexed in part only: what is missing is the tail.
  const indexed = { calls: 50, messages: 0, system: records.size('system') }
  for (const [log, count] of Object.entries(indexed))
    await index.apply({ log, first: 0, records: (records.logsByName.get(log) as Uint8Array[]).slice(0, count), tokens: [] })
})
after(async () => {
  await index.close()
  await rm(folder, { recursive: true, force: true })
})

const deps = () => ({ index, records, tail: new Tail(index, records, never) })

function expected(query: Query): Array<{ log: string; index: number }> {
  const fits = all.filter(
    ({ log, fields }) =>
      query.logs.includes(log) &&
      (query.subject === undefined || fields.subject === query.subject) &&
      (query.type === undefined || fields.type === query.type) &&
      (query.status === undefined || fields.status === query.status) &&
      (query.tag === undefined || fields.tag === query.tag) &&
      (query.schema_version === undefined || schemaMatches(fields.schema, query.schema_version)) &&
      fields.timeMs >= (query.fromMs ?? 0) &&
      fields.timeMs < (query.toMs ?? Infinity),
  )
  const place = (log: string): number => query.logs.indexOf(log)
  if (query.subject === undefined) fits.sort((a, b) => a.fields.timeMs - b.fields.timeMs || place(a.log) - place(b.log) || a.index - b.index)
  else fits.sort((a, b) => place(a.log) - place(b.log) || a.index - b.index)
  return fits.map(({ log, index: i }) => ({ log, index: i }))
}

const anyQuery = fc.record(
  {
    logs: fc.shuffledSubarray(LOGS, { minLength: 1 }),
    subject: fc.constantFrom('s1', 's3', 'nobody'),
    type: fc.constantFrom('a', 'b', 'x'),
    status: fc.constantFrom('READ', ''),
    tag: fc.constantFrom('T', ''),
    schema_version: fc.constantFrom('1', 'v2', 'p:2', 'q:1'),
    fromMs: fc.constantFrom(START, START + 1, START + 2),
    toMs: fc.constantFrom(START + 1, START + 2, START + 500, START + 501),
    limit: fc.integer({ min: 1, max: 40 }),
  },
  { requiredKeys: ['logs', 'limit'] },
)

test('pages through the index and the tail give what a scan of the logs gives, each record once', () =>
  fc.assert(
    fc.asyncProperty(anyQuery, async (query) => {
      const seen: Array<{ log: string; index: number }> = []
      let cursor: string | undefined
      for (let page = 0; ; page++) {
        assert.ok(page < 400)
        const answer = await runQuery({ ...(query as Query), ...(cursor === undefined ? {} : { cursor }) }, deps())
        assert.ok(answer.entries.length <= query.limit)
        assert.equal(answer.mismatches.length, 0)
        for (const { log, index: i, bytes } of answer.entries) {
          assert.deepEqual(bytes, records.logsByName.get(log)?.[i])
          seen.push({ log, index: i })
        }
        if (answer.next === null) break
        cursor = answer.next
      }
      assert.deepEqual(seen, expected(query as Query))
    }),
    { numRuns: 200 },
  ))

test('says how far the index is behind', async () => {
  const answer = await runQuery({ logs: LOGS, limit: 1 }, deps())
  assert.equal(answer.lag, records.size('calls') - 50 + records.size('messages'))
})

test('refuses limits out of range, and cursors of another question or of nobody', async () => {
  for (const limit of [0, -1, 1001, 1.5, Number.NaN]) await assert.rejects(runQuery({ logs: LOGS, limit }, deps()), isBadRequest)
  const { next } = await runQuery({ logs: LOGS, limit: 3 }, deps())
  assert.ok(next !== null)
  await assert.rejects(runQuery({ logs: LOGS, limit: 3, type: 'a', cursor: next }, deps()), isBadRequest)
  for (const cursor of ['', 'x', 'bnVsbA', Buffer.from('[1,2,3,4]').toString('base64url'), `${next}AAAA`.slice(5), 'A'.repeat(5000)]) {
    await assert.rejects(runQuery({ logs: LOGS, limit: 3, cursor }, deps()), isBadRequest)
  }
})

test('a tail that is too long to read is an error, never a wrong answer', async () => {
  const tail = new Tail(index, records, { ...never, maxRecords: 5 })
  await assert.rejects(
    runQuery({ logs: ['messages'], limit: 5 }, { index, records, tail }),
    (error) => error instanceof SealtrailError && error.code === 'INDEX_BEHIND',
  )
})

test('waits for the index before it reads the tail', async () => {
  const slow = new MemoryRecords()
  slow.add('l', recordOf({ n: 0 }), recordOf({ n: 1 }))
  const sizes = [0, 0, 1, 2]
  let slept = 0
  const stub = { ...index, size: () => sizes[Math.min(slept, 3)] as number } as unknown as LevelIndex
  const tail = new Tail(stub, slow, { waitMs: 100, pollMs: 1, maxRecords: 10, sleep: async () => void slept++ })
  assert.deepEqual(await tail.of('l'), { from: 2, to: 2 })
  assert.equal(slept, 3)
})

test('an index entry that points to another record gives a mismatch, not an answer', async () => {
  const own = join(folder, '..', `${folder}-wrong`)
  const wrong = await LevelIndex.open(own)
  const store = new MemoryRecords()
  const samples: Sample[] = [0, 1, 2, 3].map((n) => ({ n, subject: 's', sequence: n + 1 }))
  store.add('l', ...samples.map(recordOf))
  await wrong.apply({ log: 'l', first: 0, records: samples.map(recordOf), tokens: [] })
  ;(store.logsByName.get('l') as Uint8Array[])[1] = recordOf({ n: 9, subject: 's', sequence: 3, timeMs: START })
  ;(store.logsByName.get('l') as Uint8Array[])[2] = Buffer.from('{"half":')
  const wrongDeps = { index: wrong, records: store, tail: new Tail(wrong, store, never) }
  for (const query of [{ subject: 's' }, {}]) {
    const answer = await runQuery({ logs: ['l'], limit: 10, ...query }, wrongDeps)
    assert.deepEqual(
      answer.entries.map((entry) => entry.index),
      [0, 3],
    )
    assert.deepEqual(answer.mismatches, [
      { log: 'l', index: 1 },
      { log: 'l', index: 2 },
    ])
  }
  await wrong.close()
  await rm(own, { recursive: true, force: true })
})

test('a schema is asked for by URN, pack and version, or version', () => {
  const urn = 'urn:sealtrail:schema:genesys:12'
  for (const asked of [urn, 'genesys:12', '12', 'v12']) {
    assert.equal(schemaMatches(urn, asked), true, asked)
    assert.equal(schemaMatches(`${urn}#newer`, asked), true, asked)
  }
  for (const asked of ['2', '1', 'v2', 'genesys', 'genesys:1', '', `${urn}0`]) assert.equal(schemaMatches(urn, asked), false, asked)
})

function isBadRequest(error: unknown): boolean {
  return error instanceof SealtrailError && error.code === 'BAD_REQUEST'
}

test('an index that moves on while it is asked gives each record once', async () => {
  const own = await mkdtemp(join(tmpdir(), 'sealtrail-moving-'))
  const moving = await LevelIndex.open(own)
  const store = new MemoryRecords()
  const samples: Sample[] = Array.from({ length: 8 }, (_, n) => ({ n, subject: 's', sequence: n + 1, data: { carrier_message_id: 'SM' } }))
  store.add('l', ...samples.map(recordOf))
  const moved = async (size: number) => moving.apply({ log: 'l', first: 0, records: samples.slice(0, size).map(recordOf), tokens: [] })
  const tail = new Tail(moving, store, never)
  const { of } = tail
  let size = 0
  tail.of = async (log) => {
    const span = await of.call(tail, log)
    await moved((size += 2)) // the follower, between the look at the size and the look into the index
    return span
  }
  const whole = [0, 1, 2, 3, 4, 5, 6, 7]
  const movingDeps = { index: moving, records: store, tail }
  const finder = new Finder({ ...movingDeps, tokens: async (ids) => ids.map(() => []) })
  try {
    assert.deepEqual(
      (await runQuery({ logs: ['l'], limit: 100 }, movingDeps)).entries.map((entry) => entry.index),
      whole,
    )
    assert.deepEqual(
      (await runQuery({ logs: ['l'], limit: 100, subject: 's' }, movingDeps)).entries.map((entry) => entry.index),
      whole,
    )
    assert.deepEqual(
      (await finder.bySubject('l', 's')).map((entry) => entry.index),
      whole,
    )
    assert.deepEqual(
      (await finder.byToken('l', [plainToken('carrier_message_id', 'SM')], 'SM')).map((entry) => entry.index),
      whole.toReversed(),
    )
  } finally {
    await moving.close()
    await rm(own, { recursive: true, force: true })
  }
})
