// Records whose time was over: their leaf hashes stay and prove that nothing else is gone with them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPIRY_TYPE, LogAudit, PACK_LEAVES, checkHashTail, decodeSegment, expiryData, hashTailKeyOf, readExpiry } from '@sealtrail/evidence'
import type { AuditOptions, AuditResult, ExpiredRange, LeafHashes } from '@sealtrail/evidence'
import { LOG, ORIGIN, VKEY, sampleFields, sampleLog, segmentSigner, signCheckpoint } from './sample.ts'
import type { SampleSegment } from './sample.ts'
import { rootOf } from '@sealtrail/tlog'

const options: AuditOptions = {
  log: LOG,
  origin: ORIGIN,
  trust: VKEY,
  signer: segmentSigner.publicKey,
  records: { form: 'parse', auditids: true, subjects: true },
}
const log = sampleLog([2, 3, 1, 4])
const kept: LeafHashes = (first, count) => log.leaves.slice(first * 32, (first + count) * 32)
const range = (from: number, to: number): ExpiredRange => ({ log: LOG, from, to, class: 'standard', on: '2026-02-01T00:00:00.000Z', kept: [] })

function audit(segments: readonly SampleSegment[], extra: Partial<AuditOptions>, notes: readonly string[] = []): AuditResult {
  const state = new LogAudit({ ...options, ...extra })
  for (const { key, digest, bytes } of segments) state.segment(key, digest, bytes)
  for (const note of notes) state.checkpoint('note', note)
  state.checkpoint('checkpoint', log.checkpoint)
  state.head(log.head)
  return state.result()
}
const codes = (result: AuditResult): string[] => result.problems.map(({ code, index }) => (index === null ? code : `${code} ${index}`))

test('segments that expired are no problem, whichever they are, once their leaf hashes lead on', () => {
  // Any of the segments but the last one, in every combination.
  for (let gone = 0; gone < 8; gone++) {
    const left = log.segments.filter((_, at) => at === 3 || (gone & (1 << at)) === 0)
    const ranges = log.segments.slice(0, 3).flatMap(({ bytes }, at) => {
      const { header, trailer } = decodeSegment(bytes)
      return (gone & (1 << at)) === 0 ? [] : [range(header.first, trailer.size)]
    })
    const result = audit(left, { expired: { ranges, hashes: kept } })
    assert.deepEqual(codes(result), [], `combination ${gone}`)
    assert.equal(result.root, log.head.root)
    assert.deepEqual(
      result.expired.map(({ from, to }) => [from, to]),
      ranges.map(({ from, to }) => [from, to]),
    )
  }
})

test('what is gone without reason stays the alarm, beside and within what expired', () => {
  const last = log.segments.slice(3)
  assert.deepEqual(codes(audit(last, { expired: { ranges: [], hashes: kept }, hashes: kept })), ['SEGMENT_MISSING 0'])
  assert.deepEqual(codes(audit(last, { expired: { ranges: [range(0, 2)], hashes: kept }, hashes: kept })), ['SEGMENT_MISSING 2'])
  assert.deepEqual(codes(audit(last, { expired: { ranges: [range(2, 5)], hashes: kept }, hashes: kept })), ['SEGMENT_MISSING 0', 'SEGMENT_MISSING 5'])
  assert.deepEqual(codes(audit(last, { expired: { ranges: [range(0, 5), range(3, 6)], hashes: kept } })), [])
  // The last segment never expires: what the head names must stand.
  assert.deepEqual(codes(audit(log.segments.slice(0, 3), { expired: { ranges: [range(0, 10)], hashes: kept } })), [
    'CHECKPOINT_BEYOND 10',
    'HEAD_BEYOND 6',
    'RECORDS_UNVOUCHED 5',
  ])
})

test('an expiry that no leaf hashes prove is an alarm, whatever lies in the data directory', () => {
  const ranges = [range(0, 6)]
  for (const [name, hashes] of Object.entries<LeafHashes>({
    none: () => null,
    short: (first, count) => kept(first, count)!.subarray(32),
    changed: (first, count) => kept(first, count)!.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
    swapped: (first, count) => Buffer.concat([kept(first + 1, 1)!, kept(first, 1)!, kept(first + 2, count - 2)!]),
  })) {
    const result = audit(log.segments.slice(3), { expired: { ranges, hashes }, hashes: kept })
    assert.deepEqual(codes(result), ['EXPIRED_UNPROVEN 0'], name)
    assert.deepEqual(result.expired, [])
    assert.equal(result.root, log.head.root, 'the level files let the audit go on all the same')
  }
})

test('checkpoints of any size within an expired range are held against its leaf hashes', () => {
  const expired = { ranges: [range(0, 6)], hashes: kept }
  const note = (size: number, leaves = log.leaves): string => signCheckpoint({ size, root: Buffer.from(rootOf(leaves.subarray(0, size * 32))).toString('hex') })
  for (let size = 1; size <= 6; size++) {
    assert.deepEqual(codes(audit(log.segments.slice(3), { expired }, [note(size)])), [], `size ${size}`)
    const other = Buffer.from(log.leaves)
    other[size * 32 - 1]! ^= 1
    assert.deepEqual(codes(audit(log.segments.slice(3), { expired }, [note(size, other)])), [`CHECKPOINT_MISMATCH ${size}`])
  }
  // Within what still stands only the ends of segments count, as ever.
  assert.deepEqual(codes(audit(log.segments.slice(3), { expired }, [note(8)])), ['CHECKPOINT_MISMATCH 8'])
})

