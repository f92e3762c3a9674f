import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FLAG } from '../../src/event/entry.ts'
import { Hold } from '../../src/sequence/hold.ts'
import type { Released } from '../../src/sequence/hold.ts'
import { NO_RECORDS } from '../../src/sequence/subject.ts'
import { event, named, session, subject } from './events.ts'

const times = { settleMs: 5_000, quietMs: 30_000, holdMs: 300_000 }
const where = { file: 1, offset: 16 }
const opens = FLAG.held | FLAG.opens
const closes = FLAG.held | FLAG.closes
const one = session('one')
const two = session('two')
const SLOT = 100

const released = (all: Iterable<Released>) => [...all].map(({ events }) => events.map(named))

/** Time of release, found by asking every slot. */
function releasedAt(hold: Hold, from: number, to = from + 400_000): number {
  for (let now = from; now <= to; now += SLOT) if ([...hold.due(now)].length > 0) return now
  return Number.NaN
}

test('after the final state: settle', () => {
  const hold = new Hold(times)
  hold.add(event({ name: 'start', session: one, flags: opens }), where, 0)
  hold.add(event({ name: 'start 2', session: two, flags: opens }), where, 1_000)
  hold.add(event({ name: 'end', session: one, flags: closes }), where, 2_000)
  hold.add(event({ name: 'end 2', session: two, flags: closes }), where, 3_000)
  assert.deepEqual(released(hold.due(7_999)), [])
  assert.equal(hold.events, 4)
  assert.deepEqual(released(hold.due(8_000)), [['start', 'start 2', 'end', 'end 2']])
  assert.equal(hold.events + hold.subjects, 0)
  assert.equal(hold.nextDueMs(), null)
})

test('order of arrival does not matter for the final state', () => {
  const hold = new Hold(times)
  hold.add(event({ session: one, flags: closes }), where, 0)
  assert.equal(hold.nextDueMs(), 30_000, 'ended unseen')
  hold.add(event({ session: one, flags: opens }), where, 1_000)
  assert.equal(releasedAt(hold, 0), 6_000)
})

test('a session still open, or one that ended unseen, waits for quiet; news puts it off', () => {
  for (const flags of [opens, closes, FLAG.held]) {
    const hold = new Hold(times)
    hold.add(event({ session: one, flags }), where, 0)
    hold.add(event({}), where, 20_000)
    assert.equal(releasedAt(hold, 0), 50_000)
  }
})

test('a session opened in an earlier release is not ended unseen', () => {
  const sealed = { ...NO_RECORDS, count: 1, sessions: [{ token: one, phase: 1, opened: true, closed: false, last: null }] }
  const hold = new Hold(times)
  hold.add(event({ session: one, flags: closes }), where, 0, sealed)
  assert.equal(releasedAt(hold, 0), 5_000)
})

test('a final state that is left again is no longer final', () => {
  const hold = new Hold(times)
  hold.add(event({ session: one, flags: opens }), where, 0)
  hold.add(event({ session: one, flags: closes }), where, 0)
  hold.add(event({ session: two, flags: opens }), where, 4_000)
  assert.equal(releasedAt(hold, 0), 34_000)
})

test('never longer than hold, however much news there is', () => {
  const hold = new Hold(times)
  for (let now = 0; now < 300_000; now += 10_000) hold.add(event({}), where, now)
  assert.equal(releasedAt(hold, 0), 300_000)
  hold.add(event({}), where, 1_000_000)
  assert.equal(releasedAt(hold, 1_000_000), 1_030_000, 'the next event starts anew')
})

