import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { logicalOrder } from '../../src/index/logical-order.ts'
import type { ReplayRecord } from '../../src/index/logical-order.ts'
import { stateAt } from '../../src/index/replay.ts'
import type { PackStates } from '../../src/pack/pack.ts'

const P = 'com.example.call.'
/** As a pack lists them: what ends a leg before what begins the next. */
const STATES: PackStates = {
  byType: new Map(
    (
      [
        ['customer.start', 'opens', 1, 'connected'],
        ['flow.end', 'closes', 2, 'disconnected'],
        ['acd.end', 'closes', 2, 'disconnected'],
        ['user.end', 'closes', 2, 'disconnected'],
        ['flow.start', 'opens', 1, 'in-flow'],
        ['acd.start', 'opens', 1, 'queued'],
        ['user.start', 'opens', 1, 'interacting'],
        ['agent.state', null, 0, null],
        ['customer.end', 'closes', 2, 'disconnected'],
        ['acw', null, 3, 'wrapped-up'],
      ] as const
    ).map(([type, effect, phase, state], rank) => [P + type, { effect, phase, state, rank }]),
  ),
}

type Step = readonly [at: number, type: string, participant: string | null, session: string | null, more?: Record<string, unknown>]

/** A call: flow, queue, agent one (held once), blind transfer over a second queue to agent two, hang-up, after-call work. */
const CALL: readonly Step[] = [
  [0, 'customer.start', 'C', 'c'],
  [10, 'flow.start', 'F', 'f'],
  [200, 'flow.end', 'F', 'f', { transfer: { kind: 'routed', by: 'flow' } }],
  [201, 'acd.start', 'Q1', 'q1', { queueId: 'sales' }],
  [350, 'agent.state', null, 'a1', { currentState: 'ALERT', userId: 'ann' }],
  [400, 'acd.end', 'Q1', 'q1', { queueId: 'sales', transfer: { kind: 'routed', by: 'queue' } }],
  [401, 'user.start', 'A1', 'a1', { userId: 'ann', queueId: 'sales' }],
  [500, 'agent.state', null, 'a1', { currentState: 'HOLD', userId: 'ann' }],
  [560, 'agent.state', null, 'a1', { currentState: 'INTERACT', userId: 'ann' }],
  [600, 'user.end', 'A1', 'a1', { userId: 'ann', transfer: { kind: 'blind', by: 'agent' } }],
  [605, 'acd.start', 'Q2', 'q2', { queueId: 'claims' }],
  [640, 'acw', 'A1', 'a1', { userId: 'ann', wrapupCode: 'w' }],
  [700, 'acd.end', 'Q2', 'q2', { transfer: { kind: 'routed', by: 'queue' } }],
  [701, 'user.start', 'A2', 'a2', { userId: 'bob', queueId: 'claims' }],
  [900, 'customer.end', 'C', 'c'],
  [901, 'user.end', 'A2', 'a2', { userId: 'bob' }],
  [950, 'acw', 'A2', 'a2', { userId: 'bob', wrapupCode: 'w' }],
]

function recordsOf(steps: readonly Step[]): ReplayRecord[] {
  return steps.map(([at, type, participantId, sessionId, more], i) => ({
    subjectsequence: i + 1,
    type: P + type,
    timeMs: at,
    data: JSON.parse(JSON.stringify({ ...(participantId === null ? {} : { participantId }), ...(sessionId === null ? {} : { sessionId }), ...more })),
  }))
}

/** `state` and each party's state, in short. */
function short(at: number, records = recordsOf(CALL)): string | null {
  const state = stateAt(records, STATES, at)
  return state === null ? null : `${state.state}: ${state.participants.map((party) => `${party.id} ${party.state}`).join(', ')}`
}

test('a call with a transfer, at every turn', () => {
  assert.equal(short(-1), null)
  assert.equal(short(0), 'connected: C connected')
  assert.equal(short(10), 'in-flow: C connected, F in-flow')
  assert.equal(short(200), 'connected: C connected, F disconnected')
  assert.equal(short(300), 'queued: C connected, F disconnected, Q1 queued')
  assert.equal(short(360), 'alerting: C connected, F disconnected, Q1 queued, a1 alerting')
  assert.equal(short(401), 'interacting: C connected, F disconnected, Q1 disconnected, A1 interacting')
  assert.equal(short(501), 'held: C connected, F disconnected, Q1 disconnected, A1 held')
  assert.equal(short(599), 'interacting: C connected, F disconnected, Q1 disconnected, A1 interacting')
  assert.equal(short(600), 'connected: C connected, F disconnected, Q1 disconnected, A1 disconnected')
  assert.equal(short(650), 'queued: C connected, F disconnected, Q1 disconnected, A1 wrapped-up, Q2 queued')
  assert.equal(short(899), 'interacting: C connected, F disconnected, Q1 disconnected, A1 wrapped-up, Q2 disconnected, A2 interacting')
  assert.equal(short(900), 'interacting: C disconnected, F disconnected, Q1 disconnected, A1 wrapped-up, Q2 disconnected, A2 interacting')
  assert.equal(short(901), 'closed: C disconnected, F disconnected, Q1 disconnected, A1 wrapped-up, Q2 disconnected, A2 disconnected')
  assert.equal(short(1e9), 'closed: C disconnected, F disconnected, Q1 disconnected, A1 wrapped-up, Q2 disconnected, A2 wrapped-up')
})

