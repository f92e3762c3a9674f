import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FLAG } from '../../src/event/entry.ts'
import type { Entry } from '../../src/event/entry.ts'
import { arrange } from '../../src/sequence/arrange.ts'
import { supersedes } from '../../src/sequence/precedence.ts'
import { Sequencer } from '../../src/sequence/sequencer.ts'
import { MAX_SESSIONS, NO_RECORDS, place } from '../../src/sequence/subject.ts'
import type { SubjectState } from '../../src/sequence/subject.ts'
import { at, event, named, permutations, session, subject } from './events.ts'

const one = session('one')
const token = subject('s').replaceAll('.', 's')

/** Seals releases one after another; says each record as `number name` with `late` marked by a star. */
function sealAll(releases: readonly (readonly Entry[])[]): string[] {
  let state: SubjectState = NO_RECORDS
  return releases.flatMap((release) =>
    arrange(release, (each) => each, state.sessions).map((each) => {
      const placing = place(state, each)
      state = placing.state
      return `${state.count} ${named(each)}${placing.late ? '*' : ''}`
    }),
  )
}

test('numbers are gapless, order within a release is logical, and what comes too late is marked', () => {
  const [a, b, c, d] = [1, 2, 3, 4].map((timeMs) => event({ name: 'abcd'[timeMs - 1] as string, timeMs })) as [Entry, Entry, Entry, Entry]
  assert.deepEqual(
    sealAll([
      [b, a],
      [d, c],
    ]),
    ['1 a', '2 b', '3 c', '4 d'],
  )
  assert.deepEqual(
    sealAll([
      [a, d],
      [c, b],
    ]),
    ['1 a', '2 d', '3 b*', '4 c*'],
  )
  assert.deepEqual(sealAll([[c], [b, d], [a]]), ['1 c', '2 b*', '3 d', '4 a*'])
})

test('nothing is late after an event without time, and an event without time is never late', () => {
  const none = event({ name: 'none', timeMs: Number.NaN })
  assert.deepEqual(sealAll([[none], [event({ name: 'a', timeMs: 5 })], [event({ name: 'none 2', timeMs: Number.NaN })], [event({ name: 'b', timeMs: 6 })]]), [
    '1 none',
    '2 a',
    '3 none 2',
    '4 b',
  ])
})

test('late looks at the session first: an end behind its start is not late by its clock, a start behind its end is', () => {
  const start = event({ name: 'start', session: one, phase: 1, timeMs: 100, flags: FLAG.held | FLAG.opens })
  const end = event({ name: 'end', session: one, phase: 2, timeMs: 90, flags: FLAG.held | FLAG.closes })
  assert.deepEqual(sealAll([[start], [end]]), ['1 start', '2 end'])
  assert.deepEqual(sealAll([[end], [start]]), ['1 end', '2 start*'])
  assert.deepEqual(sealAll([[start, event({ name: 'other', timeMs: 110 })], [end]]), ['1 start', '2 other', '3 end*'])
})

test('however a set is cut into releases, late marks exactly what belongs before something sealed earlier', () => {
  // Without phases the order of two events does not depend on the others, so the definition can be checked directly.
  const events = [1, 2, 3, 4].map((timeMs) => event({ name: `${timeMs}`, timeMs }))
  for (const shuffled of permutations(events)) {
    for (let cut = 1; cut < 4; cut++) {
      const said = sealAll([shuffled.slice(0, cut), shuffled.slice(cut)])
      const first = Math.max(...shuffled.slice(0, cut).map((each) => each.timeMs))
      for (const line of said.slice(cut)) {
        const timeMs = Number(line.split(' ')[1]?.replace('*', ''))
        assert.equal(line.endsWith('*'), timeMs < first, `${shuffled.map(named)} cut at ${cut}: ${line}`)
      }
    }
  }
})

test('a status of lower precedence is superseded, the current one stays', () => {
  const [DELIVERED, READ, FAILED, EXPIRED] = [1, 2, 3, 4]
  for (const incoming of [DELIVERED, READ, FAILED, EXPIRED] as number[]) {
    for (const current of [0, DELIVERED, READ, FAILED, EXPIRED] as number[]) assert.equal(supersedes(incoming, current), incoming >= current)
  }
  let state = NO_RECORDS
  const seal = (statusRank: number) => {
    const placing = place(state, event({ flags: 0, statusRank, timeMs: -state.count }))
    state = placing.state
    return [state.count, placing.late, state.statusRank, state.statusSequence]
  }
  assert.deepEqual(seal(2), [1, false, 2, 1])
  assert.deepEqual(seal(1), [2, true, 2, 1])
  assert.deepEqual(seal(2), [3, false, 2, 3], 'the same status again: its newest receipt')
  assert.deepEqual(seal(4), [4, false, 4, 4])
  assert.deepEqual(seal(3), [5, true, 4, 4])
  assert.deepEqual(seal(0), [6, false, 4, 4], 'a refusal or quarantined input has no status')
})