test('subjects whose beginning expired go on from any number, and from there without a gap', () => {
  const run = (sequence: (i: number) => number): string[] => {
    const one = sampleLog([4, 2, 4], (i) => sampleFields(i, 'call-1', sequence(i)))
    const state = new LogAudit({ ...options, expired: { ranges: [range(0, 4)], hashes: (first, count) => one.leaves.slice(first * 32, (first + count) * 32) } })
    for (const { key, digest, bytes } of one.segments.slice(1)) state.segment(key, digest, bytes)
    state.checkpoint('checkpoint', one.checkpoint)
    return codes(state.result())
  }
  assert.deepEqual(
    run((i) => i + 1),
    [],
  )
  assert.deepEqual(
    run((i) => (i < 6 ? i + 1 : i + 2)),
    ['SEQUENCE_GAP 6'],
  )
  assert.deepEqual(
    run((i) => (i === 7 ? 6 : i + 1)),
    ['SEQUENCE_GAP 7', 'SEQUENCE_GAP 8'],
  )
})

test('runs longer than a pack are led in steps, and tails are compared with the records', () => {
  const filler = sampleFields(0)
  const size = PACK_LEAVES + 40
  const many = sampleLog([PACK_LEAVES - 10, 30, 20], (i) => ({ ...filler, id: `e${i}`, data: {}, subject: 's', subjectsequence: i + 1 }))
  assert.equal(many.head.size, size)
  const slice = (from: number, to: number): Uint8Array => many.leaves.slice(from * 32, to * 32)
  const run = (tails: ReadonlyArray<readonly [string, Uint8Array]>, from = 1, expired: readonly ExpiredRange[] = [range(0, PACK_LEAVES - 10)]): string[] => {
    const state = new LogAudit({
      ...options,
      records: { form: 'scan', auditids: false, subjects: true },
      expired: { ranges: expired, hashes: (first, count) => slice(first, first + count) },
    })
    for (const [key, bytes] of tails) state.expectHashTail(key, bytes.length)
    for (const { key, digest, bytes } of many.segments.slice(from)) state.segment(key, digest, bytes)
    state.checkpoint('checkpoint', many.checkpoint)
    for (const [key, bytes] of tails) state.hashTail(key, bytes)
    return codes(state.result())
  }
  const tail = (first: number, bytes: Uint8Array): readonly [string, Uint8Array] => [hashTailKeyOf(LOG, first, bytes), bytes]
  const good = [tail(0, slice(0, 100)), tail(PACK_LEAVES, slice(PACK_LEAVES, PACK_LEAVES + 5)), tail(PACK_LEAVES + 5, slice(PACK_LEAVES + 5, size))]
  assert.deepEqual(run(good), [])
  assert.deepEqual(run(good, 0, []), [])
  assert.deepEqual(run(good, 2, [range(0, PACK_LEAVES + 20)]), [], 'a hole over the end of a run')
  const bad = slice(PACK_LEAVES, PACK_LEAVES + 25)
  bad[7]! ^= 1
  assert.deepEqual(run([tail(PACK_LEAVES, bad)]), [`HASH_PACK ${PACK_LEAVES}`])
  assert.deepEqual(run([[good[1]![0], bad]]), [`HASH_PACK ${PACK_LEAVES}`])
  assert.deepEqual(run([tail(PACK_LEAVES + 30, slice(PACK_LEAVES, PACK_LEAVES + 30))]), [`HASH_PACK ${PACK_LEAVES + 30}`], 'beyond the records')
})

test('a tail holds whole hashes within one run, under the digest of its bytes', () => {
  const bytes = new Uint8Array(96).fill(7)
  const key = hashTailKeyOf(LOG, 5, bytes)
  assert.match(key, /^interactions\/tail\/00000000000000000005-[0-9a-f]{32}$/)
  assert.deepEqual({ ...checkHashTail(key, bytes), sha256: '' }, { first: 5, count: 3, sha256: '' })
  for (const [at, wrong] of [
    [5, new Uint8Array(0)],
    [5, new Uint8Array(33)],
    [PACK_LEAVES - 2, bytes],
    [-1, bytes],
    [1.5, bytes],
  ] as const) {
    assert.throws(() => hashTailKeyOf(LOG, at, wrong), { code: 'HASH_PACK_FORMAT' })
  }
  assert.throws(() => checkHashTail(key, new Uint8Array(96)), { code: 'HASH_PACK_FORMAT' })
  assert.throws(() => checkHashTail(key.replace('/tail/', '/hashes/'), bytes), { code: 'KEY_FORMAT' })
})

test('an expiry record is read strictly', () => {
  const good = { type: EXPIRY_TYPE, time: '2026-02-01T00:00:00.000Z', data: expiryData(range(3, 9)) }
  assert.deepEqual(readExpiry(good), range(3, 9))
  for (const data of [
    null,
    [],
    {},
    { ...good.data, from: 9 },
    { ...good.data, from: -1 },
    { ...good.data, to: 1.5 },
    { ...good.data, log: 3 },
    { ...good.data, class: '' },
    { ...good.data, kept: ['../x'] },
    { ...good.data, kept: [1] },
    { ...good.data, kept: 'x' },
  ]) {
    assert.equal(readExpiry({ ...good, data }), null, JSON.stringify(data))
  }
  assert.equal(readExpiry({ ...good, type: 'sealtrail.system.start' }), null)
  assert.equal(readExpiry({ ...good, time: null }), null)
})
