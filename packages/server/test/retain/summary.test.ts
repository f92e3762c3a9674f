// What an interaction comes to, worked out by hand, and which day it counts for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootOf } from '@sealtrail/tlog'
import type { JsonObject } from '../../src/event/json.ts'
import type { PackStates } from '../../src/pack/pack.ts'
import { overBefore, settledBefore, SETTLE_MS } from '../../src/retain/summary/days.ts'
import type { ScannedRecord } from '../../src/retain/summary/days.ts'
import { evidenceOf, interactionData, MAX_RANGES, summarise } from '../../src/retain/summary/interaction.ts'
import { queueTotals } from '../../src/retain/summary/queue.ts'
import { slim } from '../../src/retain/summary/slim.ts'

const DAY_MS = 86_400_000
const T = Date.UTC(2026, 0, 5, 23, 50)
const state = (
  name: string | null,
  effect: 'opens' | 'closes' | null,
  phase: number,
): PackStates['byType'] extends ReadonlyMap<string, infer S> ? S : never => ({
  state: name,
  effect,
  phase,
  rank: phase,
})
const states: PackStates = {
  byType: new Map([
    ['t.customer.start', state('connected', 'opens', 1)],
    ['t.customer.end', state('disconnected', 'closes', 2)],
    ['t.acd.start', state('queued', 'opens', 1)],
    ['t.acd.end', state('disconnected', 'closes', 2)],
    ['t.user.start', state('interacting', 'opens', 1)],
    ['t.user.end', state('disconnected', 'closes', 2)],
    ['t.state', state(null, null, 0)],
  ]),
}
let next = 0
const record = (type: string, afterS: number, data: JsonObject, recordedMs = T + afterS * 1000): ScannedRecord => {
  const n = ++next
  return { index: n, leaf: new Uint8Array(32).fill(n), subjectsequence: n, type, timeMs: T + afterS * 1000, recordedMs, data }
}
function call(): ScannedRecord[] {
  next = 0
  const leg = (n: number): JsonObject => ({ participantId: `p${n}`, sessionId: `s${n}` })
  return [
    record('t.customer.start', 0, { ...leg(1), mediaType: 'VOICE' }),
    record('t.acd.start', 1, { ...leg(2), queueId: 'billing' }),
    record('t.acd.end', 31, { ...leg(2), queueId: 'billing', transfer: { kind: 'routed' } }),
    record('t.user.start', 31, { ...leg(3), userId: 'u1', queueId: 'billing' }),
    record('t.state', 40, { ...leg(3), currentState: 'HOLD' }),
    record('t.state', 55, { ...leg(3), currentState: 'INTERACT' }),
    record('t.user.end', 91, { ...leg(3), disconnectType: 'TRANSFER', transfer: { kind: 'blind' } }),
    record('t.customer.end', 95, { ...leg(1), disconnectType: 'CLIENT', wrapupCode: 'w1' }),
  ]
}

test('durations, holds, transfers, queues and the ending of a call', () => {
  const summary = summarise({ subject: 'c', records: call().toReversed() }, states, true)
  assert.deepEqual(summary, {
    subject: 'c',
    closed: true,
    firstMs: T,
    lastMs: T + 95_000,
    records: 8,
    from: 1,
    through: 8,
    durations: { connected: 5_000, queued: 30_000, interacting: 45_000, held: 15_000 },
    holds: { count: 1, ms: 15_000 },
    transfers: { count: 1, kinds: { blind: 1 } },
    queues: [{ queue: 'billing', waitMs: 30_000 }],
    media: 'VOICE',
    disposition: { state: 'closed', disconnect: 'CLIENT', wrapup: 'w1', status: null },
  })
  assert.equal(
    Object.values(summary.durations).reduce((a, b) => a + b, 0),
    95_000,
    'the whole of it, once',
  )
  const receipt = summarise(
    { subject: 'm', records: [record('r', 0, { delivery_status: 'DELIVERED' }), record('r', 9, { delivery_status: 'READ' })] },
    states,
    false,
  )
  assert.deepEqual([receipt.closed, receipt.disposition.status, receipt.durations], [true, 'READ', {}])
})

test('nothing but plain fields goes into a summary', () => {
  const committed = [{ '...': 'NrMxsqBOf0CEpciWQ_B1otEw8mQUjHyQX6lyRVtu0GA' }]
  const kept = slim({
    participantId: 'p',
    ani: committed,
    wrapupNotes: committed,
    queueId: committed,
    name: 'Zoë',
    transfer: { kind: 'blind', to: 'x' },
    payload: { state: 'a', name: 'b' },
  })
  assert.deepEqual(kept, { participantId: 'p', transfer: { kind: 'blind' }, payload: { state: 'a' } })
})