test('sessions remembered are bounded, those that ended go first', () => {
  let state = NO_RECORDS
  const open = session('open')
  const seal = (name: string, flags: number) => (state = place(state, event({ session: name, phase: 1, flags: FLAG.held | flags })).state)
  seal(open, FLAG.opens)
  for (let i = 0; i < MAX_SESSIONS * 2; i++) seal(session(`${i}`), FLAG.opens | FLAG.closes)
  assert.equal(state.sessions.length, MAX_SESSIONS)
  assert.ok(state.sessions.some((each) => each.token === open))
  for (let i = 0; i < MAX_SESSIONS * 2; i++) seal(session(`o${i}`), FLAG.opens)
  assert.equal(state.sessions.length, MAX_SESSIONS)
})

test('a subject is reserved, loaded, numbered and forgotten once the ledger has it', () => {
  const sequencer = new Sequencer()
  assert.throws(() => sequencer.number([at(event())]), /reserved/)
  assert.deepEqual(sequencer.reserve([token, token]), [token])
  assert.throws(() => sequencer.number([at(event())]), /loaded/)
  sequencer.load([token], [{ ...NO_RECORDS, count: 7 }])
  const [first] = sequencer.number([at(event({ timeMs: 1 }))])
  assert.equal(first?.sequence, 8)
  // The ledger still says 7: what is at hand stays.
  assert.deepEqual(sequencer.reserve([token]), [])
  sequencer.load([token], [{ ...NO_RECORDS, count: 7 }])
  const more = sequencer.number([at(event({ timeMs: 3 })), at(event({ timeMs: 2 }))])
  assert.deepEqual(
    more.map(({ sequence, entry, state }) => [sequence, entry.timeMs, state.count]),
    [
      [9, 2, 9],
      [10, 3, 10],
    ],
  )
  assert.equal(first?.state.count, 8, 'the state stored with a record is not changed by later ones')
  sequencer.written([token])
  sequencer.written([token, token])
  assert.equal(sequencer.active, 1, 'one reservation of the first call is still open')
  sequencer.release(token)
  assert.equal(sequencer.active, 0)
})

test('asked for twice before the first answer: the second answer changes nothing', () => {
  const sequencer = new Sequencer()
  assert.deepEqual(sequencer.reserve([token]), [token])
  assert.deepEqual(sequencer.reserve([token]), [token])
  sequencer.load([token], [null])
  assert.equal(sequencer.number([at(event())])[0]?.sequence, 1)
  sequencer.written([token])
  sequencer.load([token], [{ ...NO_RECORDS, count: 0 }])
  assert.equal(sequencer.number([at(event())])[0]?.sequence, 2)
  sequencer.written([token])
  assert.equal(sequencer.active, 0)
})

test('numbers stay gapless however loads, numbering and ledger writes interleave (property)', () => {
  const step = fc.oneof(fc.record({ number: fc.integer({ min: 0, max: 2 }) }), fc.record({ written: fc.integer({ min: 1, max: 4 }) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const sequencer = new Sequencer()
      const ledger = new Map<string, SubjectState>()
      const unwritten: { token: string; state: SubjectState }[] = []
      const counts = new Map<string, number>()
      for (const each of steps) {
        if ('number' in each) {
          const who = subject(`${each.number}`)
          const missing = sequencer.reserve([who])
          sequencer.load(
            missing,
            missing.map((name) => ledger.get(name) ?? null),
          )
          for (const { sequence, state } of sequencer.number([at(event({ subjectToken: who })), at(event({ subjectToken: who }))])) {
            assert.equal(sequence, (counts.get(who) ?? 0) + 1)
            counts.set(who, sequence)
            unwritten.push({ token: who, state })
          }
        } else {
          const commit = unwritten.splice(0, each.written)
          for (const record of commit) ledger.set(record.token, record.state)
          sequencer.written(commit.map((record) => record.token))
        }
      }
      sequencer.written(unwritten.map((record) => record.token))
      assert.equal(sequencer.active, 0)
    }),
  )
})
