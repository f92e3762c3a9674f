import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  canonicalize,
  EvidenceError,
  fillRecord,
  joinData,
  MAX_FILL_BYTES,
  MAX_OBJECT_BYTES,
  MAX_RECORD_BYTES,
  objectDigest,
  parseRecord,
  splitData,
  spliceRecord,
} from '../src/index.ts'
import type { JsonObject } from '../src/json.ts'
import type { RecordDraft } from '../src/record.ts'

const draftOf = (data: JsonObject, change: Partial<RecordDraft> = {}): RecordDraft => ({
  auditid: '01HXXBHG2800000000000000AA',
  data,
  dataschema: 'urn:sealtrail:schema:p:1',
  id: 'e1',
  provenance: 'pushed',
  recordedtime: '2026-03-01T09:00:00.000Z',
  regulatorytag: null,
  source: 'urn:s',
  subject: 's',
  time: '2026-03-01T09:00:00Z',
  type: 't',
  ...change,
})
const sealed = (draft: RecordDraft, sequence = 2 ** 53 - 1): Uint8Array => {
  const { text, lateAt, sequenceAt } = spliceRecord(draft)
  const bytes = Buffer.from(text)
  const into = new Uint8Array(bytes.length + MAX_FILL_BYTES)
  return into.subarray(0, fillRecord(bytes, lateAt, sequenceAt, false, sequence, into, 0))
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const long = (bytes: number): string => 'x'.repeat(bytes)
const coded = (code: string) => (error: unknown) => error instanceof EvidenceError && error.code === code

test('what is split comes together again, and the record is a record', () => {
  const value = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.constant({ a: [{ '...': 'x'.repeat(43) }] }),
    fc.nat(60_000).map(long),
  )
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.string({ maxLength: 12 }), fc.constant('__proto__')), value, { maxKeys: 20, noNullPrototype: true }),
      fc.nat(70_000),
      (some, bytes) => {
        const data = { ...some, body: long(70_000), other: long(bytes) } as JsonObject
        Object.defineProperty(data, '__proto__', { value: long(9), enumerable: true, configurable: true, writable: true })
        const { draft, object, digest } = splitData(draftOf(data))
        const leaf = sealed(draft)
        assert.ok(leaf.length <= MAX_RECORD_BYTES)
        const record = parseRecord(leaf)
        assert.equal(objectDigest(record), digest)
        assert.equal(digest, sha256(object))
        const opened = joinData(record, object)
        assert.ok('data' in opened)
        assert.equal(canonicalize(opened.data), canonicalize(data))
      },
    ),
    { numRuns: 60 },
  )
})

test('only what must move moves: the largest first, never what bookkeeping reads', () => {
  const { draft } = splitData(draftOf({ a: long(30_000), b: long(40_000), c: long(20_000), delivery_status: 'READ' }))
  assert.deepEqual(Object.keys(draft.data).sort(), ['a', 'c', 'delivery_status'])
  const many = Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`m${String(i).padStart(5, '0')}`, long(40)]))
  const split = splitData(draftOf({ ...many, delivery_status: 'FAILED', carrier_message_id: 'c' }))
  assert.equal(split.draft.data['delivery_status'], 'FAILED')
  assert.equal(split.draft.data['carrier_message_id'], 'c')
})

test('at the last byte a record still stands alone, one byte more and it does not', () => {
  const room = MAX_RECORD_BYTES - MAX_FILL_BYTES - spliceRecord(draftOf({ m: '' })).bytes
  assert.equal(sealed(draftOf({ m: long(room) })).length, MAX_RECORD_BYTES)
  assert.throws(() => spliceRecord(draftOf({ m: long(room + 1) })), coded('TOO_LARGE'))
  assert.deepEqual(splitData(draftOf({ m: long(room + 1) })).draft.data, {})
  // Splitting fills the leaf to its last byte where it can.
  const rest = MAX_RECORD_BYTES - MAX_FILL_BYTES - spliceRecord(draftOf({ m: '' }, { dataobject: `sha256:${'0'.repeat(64)}` })).bytes
  const full = splitData(draftOf({ m: long(rest), n: long(rest + 1) })).draft
  assert.deepEqual([Object.keys(full.data), sealed(full).length], [['m'], MAX_RECORD_BYTES])
})

test('attributes too large for a leaf, and objects too large for anybody, are refused', () => {
  assert.throws(() => splitData(draftOf({ a: 1 }, { subject: long(70_000) })), coded('TOO_LARGE'))
  assert.throws(() => splitData(draftOf({ delivery_status: long(70_000) })), coded('TOO_LARGE'))
  assert.throws(() => splitData(draftOf({ a: long(MAX_OBJECT_BYTES) })), coded('TOO_LARGE'))
})

test('an object that is not the record’s is none', () => {
  const { draft, object } = splitData(draftOf({ body: long(70_000), small: 1 }))
  const record = parseRecord(sealed(draft))
  const code = (bytes: Uint8Array | null): string => {
    const opened = joinData(record, bytes)
    return 'data' in opened ? 'fits' : opened.code
  }
  assert.equal(code(object), 'fits')
  assert.equal(code(null), 'OBJECT_MISSING')
  for (const at of [0, 1, 8, 9, 40_000, object.length - 2, object.length - 1])
    assert.equal(code(object.map((byte, i) => (i === at ? byte ^ 1 : byte))), 'OBJECT_CHANGED')
  for (const bytes of [
    object.subarray(1),
    object.subarray(0, -1),
    Buffer.concat([object, Buffer.from('\n')]),
    new Uint8Array(0),
    new Uint8Array(MAX_OBJECT_BYTES + 1),
  ])
    assert.equal(code(bytes), 'OBJECT_CHANGED')
  // A writer that names something else than an object with members of its own.
  for (const text of ['[]', 'null', '"x"', '{"b":1,"a":2}', '{"a": 1}', '{"a":1,"a":1}', '{"small":2}', '{"a":1', '\ufeff{}', '{"a":1}\n']) {
    const bytes = Buffer.from(text)
    const opened = joinData({ data: record.data, dataobject: `sha256:${sha256(bytes)}` }, bytes)
    assert.equal('code' in opened && opened.code, 'OBJECT_FORMAT', text)
  }
})

test('a record names its object in one way only', () => {
  const { draft } = splitData(draftOf({ body: long(70_000) }))
  const text = Buffer.from(sealed(draft)).toString()
  const name = String(draft.dataobject)
  for (const wrong of [name.toUpperCase(), name.slice(0, -1), `${name}0`, name.replace('sha256', 'sha512'), name.slice(7), ''])
    assert.throws(() => parseRecord(Buffer.from(text.replace(name, wrong))), coded('RECORD_FORMAT'), wrong)
  // A member of the data that is called the same is a member of the data.
  assert.equal(objectDigest(parseRecord(sealed(draftOf({ dataobject: name })))), null)
})
