import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Frontier, ed25519PublicKey, ed25519Sign, ed25519Signer } from '@sealtrail/tlog'
import { LogAudit, PACK_LEAVES, decodeSegment, encodeSegment, hashPackKeyOf, recordBytes, segmentKey, segmentRecord } from '@sealtrail/evidence'
import type { AuditOptions, AuditResult, LogHead, SegmentHeader } from '@sealtrail/evidence'
import { LOG, ORIGIN, VKEY, sampleFields, sampleLog, segmentSigner, sha256, signCheckpoint } from './sample.ts'
import type { SampleLog, SampleSegment } from './sample.ts'

const checks = { form: 'parse', auditids: true, subjects: true } as const
const options: AuditOptions = { log: LOG, origin: ORIGIN, trust: VKEY, signer: segmentSigner.publicKey, records: checks }
const log = sampleLog([2, 3, 1, 4])

function audit(segments: readonly SampleSegment[], extra: Partial<AuditOptions> = {}, end: Partial<SampleLog> = log): AuditResult {
  const state = new LogAudit({ ...options, ...extra })
  for (const { key, digest, bytes } of segments) state.segment(key, digest, bytes)
  if (end.checkpoint !== undefined) state.checkpoint('checkpoint', end.checkpoint)
  if (end.head !== undefined) state.head(end.head)
  return state.result()
}
const codes = (result: AuditResult): string[] => result.problems.map(({ code, index }) => (index === null ? code : `${code} ${index}`))
/** The segment with other bytes under the same key, as a store would hand it out. */
const changed = (segment: SampleSegment, bytes: Uint8Array): SampleSegment => ({ key: segment.key, digest: sha256(bytes), bytes })
const replace = (at: number, bytes: Uint8Array): SampleSegment[] => log.segments.with(at, changed(log.segments[at]!, bytes))
/** The segment written anew by somebody with the segment key, under its right key. */
function rewrite(
  at: number,
  change: (header: SegmentHeader, records: Uint8Array[]) => { header?: SegmentHeader; records?: Uint8Array[]; root?: string },
  signer = segmentSigner,
): SampleSegment {
  const segment = decodeSegment(log.segments[at]!.bytes)
  const records = Array.from({ length: segment.header.count }, (_, i) => segmentRecord(segment, i).slice())
  const { header = segment.header, records: others = records, root = segment.trailer.root } = change(segment.header, records)
  const bytes = encodeSegment(header, others, root, signer)
  return { key: segmentKey(LOG, header.first, sha256(bytes)), digest: sha256(bytes), bytes }
}

test('a good log is ok, with and without a key', () => {
  const result = audit(log.segments)
  assert.deepEqual(result, { ok: true, log: LOG, size: 10, root: log.head.root, trust: 'given', problems: [], expired: [], more: 0 })
  assert.deepEqual(audit(log.segments, { trust: null, origin: null, signer: null, records: { ...checks, form: 'scan' } }), { ...result, trust: 'none' })
  assert.equal(audit([], {}, {}).ok, true)
})

test('every flipped byte of every segment is found, and only that segment is named', () => {
  const small = sampleLog([1, 2, 1])
  for (const [at, segment] of small.segments.entries()) {
    const last = at === small.segments.length - 1
    for (let i = 0; i < segment.bytes.length; i++) {
      const bytes = Uint8Array.from(segment.bytes)
      bytes[i]! ^= 1 << (i % 7)
      // Every other time with the old digest: what then is left to notice it is the content.
      const digest = i % 2 === 0 ? sha256(bytes) : segment.digest
      const result = audit(small.segments.with(at, { key: segment.key, digest, bytes }), { trust: null }, small)
      assert.ok(!result.ok, `byte ${i} of segment ${at} went unnoticed`)
      for (const problem of result.problems) {
        const atEnd = last && ['head', 'checkpoint'].includes(problem.object)
        assert.ok(problem.object === segment.key || atEnd, `byte ${i} of segment ${at}: ${JSON.stringify(problem)}`)
      }
    }
  }
})

