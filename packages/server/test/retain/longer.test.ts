import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordFields } from '@sealtrail/evidence'
import { Longer } from '../../src/retain/longer.ts'

const flag = (log: string, subject: string, more: object = {}): RecordFields =>
  ({ data: { by: 'sealtrail', class: 'phi', flag: 'f', log, reason: 'class', subject, until: '2030-01-01T00:00:00.000Z', ...more } }) as unknown as RecordFields
const make = (): Longer => new Longer((log, asked) => (log === 'tiered' ? null : asked === 'phi' ? 'COMPLIANCE' : 'GOVERNANCE'))
const at = Date.UTC(2030, 0, 1)

test('a lock only grows, in date and in mode, and what grows is to be done again', () => {
  const longer = make()
  longer.take(flag('calls', 's', { class: null }))
  assert.deepEqual(longer.of('calls', 's'), { mode: 'GOVERNANCE', retainUntilMs: at })
  const [first] = longer.pending()
  longer.done(first ?? assert.fail())
  assert.equal(longer.pending().length, 0)
  longer.take(flag('calls', 's', { class: null, until: '2029-01-01T00:00:00.000Z' }))
  assert.equal(longer.pending().length, 0)
  longer.take(flag('calls', 's'))
  assert.deepEqual(longer.of('calls', 's'), { mode: 'COMPLIANCE', retainUntilMs: at })
  // What was done of an older demand does not do for the newer one.
  longer.done(first ?? assert.fail())
  assert.equal(longer.pending().length, 1)
  longer.again('calls', 'nobody')
  assert.equal(longer.pending().length, 1)
})

test('other reasons, logs with tiers and what is no flag change nothing', () => {
  const longer = make()
  for (const each of [flag('calls', 's', { reason: 'complaint' }), flag('tiered', 's'), flag('calls', 's', { until: 'then' }), flag('calls', 's', { log: 7 })])
    longer.take(each)
  assert.equal(longer.of('calls', 's'), null)
  assert.equal(longer.of('tiered', 's'), null)
})

test('a snapshot brings back what is to be done, and what is not', () => {
  const longer = make()
  longer.take(flag('calls', 'a'))
  longer.take(flag('calls', 'b'))
  longer.done(longer.pending()[0] ?? assert.fail())
  const again = make()
  again.load(JSON.parse(JSON.stringify(longer.save())) as ReturnType<Longer['save']>)
  assert.deepEqual(
    again.pending().map(({ subject }) => subject),
    ['b'],
  )
  assert.deepEqual(again.of('calls', 'a'), longer.of('calls', 'a'))
  again.again('calls', 'a')
  assert.equal(again.pending().length, 2)
  again.load(null)
  assert.equal(again.of('calls', 'a'), null)
})
