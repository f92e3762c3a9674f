import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { auditTime, decodeEntry, encodeEntry, entryBound, readTokens } from '../../src/event/entry.ts'
import type { EntryDraft } from '../../src/event/entry.ts'

const latin1 = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('latin1'))

const drafts: fc.Arbitrary<{ draft: EntryDraft; vaultKey: Uint8Array | null }> = fc
  .record({
    flags: fc.integer({ min: 0, max: 255 }),
    statusRank: fc.integer({ min: 0, max: 255 }),
    phase: fc.integer({ min: 0, max: 255 }),
    rank: fc.integer({ min: 0, max: 65_535 }),
    timeMs: fc.oneof(fc.constant(NaN), fc.integer({ min: -1e14, max: 1e14 })),
    receivedMs: fc.integer({ min: 0, max: 2e12 }),
    identity: latin1(32),
    fingerprint: latin1(16),
    subjectToken: latin1(16),
    session: latin1(8),
    log: fc.constantFrom('interactions', 'notifications', 'system', 'a'),
    subject: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
    tokens: fc.array(fc.record({ kind: fc.constantFrom('phone', 'external_id', 'x'), token: latin1(16) }), { maxLength: 5 }),
    recordText: fc.string({ unit: 'grapheme', maxLength: 300 }),
    lateAt: fc.nat(300),
    sequenceAt: fc.nat(300),
  })
  .chain((fields) =>
    fc.record({
      draft: fc.constant({ ...fields, recordBytes: Buffer.byteLength(fields.recordText) }),
      vaultKey: fc.option(fc.uint8Array({ minLength: 24, maxLength: 24 }).filter((key) => key.some((byte) => byte !== 0))),
    }),
  )

test('an entry comes back as it was written, wherever it stands in a buffer', () => {
  fc.assert(
    fc.property(drafts, fc.nat(64), ({ draft, vaultKey }, at) => {
      const buffer = Buffer.alloc(at + entryBound(draft), 0xff)
      const end = encodeEntry(draft, vaultKey, buffer, at)
      assert.ok(end <= buffer.length)
      const entry = decodeEntry(buffer.subarray(at, end))
      const { recordText, recordBytes, tokens, ...rest } = draft
      const { record, tokens: tokenBytes, vaultKey: key, ...read } = entry
      assert.deepEqual({ ...read }, { ...rest })
      assert.deepEqual(key === null ? null : Uint8Array.from(key), vaultKey)
      assert.equal(Buffer.from(record).toString(), recordText)
      assert.equal(record.length, recordBytes)
      assert.deepEqual(
        readTokens(tokenBytes).map(({ kind, token }) => ({ kind, token: Buffer.from(token).toString('latin1') })),
        tokens.map((each) => ({ ...each })),
      )
    }),
  )
})

test('bytes that are no entry, or of another length, are refused', () => {
  const [{ draft, vaultKey }] = fc.sample(drafts, 1) as [{ draft: EntryDraft; vaultKey: Uint8Array | null }]
  const buffer = Buffer.alloc(entryBound(draft))
  const whole = buffer.subarray(0, encodeEntry(draft, vaultKey, buffer, 0))
  for (const length of [0, 1, 135, whole.length - 1]) assert.throws(() => decodeEntry(whole.subarray(0, length)), RangeError)
  assert.throws(() => decodeEntry(Buffer.concat([whole, Buffer.of(0)])), RangeError)
  whole[0] = 2
  assert.throws(() => decodeEntry(whole), RangeError)
})

test('the time an audit id holds is a 48-bit number, whatever the event says', () => {
  assert.equal(auditTime(NaN), 0)
  assert.equal(auditTime(-5), 0)
  assert.equal(auditTime(1.9), 1)
  assert.equal(auditTime(2 ** 60), 2 ** 48 - 1)
})