test('a changed record is named by its index when leaf hashes are kept elsewhere, and the audit goes on', () => {
  const hashes = (first: number, count: number): Uint8Array => log.leaves.subarray(first * 32, (first + count) * 32)
  const segment = decodeSegment(log.segments[1]!.bytes)
  for (let i = 0; i < 3; i++) {
    const bytes = Uint8Array.from(log.segments[1]!.bytes)
    bytes[segment.starts[i]! + 60]! ^= 1
    const result = audit(replace(1, bytes), { hashes })
    assert.deepEqual(codes(result), ['SEGMENT_KEY 2', 'SEGMENT_SIGNATURE 2', `RECORD_CHANGED ${2 + i}`])
    assert.equal(result.root, log.head.root)
    assert.deepEqual(codes(audit(replace(1, bytes))), ['SEGMENT_KEY 2', 'SEGMENT_SIGNATURE 2', 'ROOT_MISMATCH 2'])
    assert.equal(audit(replace(1, bytes)).root, null)
  }
  const lying = (first: number, count: number): Uint8Array => new Uint8Array(count * 32).fill(first)
  const bytes = Uint8Array.from(log.segments[1]!.bytes)
  bytes[segment.starts[1]! + 60]! ^= 1
  assert.ok(codes(audit(replace(1, bytes), { hashes: lying })).includes('ROOT_MISMATCH 2'))
})

test('a missing segment is named with its range; the last one by head and checkpoint', () => {
  const hashes = (first: number, count: number): Uint8Array => log.leaves.subarray(first * 32, (first + count) * 32)
  for (const at of [0, 1, 2]) {
    const { first } = decodeSegment(log.segments[at]!.bytes).header
    for (const extra of [{}, { hashes }]) {
      const result = audit(log.segments.toSpliced(at, 1), extra)
      assert.deepEqual(codes(result), [`SEGMENT_MISSING ${first}`])
      assert.match(result.problems[0]!.message, new RegExp(log.segments[at]!.digest.slice(0, 32)))
      assert.equal(result.root, 'hashes' in extra ? log.head.root : null)
      assert.equal(result.size, 10)
    }
  }
  assert.deepEqual(codes(audit(log.segments.slice(0, 3))), ['CHECKPOINT_BEYOND 10', 'HEAD_BEYOND 6', 'RECORDS_UNVOUCHED 5'])
  assert.deepEqual(codes(audit([])), ['CHECKPOINT_BEYOND 10', 'HEAD_BEYOND 0'])
})

test('unreadable objects are named once, not again as missing', () => {
  for (const at of [0, 1, 2, 3]) {
    const state = new LogAudit(options)
    log.segments.forEach(({ key, digest, bytes }, i) => (i === at ? state.unreadable(key, 'not zstd') : state.segment(key, digest, bytes)))
    const { first } = decodeSegment(log.segments[at]!.bytes).header
    assert.deepEqual(
      codes(state.result()).filter((code) => !code.startsWith('RECORDS_UNVOUCHED')),
      [`SEGMENT_UNREADABLE ${first}`],
    )
  }
  const two = new LogAudit({ ...options, trust: null })
  two.unreadable(log.segments[0]!.key, 'x')
  two.segment(log.segments[2]!.key, log.segments[2]!.digest, log.segments[2]!.bytes)
  assert.deepEqual(codes(two.result()), ['SEGMENT_UNREADABLE 0', 'SEGMENT_MISSING 0'], 'one unreadable does not hide the missing one after it')
})

test('swapped, doubled and foreign segments', () => {
  const [a, b, c, d] = log.segments as [SampleSegment, SampleSegment, SampleSegment, SampleSegment]
  assert.ok(codes(audit([a, c, b, d])).includes('SEGMENT_MISSING 2'))
  assert.ok(codes(audit([a, c, b, d])).includes('SEGMENT_ORDER 2'))
  assert.deepEqual(codes(audit([a, b, b, c, d])), ['SEGMENT_ORDER 2'])
  // Contents swapped under the keys: every store reads them in the order of keys.
  const swapped = [a, { ...c, key: b.key }, { ...b, key: c.key }, d]
  assert.ok(codes(audit(swapped)).includes('SEGMENT_KEY 5'))
  const fork = rewrite(1, (header) => ({ header: { ...header, created: '2026-01-01T00:00:01.000Z' } }))
  assert.deepEqual(codes(audit([a, b, fork, c, d])), ['SEGMENT_ORDER 2'])
  const foreign = rewrite(1, (header) => ({ header: { ...header, log: 'other.example.org/interactions' } }))
  assert.deepEqual(codes(audit([a, foreign, c, d])), ['SEGMENT_LOG 2', 'SEGMENT_CHAIN 5'])
})

