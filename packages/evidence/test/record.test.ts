import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import reference from 'canonicalize'
import fc from 'fast-check'
import {
  EvidenceError,
  MAX_FILL_BYTES,
  auditId,
  auditIdBytes,
  encodeRecord,
  fillRecord,
  integrityHash,
  isAuditId,
  parseAuditId,
  parseRecord,
  recordBytes,
  spliceRecord,
} from '@sealtrail/evidence'
import type { JsonObject, RecordFields } from '@sealtrail/evidence'
import { sampleFields } from './sample.ts'

const code = (expected: string) => (error: unknown) => error instanceof EvidenceError && error.code === expected
const oracle = reference as unknown as (value: unknown) => string

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
const fields: fc.Arbitrary<RecordFields> = fc.record({
  auditid: fc.nat({ max: 1e9 }).map((n) => auditId(n, createHash('sha256').update(String(n)).digest('latin1'))),
  data: fc.dictionary(text, fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' })).map((data) => data as JsonObject),
  dataschema: text,
  id: text,
  late: fc.boolean(),
  provenance: fc.constantFrom('pushed', 'polled', 'backfilled', 'imported'),
  recordedtime: fc.constant('2026-01-02T03:04:05.678Z'),
  regulatorytag: fc.option(text),
  source: text,
  subject: text,
  subjectsequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  time: fc.option(fc.constantFrom('2026-01-02T03:04:05Z', '2026-01-02T03:04:05.1+05:30')),
  type: text,
})

test('encoded, spliced and filled, and written by another library: the same bytes', () => {
  fc.assert(
    fc.property(fields, (record) => {
      const { late, subjectsequence, ...draft } = record
      const whole = encodeRecord(record)
      assert.equal(whole, oracle({ ...Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null)), specversion: '1.0' }))
      const spliced = spliceRecord(draft)
      const bytes = Buffer.from(spliced.text)
      assert.equal(bytes.length, spliced.bytes)
      const into = new Uint8Array(bytes.length + MAX_FILL_BYTES + 3)
      const end = fillRecord(bytes, spliced.lateAt, spliced.sequenceAt, late, subjectsequence, into, 3)
      assert.equal(Buffer.from(into.subarray(3, end)).toString(), whole)
    }),
    { numRuns: 300 },
  )
})

test('parseRecord gives the fields back when their numbers are I-JSON', () => {
  fc.assert(
    fc.property(fields, (record) => {
      const bytes = recordBytes(record)
      try {
        assert.equal(encodeRecord(parseRecord(bytes)), Buffer.from(bytes).toString())
      } catch (error) {
        assert.ok(error instanceof EvidenceError && /number/.test(error.message), String(error))
      }
    }),
    { numRuns: 300 },
  )
})

test('each missing, extra or malformed attribute is named', () => {
  const good = JSON.parse(encodeRecord(sampleFields(0))) as JsonObject
  const parse = (record: JsonObject) => parseRecord(Buffer.from(oracle(record)))
  assert.deepEqual(parse(good), sampleFields(0))
  for (const key of Object.keys(good)) {
    const { [key]: _, ...without } = good
    if (key === 'time' || key === 'regulatorytag') assert.equal(parse(without)[key], null)
    else assert.throws(() => parse(without), new RegExp(`attribute ${key} is missing`))
    for (const bad of [null, '', 5.5, [], 'x\u0000']) {
      if (typeof bad === 'string' && bad !== '' && ['dataschema', 'id', 'source', 'subject', 'type', 'regulatorytag'].includes(key)) continue
      assert.throws(() => parse({ ...good, [key]: bad }), new RegExp(`attribute ${key} is malformed`), `${key} ${JSON.stringify(bad)}`)
    }
  }
  assert.throws(() => parse({ ...good, extra: 1 }), code('RECORD_FORMAT'))
  for (const time of [
    '2026-13-01T00:00:00.000Z',
    '2026-01-01 00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00.000+00:00',
  ]) {
    assert.throws(() => parse({ ...good, recordedtime: time }), code('RECORD_FORMAT'))
  }
  for (const sequence of [0, -1, 1.5, '1']) assert.throws(() => parse({ ...good, subjectsequence: sequence }), code('RECORD_FORMAT'))
})