test('tells who they are, since when, and who brought them in', () => {
  const end = stateAt(recordsOf(CALL), STATES, 800)
  const party = (id: string) => end?.participants.find((each) => each.id === id)
  assert.deepEqual(party('A1'), {
    id: 'A1',
    purpose: 'user',
    userId: 'ann',
    queueId: 'sales',
    state: 'wrapped-up',
    sinceMs: 640,
    transfer: { kind: 'blind', atMs: 600 },
    transferredFrom: null,
  })
  assert.deepEqual(party('Q2'), {
    id: 'Q2',
    purpose: 'acd',
    userId: null,
    queueId: 'claims',
    state: 'disconnected',
    sinceMs: 700,
    transfer: { kind: 'routed', atMs: 700 },
    transferredFrom: 'A1',
  })
  assert.deepEqual(party('A2'), {
    id: 'A2',
    purpose: 'user',
    userId: 'bob',
    queueId: 'claims',
    state: 'interacting',
    sinceMs: 701,
    transfer: null,
    transferredFrom: 'A1',
  })
  assert.equal(party('C')?.purpose, 'customer')
  assert.equal(end?.subjectsequence, 14)
})

test('a consulted agent was brought in by the one who handed over', () => {
  const steps: Step[] = [
    [0, 'customer.start', 'C', 'c'],
    [5, 'user.start', 'A1', 'a1', { userId: 'ann' }],
    [20, 'user.start', 'A2', 'a2', { userId: 'bob' }],
    [40, 'user.end', 'A1', 'a1', { transfer: { kind: 'consult', by: 'agent' } }],
    [60, 'user.start', 'A3', 'a3'],
  ]
  const state = stateAt(recordsOf(steps), STATES, 100)
  assert.deepEqual(
    state?.participants.map((each) => [each.id, each.transferredFrom]),
    [
      ['C', null],
      ['A1', null],
      ['A2', 'A1'],
      ['A3', null],
    ],
  )
})

test('an end whose start was never seen is named; the interaction is not closed while another session goes on', () => {
  const steps = CALL.filter(([, type, participant]) => !(type === 'user.start' && participant === 'A2'))
  assert.deepEqual(stateAt(recordsOf(steps), STATES, 1e9)?.endedUnseen, ['a2'])
  assert.equal(stateAt(recordsOf(CALL.slice(0, -2)), STATES, 1e9)?.closed, false)
  assert.deepEqual(stateAt(recordsOf(CALL), STATES, 1e9)?.endedUnseen, [])
})

test('the order in which records were sealed does not matter, nor which of them were late', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...CALL.keys()], { minLength: CALL.length }), fc.integer({ min: -1, max: 1000 }), (order, at) => {
      // As they were sealed: numbered in the order they came.
      const sealed = order.map((i, n) => ({ ...(recordsOf(CALL)[i] as ReplayRecord), subjectsequence: n + 1 }))
      const inPlace = logicalOrder(sealed, STATES).map(({ record }) => [record.timeMs, record.type])
      assert.deepEqual(
        inPlace,
        CALL.map(([time, type]) => [time, P + type]),
      )
      assert.equal(short(at, sealed), short(at))
    }),
    { numRuns: 300 },
  )
})

const anyRecords = fc
  .array(
    fc.record({
      timeMs: fc.nat(12),
      type: fc.constantFrom(...STATES.byType.keys(), 'com.example.other'),
      participantId: fc.option(fc.constantFrom('P', 'Q', 'R'), { nil: undefined }),
      sessionId: fc.option(fc.constantFrom('s', 't', 'u'), { nil: undefined }),
      transfer: fc.option(fc.constantFrom('blind', 'routed', 'consult'), { nil: undefined }),
      currentState: fc.option(fc.constantFrom('HOLD', 'INTERACT', 'Strange'), { nil: undefined }),
    }),
    { maxLength: 14 },
  )
  .map((made) =>
    made.map(({ timeMs, type, transfer, ...rest }, i): ReplayRecord => ({
      subjectsequence: i + 1,
      timeMs,
      type,
      data: JSON.parse(JSON.stringify({ ...rest, ...(transfer === undefined ? {} : { transfer: { kind: transfer } }) })),
    })),
  )

test('the state at any instant is the final state of what had happened by then', () => {
  fc.assert(
    fc.property(anyRecords, fc.nat(13), (records, at) => {
      const prefix = logicalOrder(records, STATES)
        .filter((each) => each.atMs <= at)
        .map((each) => each.record)
      // The prefix alone: what comes later must not shine through, not even into a participant's name.
      assert.deepEqual(stateAt(records, STATES, at), stateAt(prefix, STATES, Infinity))
    }),
    { numRuns: 2000 },
  )
})

test('every session goes by phases, other records by time, and nobody is lost', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const ordered = logicalOrder(records, STATES)
      assert.deepEqual(new Set(ordered.map((each) => each.record)), new Set(records))
      for (let i = 1; i < ordered.length; i++) assert.ok((ordered[i - 1]?.atMs as number) <= (ordered[i]?.atMs as number))
      const phases = new Map<unknown, number>()
      for (const { record, atMs } of ordered) {
        const phase = STATES.byType.get(record.type)?.phase ?? 0
        const session = record.data['sessionId']
        if (phase === 0 || session === undefined) assert.equal(atMs, record.timeMs)
        else {
          assert.ok(phase >= (phases.get(session) ?? 0))
          phases.set(session, phase)
        }
      }
    }),
    { numRuns: 2000 },
  )
})