test('somebody with the segment key cannot change what is sealed', () => {
  const [a, , c, d] = log.segments as [SampleSegment, SampleSegment, SampleSegment, SampleSegment]
  const other = rewrite(1, (_, records) => ({ records: records.with(1, recordBytes(sampleFields(77))) }))
  assert.deepEqual(codes(audit([a, other, c, d])), ['ROOT_MISMATCH 2', 'SEGMENT_CHAIN 5'])
  const frontier = new Frontier()
  frontier.append(log.leaves.subarray(0, 32 * 2))
  const reordered = rewrite(1, (_, records) => ({ records: [records[1]!, records[0]!, records[2]!] }))
  assert.ok(codes(audit([a, reordered, c, d])).includes('ROOT_MISMATCH 2'))
  const strangerSeed = new Uint8Array(32).fill(1)
  const stranger = { publicKey: ed25519PublicKey(strangerSeed), sign: (message: Uint8Array) => ed25519Sign(strangerSeed, message) }
  assert.deepEqual(codes(audit([a, rewrite(1, () => ({}), stranger), c, d])), ['SEGMENT_SIGNER 2', 'SEGMENT_CHAIN 5'])
})

test('a whole log forged consistently falls at the trusted key only', () => {
  const forged = sampleLog([2, 3, 1, 4], (i) => sampleFields(i === 4 ? 400 : i, `call-${i % 3}`, Math.floor(i / 3) + 1))
  assert.equal(audit(forged.segments, {}, forged).ok, true, 'the log key is the one thing trusted')
  const strip = (segments: readonly SampleSegment[]): SampleSegment[] => {
    let digest = ''
    return segments.map(({ bytes }) => {
      const segment = decodeSegment(bytes)
      const records = Array.from({ length: segment.header.count }, (_, i) => segmentRecord(segment, i))
      const previous = { ...segment.header.previous, checkpoint: '', segment: digest }
      const next = encodeSegment({ ...segment.header, previous }, records, segment.trailer.root, segmentSigner)
      digest = sha256(next)
      return { key: segmentKey(LOG, segment.header.first, digest), digest, bytes: next }
    })
  }
  // Without the log key a forger must leave the checkpoints out; with a trusted key that is not ok.
  assert.deepEqual(codes(audit(strip(forged.segments), {}, {})), ['RECORDS_UNVOUCHED 0'])
  assert.deepEqual(codes(audit(strip(forged.segments), {}, { checkpoint: log.checkpoint })), ['CHECKPOINT_MISMATCH 10', 'RECORDS_UNVOUCHED 0'])
  assert.equal(audit(strip(forged.segments), { trust: null }, {}).ok, true, 'consistent, signer not established')
})

test('checkpoints: every flipped byte, other keys, other logs, other sizes', () => {
  for (let i = 0; i < log.checkpoint.length; i++) {
    const bytes = Buffer.from(log.checkpoint)
    bytes[i % bytes.length]! ^= 1
    const result = audit(log.segments, {}, { checkpoint: bytes.toString('latin1') })
    assert.ok(!result.ok && result.problems.every(({ object }) => object === 'checkpoint'), `byte ${i}`)
  }
  const stranger = ed25519Signer(ORIGIN, new Uint8Array(32).fill(3)).vkey
  assert.ok(codes(audit(log.segments, { trust: stranger })).includes('CHECKPOINT_SIGNATURE 10'))
  const at = (head: Pick<LogHead, 'size' | 'root'>, origin = ORIGIN): string[] =>
    codes(audit(log.segments, { trust: null }, { checkpoint: signCheckpoint(head, origin) }))
  assert.deepEqual(at({ size: 10, root: log.head.root }, 'other.example.org/interactions'), ['CHECKPOINT_LOG 10'])
  assert.deepEqual(at({ size: 11, root: log.head.root }), ['CHECKPOINT_BEYOND 11'])
  assert.deepEqual(at({ size: 6, root: log.head.root }), ['CHECKPOINT_MISMATCH 6'])
  assert.deepEqual(at({ size: 7, root: log.head.root }), ['CHECKPOINT_MISMATCH 7'])
  const behind = decodeSegment(log.segments[3]!.bytes).header.previous.checkpoint
  assert.deepEqual(
    codes(audit(log.segments, {}, { checkpoint: behind })),
    ['RECORDS_UNVOUCHED 6'],
    'records after the newest checkpoint are vouched for by nobody',
  )
})