test('flush releases everything; who stops asking early loses nothing', () => {
  const hold = new Hold(times)
  for (let i = 0; i < 10; i++) hold.add(event({ subjectToken: subject(`${i}`) }), where, 0)
  const some: string[] = []
  for (const { subjectToken } of hold.due(30_000)) {
    some.push(subjectToken)
    if (some.length === 3) break
  }
  assert.equal(hold.subjects, 7)
  for (const { subjectToken } of hold.due(30_000)) some.push(subjectToken)
  assert.deepEqual(
    some,
    Array.from({ length: 10 }, (_, i) => subject(`${i}`)),
  )
  for (let i = 0; i < 10; i++) hold.add(event({ subjectToken: subject(`${i}`) }), where, 0)
  assert.equal([...hold.flush()].length, 10)
  assert.equal(hold.events + hold.subjects, 0)
  assert.deepEqual([...hold.due(1e9)], [])
})

test('events added while releasing are held, not lost', () => {
  const hold = new Hold(times)
  hold.add(event({ subjectToken: subject('a') }), where, 0)
  hold.add(event({ subjectToken: subject('b') }), where, 0)
  let again = 0
  for (const { subjectToken } of hold.due(30_000)) if (again++ < 2) hold.add(event({ subjectToken }), where, 30_000)
  assert.equal(hold.subjects, 2)
  assert.equal(releasedAt(hold, 30_000), 60_000)
})

test('the wheel agrees with a plain list (property)', () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 12_000 }),
    who: fc.integer({ min: 0, max: 4 }),
    session: fc.constantFrom(one, two),
    flags: fc.constantFrom(FLAG.held, opens, closes),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const hold = new Hold(times)
      const plain = new Map<string, { first: number; due: number; bits: Map<string, number>; events: string[] }>()
      let now = 0
      const tick = (to: number) => {
        while (now <= to) {
          const expected = [...plain].filter(([, { due }]) => Math.ceil(due / SLOT) <= Math.floor(now / SLOT)).map(([, { events }]) => events)
          for (const [token, { due }] of plain) if (Math.ceil(due / SLOT) <= Math.floor(now / SLOT)) plain.delete(token)
          const next = hold.nextDueMs()
          if (expected.length > 0) assert.ok(next !== null && next <= now)
          assert.deepEqual(new Set(released(hold.due(now)).map(String)), new Set(expected.map(String)), `at ${now}`)
          now += SLOT
        }
      }
      for (const { wait, who, ...fields } of steps) {
        tick(now + wait)
        const token = subject(`${who}`)
        const added = event({ subjectToken: token, ...fields })
        hold.add(added, where, now)
        const mine = plain.get(token) ?? { first: now, due: 0, bits: new Map<string, number>(), events: [] as string[] }
        plain.set(token, mine)
        mine.events.push(named(added))
        const bits = (fields.flags & FLAG.opens ? 1 : 0) | (fields.flags & FLAG.closes ? 2 : 0)
        if (bits > 0) mine.bits.set(fields.session, (mine.bits.get(fields.session) ?? 0) | bits)
        const final = mine.bits.size > 0 && [...mine.bits.values()].every((each) => each === 3)
        mine.due = Math.min(mine.first + times.holdMs, now + (final ? times.settleMs : times.quietMs))
      }
      tick(now + times.holdMs + SLOT)
      assert.equal(hold.events, 0)
    }),
    { numRuns: Number(process.env['SLOW'] ? 2_000 : 60) },
  )
})

test('100,000 subjects are held and released in little time', () => {
  const hold = new Hold(times)
  const tokens = Array.from({ length: 100_000 }, (_, i) => subject(`${i}`))
  const started = performance.now()
  for (const [i, subjectToken] of tokens.entries()) hold.add(event({ subjectToken, session: one, flags: opens }), where, i / 3)
  for (const [i, subjectToken] of tokens.entries()) hold.add(event({ subjectToken, session: one, flags: closes }), where, 30_000 + i / 3)
  let count = 0
  for (let now = 0; now <= 70_000; now += SLOT) for (const { events } of hold.due(now)) count += events.length
  assert.equal(count, 200_000)
  const micros = ((performance.now() - started) * 1000) / 200_000
  assert.ok(micros < 30, `${micros.toFixed(1)} µs an event`)
})
