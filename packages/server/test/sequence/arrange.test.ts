import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NO_SESSION } from '../../src/event/entry.ts'
import type { Entry } from '../../src/event/entry.ts'
import { arrange } from '../../src/sequence/arrange.ts'
import { event, named, permutations, session } from './events.ts'

const order = (events: readonly Entry[]) => arrange(events, (each) => each).map(named)

test('time, then rank, then identity; no time comes last', () => {
  const events = [
    event({ name: 'c', timeMs: 2, rank: 1 }),
    event({ name: 'b', timeMs: 2, rank: 0 }),
    event({ name: 'a', timeMs: 1, rank: 9 }),
    event({ name: 'e', timeMs: 3 }),
    event({ name: 'd', timeMs: 3 }),
    event({ name: 'f', timeMs: Number.NaN }),
  ]
  for (const shuffled of permutations(events)) assert.deepEqual(order(shuffled), ['a', 'b', 'c', 'd', 'e', 'f'])
})

test('a session is in order whatever its clocks say, and only what contradicts it moves', () => {
  const one = session('one')
  const events = [
    event({ name: 'start', session: one, phase: 1, timeMs: 100 }),
    event({ name: 'end', session: one, phase: 2, timeMs: 90 }),
    event({ name: 'acw', session: one, phase: 3, timeMs: 80 }),
    event({ name: 'before', timeMs: 95 }),
    event({ name: 'after', timeMs: 101 }),
  ]
  for (const shuffled of permutations(events)) assert.deepEqual(order(shuffled), ['before', 'start', 'end', 'acw', 'after'])
})

test('constraints and times that would make a circle still give one order', () => {
  const [one, two] = [session('one'), session('two')]
  const events = [
    event({ name: 'start 1', session: one, phase: 1, timeMs: 30 }),
    event({ name: 'end 1', session: one, phase: 2, timeMs: 10 }),
    event({ name: 'start 2', session: two, phase: 1, timeMs: 20 }),
    event({ name: 'end 2', session: two, phase: 2, timeMs: 5 }),
    event({ name: 'between', timeMs: 15 }),
  ]
  for (const shuffled of permutations(events)) assert.deepEqual(order(shuffled), ['between', 'start 2', 'end 2', 'start 1', 'end 1'])
})

test('a phase without a session constrains nothing', () => {
  const events = [event({ name: 'end', phase: 2, timeMs: 1 }), event({ name: 'start', phase: 1, timeMs: 2 })]
  for (const shuffled of permutations(events)) assert.deepEqual(order(shuffled), ['end', 'start'])
})

test('what is sealed of a session counts as standing before', () => {
  const one = session('one')
  const sealed = [{ token: one, phase: 1, opened: true, closed: false, last: { timeMs: 50, rank: 0, tie: 'x'.repeat(8) } }]
  const events = [event({ name: 'end', session: one, phase: 2, timeMs: 10 }), event({ name: 'other', timeMs: 20 }), event({ name: 'later', timeMs: 60 })]
  for (const shuffled of permutations(events)) assert.deepEqual(arrange(shuffled, (each) => each, sealed).map(named), ['other', 'end', 'later'])
})

const anEvent = fc.record({
  timeMs: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(Number.NaN)),
  rank: fc.integer({ min: 0, max: 2 }),
  phase: fc.integer({ min: 0, max: 3 }),
  session: fc.constantFrom(NO_SESSION, session('one'), session('two')),
})

test('every permutation of a small set gives the same order, and it keeps every constraint (property)', () => {
  fc.assert(
    fc.property(fc.array(anEvent, { minLength: 2, maxLength: 5 }), (fields) => {
      const events = fields.map((each, i) => event({ name: `${i}`, ...each }))
      const expected = order(events)
      for (const shuffled of permutations(events)) assert.deepEqual(order(shuffled), expected)
      const place = new Map(expected.map((name, i) => [name, i]))
      const free = events.filter((each) => each.phase === 0 || each.session === NO_SESSION)
      for (const a of events) {
        for (const b of events) {
          if (a.session !== NO_SESSION && a.session === b.session && a.phase > 0 && b.phase > a.phase) {
            assert.ok((place.get(named(a)) as number) < (place.get(named(b)) as number), `${named(a)} before ${named(b)}`)
          }
          // Nobody's session says anything of these two: time decides.
          if (free.includes(a) && free.includes(b) && a.timeMs < b.timeMs) assert.ok((place.get(named(a)) as number) < (place.get(named(b)) as number))
        }
      }
    }),
    { numRuns: Number(process.env['SLOW'] ? 10_000 : 600) },
  )
})

test('removing an event leaves the order of the others (property)', () => {
  // Only events without a phase: removing a start may let its end move forward, which is right.
  fc.assert(
    fc.property(fc.array(anEvent, { minLength: 2, maxLength: 8 }), fc.nat(), (fields, seed) => {
      const events = fields.map((each, i) => event({ name: `${i}`, ...each }))
      const free = events.filter((each) => each.phase === 0 || each.session === NO_SESSION)
      if (free.length === 0) return
      const gone = named(free[seed % free.length] as Entry)
      assert.deepEqual(
        order(events.filter((each) => named(each) !== gone)),
        order(events).filter((name) => name !== gone),
      )
    }),
  )
})