test('heads: behind, beyond, changed', () => {
  const previous = decodeSegment(log.segments[3]!.bytes).header.previous
  const at = (head: LogHead): string[] => codes(audit(log.segments, {}, { checkpoint: log.checkpoint, head }))
  assert.deepEqual(at(log.head), [])
  assert.deepEqual(at({ size: 6, root: previous.root, segment: log.segments[2]!.key, digest: previous.segment }), ['HEAD_BEHIND 6'])
  assert.deepEqual(at({ ...log.head, root: previous.root }), ['HEAD_MISMATCH 10'])
  assert.deepEqual(at({ ...log.head, size: 11 }), ['HEAD_BEYOND 10'])
  assert.deepEqual(at({ ...log.head, size: 7 }), ['HEAD_MISMATCH 7'])
  assert.deepEqual(at({ ...log.head, segment: log.segments[2]!.key, digest: log.segments[2]!.digest }), ['HEAD_MISMATCH 10'])
  for (const bad of [{ size: -1 }, { size: 1.5 }, { root: 'x' }, { digest: '' }, { segment: '' }, { size: 0 }])
    assert.deepEqual(at({ ...log.head, ...bad } as LogHead), ['HEAD_FORMAT'])
})

test('subjects and audit ids that repeat or skip are named by index', () => {
  const numbered = (change: (i: number) => Partial<{ subject: string; subjectsequence: number; auditid: string }>): string[] => {
    const forged = sampleLog([4, 4], (i) => ({ ...sampleFields(i, 'call-1', i + 1), ...change(i) }))
    return codes(audit(forged.segments, {}, forged))
  }
  assert.deepEqual(
    numbered(() => ({})),
    [],
  )
  assert.deepEqual(
    numbered((i) => (i === 5 ? { subjectsequence: 5 } : {})),
    ['SEQUENCE_GAP 5', 'SEQUENCE_GAP 6'],
  )
  assert.deepEqual(
    numbered((i) => (i >= 5 ? { subjectsequence: i + 2 } : {})),
    ['SEQUENCE_GAP 5'],
  )
  assert.deepEqual(
    numbered((i) => (i === 5 ? { subject: 'call-2' } : {})),
    ['SEQUENCE_GAP 5', 'SEQUENCE_GAP 6'],
  )
  assert.deepEqual(
    numbered((i) => (i === 6 ? { auditid: sampleFields(2).auditid } : {})),
    ['AUDITID_REPEATED 6'],
  )
  // A subject that imitates the record's own end is still read as text.
  const imitation = 'x","subjectsequence":1,"subject":"y","subjectsequence":7,"z":"'
  assert.deepEqual(
    numbered((i) => (i < 4 ? { subject: imitation } : { subject: 'y', subjectsequence: i - 3 })),
    [],
  )
})