test('only canonical bytes are a record', () => {
  const good = encodeRecord(sampleFields(1))
  for (const bad of [
    ' ' + good,
    good + '\n',
    good.replace(',"id"', ', "id"'),
    good.replace('"late":false', '"late": false'),
    good.replace('call-1', 'call\\u002d1'),
    good.replace('"n":0.25', '"n":0.250'),
    good.replace('"n":0.25', '"n":25e-2'),
  ]) {
    assert.notEqual(bad, good)
    assert.throws(() => parseRecord(Buffer.from(bad)), code('NOT_CANONICAL'))
  }
  const { auditid, ...rest } = JSON.parse(good) as JsonObject
  const swapped = JSON.stringify({ ...rest, auditid })
  assert.throws(() => parseRecord(Buffer.from(swapped)), code('NOT_CANONICAL'))
  assert.throws(() => parseRecord(Buffer.from(good.replace('"late":false', '"late":false,"late":false'))), code('NOT_I_JSON'))
})

test('every flipped bit of a record is noticed by its hash, and none crashes the parser', () => {
  const good = recordBytes(sampleFields(3))
  const hash = integrityHash(good)
  assert.equal(hash, 'sha256:' + createHash('sha256').update(good).digest('hex'))
  for (let i = 0; i < good.length * 8; i++) {
    const bad = Uint8Array.from(good)
    bad[i >> 3]! ^= 1 << (i & 7)
    assert.notEqual(integrityHash(bad), hash)
    try {
      parseRecord(bad)
    } catch (error) {
      assert.ok(error instanceof EvidenceError)
    }
  }
  for (let length = 0; length < good.length; length++) assert.throws(() => parseRecord(good.subarray(0, length)), EvidenceError)
})

test('a record is at most 65,535 bytes', () => {
  const base = sampleFields(0)
  const room = 65_535 - recordBytes({ ...base, data: { x: '' } }).length
  assert.equal(recordBytes({ ...base, data: { x: 'a'.repeat(room) } }).length, 65_535)
  assert.throws(() => encodeRecord({ ...base, data: { x: 'a'.repeat(room + 1) } }), code('TOO_LARGE'))
  assert.throws(() => encodeRecord({ ...base, data: { x: 'é'.repeat(room / 2 + 1) } }), code('TOO_LARGE'), 'bytes count, not characters')
  assert.throws(() => spliceRecord({ ...base, data: { x: 'é'.repeat(room / 2 + 1) } }), code('TOO_LARGE'))
})

test('audit ids: time and identity, in order of time, reversible', () => {
  const identity = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), identity, (timeMs, identity) => {
      const id = auditId(timeMs, identity)
      assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
      assert.deepEqual(parseAuditId(id), { timeMs, identity: identity.slice(0, 10) })
      const bytes = Buffer.from(auditIdBytes(id))
      assert.equal(bytes.readUIntBE(0, 6), timeMs)
      assert.equal(bytes.subarray(6).toString('latin1'), identity.slice(0, 10))
    }),
    { numRuns: 2000 },
  )
  const at = (timeMs: number): string => auditId(timeMs, '\xff'.repeat(32))
  assert.equal(at(Number.NaN), at(0))
  assert.equal(at(-5), at(0))
  assert.equal(at(1e18), at(2 ** 48 - 1))
  assert.equal(at(0), '0'.repeat(10) + 'Z'.repeat(16))
  assert.equal(at(2 ** 48 - 1), '7' + 'Z'.repeat(25))
  assert.ok(at(1000) < at(1001))
  for (const bad of ['', at(0).toLowerCase(), at(0) + '0', at(0).slice(1), '8' + at(0).slice(1), at(0).replace('Z', 'U'), at(0).replace('0', 'I')]) {
    assert.ok(!isAuditId(bad))
    assert.throws(() => auditIdBytes(bad), code('RECORD_FORMAT'))
  }
})