test('an interaction counts for the day its last record was received; open ones wait, silent and endless ones do not', () => {
  const midnight = Date.UTC(2026, 0, 6)
  assert.equal(settledBefore(midnight + SETTLE_MS - 1), midnight - DAY_MS)
  assert.equal(settledBefore(midnight + SETTLE_MS), midnight)
  const days = (records: ScannedRecord[], settledMs: number): string[] => {
    const { over, open } = overBefore([{ subject: 'c', records }], settledMs, states, true)
    return [...over.map(({ day, summary }) => `${day} ${summary.closed}`), ...open.map(() => 'open')]
  }
  const spanning = call().map((each, i) => ({ ...each, recordedMs: i < 4 ? midnight - 1 : midnight + 1 }))
  assert.deepEqual(days(spanning, midnight), ['open'], 'its last record came today')
  assert.deepEqual(days(spanning, midnight + DAY_MS), ['2026-01-06 true'])
  const unended = call().slice(0, 5)
  assert.deepEqual(days(unended, midnight), ['open'])
  assert.deepEqual(days(unended, midnight + DAY_MS), ['2026-01-05 false'], 'silent for a day')
  const endless = [...unended, { ...(call()[5] as ScannedRecord), recordedMs: midnight + 6 * DAY_MS + 1 }]
  assert.deepEqual(days(endless, midnight + 4 * DAY_MS), ['open'])
  assert.deepEqual(days(endless, midnight + 5 * DAY_MS), ['2026-01-10 false'], 'after five days it is summed up all the same')
})

test('evidence is of exactly its leaves, in as many parts as its ranges need', () => {
  const at = (index: number): ScannedRecord => ({ ...(call()[0] as ScannedRecord), index, leaf: new Uint8Array(32).fill(index % 251) })
  const of = { log: 'l', origin: 'o/l', checkpoint: { size: 9000, root: 'aa' } }
  const [one, ...none] = evidenceOf([3, 4, 5, 9].map(at), of)
  assert.deepEqual(
    [one!.ranges, none],
    [
      [
        [3, 6],
        [9, 10],
      ],
      [],
    ],
  )
  assert.equal(one!.root, Buffer.from(rootOf(Buffer.concat([3, 4, 5, 9].map((i) => at(i).leaf)))).toString('hex'))
  const scattered = evidenceOf(
    Array.from({ length: MAX_RANGES + 1 }, (_, i) => at(2 * i)),
    of,
  )
  assert.deepEqual(
    scattered.map(({ ranges }) => ranges.length),
    [MAX_RANGES, 1],
  )
  const summary = summarise({ subject: 'c', records: call() }, states, true)
  const parts = scattered.map((each, i) => interactionData(summary, '2026-01-05', each, i + 1, scattered.length))
  assert.ok(JSON.stringify(parts[0]).length < 60_000, 'fits a leaf')
  assert.deepEqual([parts[0]!['records'], parts[1]!['records'], parts[1]!['part']], [8, undefined, 2])
})

test('totals of queues count an interaction once a queue, and those summed up again not at all', () => {
  const summary = summarise({ subject: 'a', records: call() }, states, true)
  const roots = ['aa'.repeat(32)]
  const all = [
    { summary, roots },
    {
      summary: {
        ...summary,
        subject: 'b',
        queues: [
          { queue: 'billing', waitMs: 5_000 },
          { queue: 'sales', waitMs: 1 },
        ],
      },
      roots: ['bb'.repeat(32), 'cc'.repeat(32)],
    },
    { summary: { ...summary, subject: 'late', from: 4 }, roots: ['dd'.repeat(32)] },
  ]
  const [billing, sales] = queueTotals(all.toReversed())
  assert.deepEqual(
    [billing!.queue, billing!.interactions, billing!.waits, billing!.transfers, billing!.holds],
    ['billing', 2, { ms: 35_000, longestMs: 30_000 }, 2, { count: 2, ms: 30_000 }],
  )
  assert.equal(billing!.evidence.summaries, 3)
  assert.equal(billing!.evidence.root, Buffer.from(rootOf(Buffer.from('aa'.repeat(32) + 'bb'.repeat(32) + 'cc'.repeat(32), 'hex'))).toString('hex'))
  assert.deepEqual([sales!.queue, sales!.interactions], ['sales', 1])
})