test('records that are none are named, by scan and by strict reading', () => {
  const raw = (i: number, bytes: Uint8Array): SampleLog => {
    const good = sampleLog([3])
    const segment = decodeSegment(good.segments[0]!.bytes)
    const records = [0, 1, 2].map((n) => (n === i ? bytes : segmentRecord(segment, n).slice()))
    const frontier = new Frontier()
    return (() => {
      const { header } = segment
      for (const record of records) frontier.append(leafOf(record))
      const root = Buffer.from(frontier.root()).toString('hex')
      const written = encodeSegment(header, records, root, segmentSigner)
      const digest = sha256(written)
      const head = { size: 3, root, segment: segmentKey(LOG, 0, digest), digest }
      return { segments: [{ key: head.segment, digest, bytes: written }], records, leaves: new Uint8Array(), head, checkpoint: signCheckpoint(head) }
    })()
  }
  const spaced = Buffer.from(Buffer.from(log.records[1]!).toString().replace(',"data"', ', "data"'))
  for (const [bytes, scan, parse] of [
    [Buffer.from('{}'), ['RECORD_FORMAT 1'], ['RECORD_FORMAT 1']],
    [Buffer.from('x'.repeat(100)), ['RECORD_FORMAT 1'], ['RECORD_FORMAT 1']],
    [spaced, [], ['RECORD_FORMAT 1']],
  ] as const) {
    const forged = raw(1, bytes)
    assert.deepEqual(codes(audit(forged.segments, { records: { form: 'scan', auditids: true, subjects: true } }, forged)), scan)
    assert.deepEqual(codes(audit(forged.segments, {}, forged)), parse)
  }
})

test('an audit may begin within the log', () => {
  const start = { size: 5, edge: new Uint8Array(), segment: log.segments[1]!.digest }
  const frontier = new Frontier()
  frontier.append(log.leaves.subarray(0, 5 * 32))
  assert.equal(audit(log.segments.slice(2), { start: { ...start, edge: frontier.edge() } }).ok, true)
  const wrong = frontier.edge()
  wrong[0]! ^= 1
  assert.ok(codes(audit(log.segments.slice(2), { start: { ...start, edge: wrong } })).includes('PREVIOUS_MISMATCH 5'))
  assert.ok(codes(audit(log.segments.slice(2), { start: { ...start, edge: frontier.edge(), segment: '0'.repeat(64) } })).includes('SEGMENT_CHAIN 5'))
})

test('hash packs: compared with the records, missed, damaged', () => {
  const size = PACK_LEAVES + 5
  const filler = sampleFields(0)
  const many = sampleLog([1000, PACK_LEAVES - 2000, 500, 505], (i) => ({ ...filler, id: `e${i}`, data: {}, subject: 's', subjectsequence: i + 1 }))
  assert.equal(many.head.size, size)
  const pack = many.leaves.subarray(0, PACK_LEAVES * 32)
  const run = (packs: ReadonlyArray<readonly [string, Uint8Array]>): string[] => {
    const state = new LogAudit({ ...options, records: { form: 'scan', auditids: false, subjects: true } })
    for (const { key, digest, bytes } of many.segments) state.segment(key, digest, bytes)
    state.checkpoint('checkpoint', many.checkpoint)
    for (const [key, bytes] of packs) state.hashPack(key, bytes)
    state.expectHashPacks()
    return codes(state.result())
  }
  const key = hashPackKeyOf(LOG, 0, pack)
  assert.deepEqual(run([[key, pack]]), [])
  assert.deepEqual(run([]), ['HASH_PACK_MISSING 0'])
  const bad = Uint8Array.from(pack)
  bad[1_234_567]! ^= 1
  assert.deepEqual(run([[key, bad]]), ['HASH_PACK 0', 'HASH_PACK_MISSING 0'])
  assert.deepEqual(run([[hashPackKeyOf(LOG, 0, bad), bad]]), ['HASH_PACK 0', 'HASH_PACK_MISSING 0'])
  assert.deepEqual(run([[key, pack.subarray(32)]]), ['HASH_PACK 0', 'HASH_PACK_MISSING 0'])
  assert.deepEqual(
    run([
      [key, pack],
      [hashPackKeyOf(LOG, PACK_LEAVES, bad), bad],
    ]),
    [`HASH_PACK ${PACK_LEAVES}`],
  )
})

test('only so many problems are kept', () => {
  const result = audit(
    Array.from({ length: 20 }, () => log.segments[0]!),
    { maxProblems: 5 },
    {},
  )
  assert.equal(result.problems.length, 6, 'five and the missing checkpoint')
  assert.equal(result.more, 14)
})

function leafOf(record: Uint8Array): Uint8Array {
  return Buffer.from(sha256(Buffer.concat([Buffer.from([0]), record])), 'hex')
}
