// What the sealed records of erasures come to.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordFields } from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { Erasures, stateOf } from '../../src/privacy/erasures.ts'

const ID = '0'.repeat(31) + '1'
const DAY = 86_400_000
const START = Date.UTC(2026, 5, 1)
const record = (what: string, day: number, data: JsonObject): RecordFields =>
  ({ type: `sealtrail.system.${what}`, time: new Date(START + day * DAY).toISOString(), subject: `erasure/${ID}`, data }) as unknown as RecordFields

const REQUESTED = record('erasure-requested', 0, {
  by: 'ann',
  erasure: ID,
  expires: new Date(START + 3 * DAY).toISOString(),
  ground: 'GDPR Art. 17(1)(b)',
  reference: 'T-1',
})
const APPROVED = record('erasure-approved', 1, { by: 'bob', erasure: ID })
const DEFERRED = record('erasure-deferred', 2, { blocks: [{ kind: 'hold', hold: 'h', reason: 'm', records: 1 }], erasure: ID })
const WITHDRAWN = record('erasure-withdrawn', 4, { by: 'ann', erasure: ID, reason: 'she stays' })
const STARTED = record('erasure-started', 5, { by: 'ann', erasure: ID })
const COMPLETED = record('erasure', 6, { certificate: `sha256:${'a'.repeat(64)}`, erasure: ID, records: 7 })

function fold(...records: RecordFields[]): Erasures {
  const erasures = new Erasures()
  for (const each of records) erasures.take(each)
  return erasures
}
const state = (erasures: Erasures, day: number): string => stateOf(erasures.get(ID)!, START + day * DAY)

describe('erasures as they were sealed', () => {
  it('go from request to completion, and say by which certificate', () => {
    assert.deepEqual(
      [[], [APPROVED], [APPROVED, DEFERRED], [APPROVED, DEFERRED, STARTED], [APPROVED, DEFERRED, STARTED, COMPLETED]].map((more) =>
        state(fold(REQUESTED, ...more), 9),
      ),
      ['expired', 'deferred', 'deferred', 'running', 'completed'],
    )
    assert.equal(state(fold(REQUESTED), 2), 'requested')
    assert.equal(fold(REQUESTED, APPROVED, STARTED).certificateOf(ID), null)
    assert.deepEqual(fold(REQUESTED, APPROVED, STARTED, COMPLETED).certificateOf(ID), {
      completed: COMPLETED.time,
      certificate: `sha256:${'a'.repeat(64)}`,
    })
  })

  it('that were withdrawn stay so, and one that has begun cannot be withdrawn, whatever is sealed', () => {
    const withdrawn = fold(REQUESTED, APPROVED, WITHDRAWN, STARTED, COMPLETED)
    assert.deepEqual([state(withdrawn, 9), withdrawn.get(ID)?.started, withdrawn.certificateOf(ID)], ['withdrawn', null, null])
    assert.equal(state(fold(REQUESTED, APPROVED, STARTED, WITHDRAWN), 9), 'running')
    assert.equal(state(fold(REQUESTED, APPROVED, STARTED, WITHDRAWN, COMPLETED), 9), 'completed')
  })

  it('take each record once, and the first word of each', () => {
    const twice = fold(
      REQUESTED,
      REQUESTED,
      APPROVED,
      record('erasure-approved', 2, { by: 'eve', erasure: ID }),
      STARTED,
      record('erasure-started', 8, { erasure: ID }),
    )
    assert.deepEqual([twice.all().length, twice.get(ID)?.approved?.by, twice.get(ID)?.started], [1, 'bob', STARTED.time])
  })

  it('are the same from a snapshot at any point', () => {
    const all = [REQUESTED, APPROVED, DEFERRED, DEFERRED, STARTED, COMPLETED]
    for (let cut = 0; cut <= all.length; cut++) {
      const again = new Erasures()
      again.load(JSON.parse(JSON.stringify(fold(...all.slice(0, cut)).save())) as JsonValue)
      for (const each of all.slice(cut)) again.take(each)
      assert.deepEqual(again.all(), fold(...all).all(), `cut at ${cut}`)
    }
  })

  it('tell which had begun and were not completed at a time', () => {
    const done = fold(REQUESTED, APPROVED, STARTED, COMPLETED)
    const at = (day: number): readonly string[] => done.runningAt(new Date(START + day * DAY).toISOString())
    assert.deepEqual([at(4), at(5), at(5.5), at(6), at(7)], [[], [ID], [ID], [], []])
  })

  it('pass over records that are none, as these are sealed for ever', () => {
    const odd: JsonObject[] = [
      {},
      { erasure: 7 },
      { erasure: 'x' },
      { erasure: ID, blocks: 7 },
      { erasure: ID, blocks: [null, { kind: 'moon' }] },
      { erasure: '__proto__' },
    ]
    for (const what of ['erasure-requested', 'erasure-approved', 'erasure-deferred', 'erasure-withdrawn', 'erasure-started', 'erasure', 'erasure-later'])
      for (const data of odd) assert.doesNotThrow(() => fold(record(what, 0, data)), `${what} ${JSON.stringify(data)}`)
    assert.deepEqual(fold(REQUESTED, record('erasure-deferred', 1, { erasure: ID, blocks: [null, { kind: 'moon' }] })).get(ID)?.deferred?.blocks, [])
    assert.equal(fold(APPROVED, STARTED, COMPLETED).all().length, 0, 'without a request there is none')
  })
})
