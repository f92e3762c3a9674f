import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readFields } from '../../src/index/fields.ts'
import { START, recordObject, recordOf } from './sample.ts'

test('reads what JSON.parse reads, whatever the values hold', () => {
  const text = fc.string({ unit: 'binary', minLength: 1 }).filter((t) => t.isWellFormed())
  const tricky = fc.oneof(text, fc.constantFrom('"', '\\', '\\"', '"delivery_status":"READ"', ',"type":"x"', '{"', '}', 'é\u2028', '\0'))
  const sample = fc.record({
    n: fc.nat(1e9),
    subject: tricky,
    type: tricky,
    status: fc.option(tricky),
    tag: fc.option(tricky),
    schema: tricky,
    sequence: fc.nat(0xffff_ffff),
    late: fc.boolean(),
    timeMs: fc.option(fc.integer({ min: 1, max: 4e12 })),
    data: fc.dictionary(
      tricky.filter((k) => k !== '__proto__' && k !== 'delivery_status'),
      fc.jsonValue(),
      { maxKeys: 6 },
    ),
  })
  fc.assert(
    fc.property(sample, (made) => {
      const object = recordObject(made) as { data: Record<string, unknown>; recordedtime: string }
      const fields = readFields(Buffer.from(JSON.stringify(object)))
      assert.deepEqual(fields, {
        auditid: (object as unknown as { auditid: string }).auditid,
        subject: made.subject,
        subjectsequence: made.sequence,
        late: made.late,
        type: made.type,
        status: made.status ?? '',
        tag: made.tag ?? '',
        schema: made.schema,
        carrier: '',
        timeMs: made.timeMs ?? Date.parse(object.recordedtime),
      })
    }),
    { numRuns: 500 },
  )
})

test('a nested delivery_status is not the status', () => {
  const fields = readFields(recordOf({ n: 1, data: { a: { delivery_status: 'READ' }, b: [{ carrier_message_id: 'x' }], 'c"delivery_status': 'READ' } }))
  assert.equal(fields?.status, '')
  assert.equal(fields?.carrier, '')
})

test('the plain carrier message id is read, a commitment in its place is not', () => {
  assert.equal(readFields(recordOf({ n: 1, data: { carrier_message_id: 'SM77' } }))?.carrier, 'SM77')
  assert.equal(readFields(recordOf({ n: 1, data: { carrier_message_id: [{ '...': 'x' }] } }))?.carrier, '')
})

test('an event without time stands at its receive time', () => {
  assert.equal(readFields(recordOf({ n: 1, timeMs: null, recordedMs: START + 5 }))?.timeMs, START + 5)
})

test('truncated or flipped bytes never throw, truncated ones are no record', () => {
  const record = recordOf({ n: 7, status: 'READ', tag: 'T', data: { deep: [[{}], '}"'] } })
  for (let length = 0; length < record.length; length++) assert.equal(readFields(record.subarray(0, length)), null)
  for (let at = 0; at < record.length; at++) {
    for (const flip of [1, 2, 0x20, 0x80, 0xff]) {
      const damaged = Buffer.from(record)
      damaged[at] = (damaged[at] as number) ^ flip
      assert.doesNotThrow(() => readFields(damaged))
    }
  }
  assert.equal(readFields(Buffer.from('['.repeat(60_000))), null)
})
