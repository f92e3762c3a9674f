import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics, renderPrometheus } from '../../src/observe/metrics.ts'
import { HitCounts, HitTotals } from '../../src/threads/hit-counts.ts'
import type { HitCount } from '../../src/threads/hit-counts.ts'
import { HourlyCounts } from '../../src/threads/hourly-counts.ts'

const HOUR = 3_600_000
const log = { debug() {}, info() {}, warn() {}, error() {} }

test('hits are counted by trail, pack, field and kind, given away once, and kept when nobody takes them', async () => {
  const metrics = new Metrics()
  const counts = new HitCounts(metrics)
  counts.add('calls', 'p@1', [
    { path: 'a', kind: 'card' },
    { path: 'a', kind: 'card' },
    { path: 'b', kind: 'phone' },
  ])
  await assert.rejects(counts.handOver(() => Promise.reject(new Error('away'))))
  counts.add('calls', 'p@1', [{ path: 'a', kind: 'card' }])
  const given: HitCount[] = []
  const take = async (all: HitCount[]): Promise<void> => void given.push(...all)
  await counts.handOver(take)
  await counts.handOver(take)
  assert.deepEqual(given, [
    { trail: 'calls', pack: 'p@1', field: 'a', kind: 'card', hits: 3 },
    { trail: 'calls', pack: 'p@1', field: 'b', kind: 'phone', hits: 1 },
  ])
  assert.match(renderPrometheus(metrics.snapshot()), /sealtrail_detected_total\{trail="calls",path="a",kind="card"\} 3/)
})

test('however many and long the names are that senders choose, labels stay few', async () => {
  const metrics = new Metrics()
  const counts = new HitCounts(metrics)
  for (let i = 0; i < 5_000; i++) counts.add('calls', 'p@1', [{ path: `*.${i}`, kind: 'card' }])
  counts.add('calls', 'p@1', [{ path: '*.'.repeat(150), kind: 'card' }])
  counts.add('calls', 'p@1', [{ path: 'a\nb', kind: 'card' }])
  let given: HitCount[] = []
  await counts.handOver(async (all) => void (given = all))
  assert.equal(given.length, 501)
  assert.deepEqual(given.at(-1), { trail: 'calls', pack: 'p@1', field: '…', kind: 'card', hits: 4_502 })
  assert.ok(renderPrometheus(metrics.snapshot()).split('\n').length < 510)
})

test('the hour that has ended is sealed with its hits; what was found since the start stays', async () => {
  const sealed: unknown[] = []
  let now = 10 * HOUR
  const hours = new HourlyCounts({ system: async ({ data }) => void sealed.push(data), now: () => now, log, startedMs: now })
  const hit = { trail: 'calls', pack: 'p@1', field: 'a', kind: 'card', hits: 2 } as const
  hours.addHits([hit])
  hours.add([{ trail: 'calls', outcome: 'sealed', inputs: 5 }])
  hours.add([{ trail: 'mails', outcome: 'sealed', inputs: 1 }])
  now += HOUR
  await hours.beat()
  hours.addHits([{ ...hit, kind: 'iban' }, hit])
  hours.add([{ trail: 'calls', outcome: 'sealed', inputs: 1 }])
  await hours.close()
  assert.deepEqual(sealed, [
    {
      hour: '1970-01-01T10',
      calls: { received: 5, sealed: 5, detected: [{ field: 'a', hits: 2, kind: 'card', pack: 'p@1' }] },
      mails: { received: 1, sealed: 1 },
    },
    {
      hour: '1970-01-01T11',
      calls: {
        received: 1,
        sealed: 1,
        detected: [
          { field: 'a', hits: 2, kind: 'card', pack: 'p@1' },
          { field: 'a', hits: 2, kind: 'iban', pack: 'p@1' },
        ],
      },
    },
  ])
  assert.deepEqual(
    hours.detected().map(({ kind, hits }) => [kind, hits]),
    [
      ['card', 4],
      ['iban', 2],
    ],
  )
  const totals = new HitTotals()
  totals.add([hit])
  totals.add([hit])
  assert.equal(hit.hits, 2, 'what was given is left as it was')
})
