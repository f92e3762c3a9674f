// Summaries held against the leaves they say they are made of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootOf } from '@sealtrail/tlog'
import { LogAudit, decodeSegment, summaryClaim } from '@sealtrail/evidence'
import type { AuditOptions, JsonObject, SummaryClaim } from '@sealtrail/evidence'
import { LOG, ORIGIN, VKEY, sampleLog, segmentSigner } from './sample.ts'

const log = sampleLog([2, 3, 1, 4])
const options: AuditOptions = {
  log: LOG,
  origin: ORIGIN,
  trust: VKEY,
  signer: segmentSigner.publicKey,
  records: { form: 'scan', auditids: true, subjects: true },
}
const leaf = (at: number): Uint8Array => log.leaves.slice(at * 32, at * 32 + 32)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const rootAt = (size: number): string => hex(rootOf(log.leaves.subarray(0, size * 32)))

function claimOf(indexes: readonly number[], size = 10): SummaryClaim {
  const ranges: Array<[number, number]> = []
  for (const at of indexes) {
    const open = ranges.at(-1)
    if (open?.[1] === at) open[1]++
    else ranges.push([at, at + 1])
  }
  return {
    object: 'summary record 1',
    index: 1,
    log: LOG,
    origin: ORIGIN,
    ranges,
    root: hex(rootOf(Buffer.concat(indexes.map(leaf)))),
    checkpoint: { size, root: rootAt(size) },
  }
}
function audit(summaries: readonly SummaryClaim[], extra: Partial<AuditOptions> = {}, from = 0): { codes: string[]; checked: number } {
  const state = new LogAudit({ ...options, ...extra, summaries })
  for (const { key, digest, bytes } of log.segments.slice(from)) state.segment(key, digest, bytes)
  state.checkpoint('checkpoint', log.checkpoint)
  const checked = state.summaries()
  return { codes: state.result().problems.map(({ code, object }) => `${code} ${object}`), checked }
}

test('every choice of leaves, whatever segments they lie in, is found to be what it says', () => {
  const all: SummaryClaim[] = []
  for (let choice = 1; choice < 1024; choice++) all.push(claimOf(Array.from({ length: 10 }, (_, i) => i).filter((i) => (choice & (1 << i)) !== 0)))
  assert.deepEqual(audit(all), { codes: [], checked: 1023 })
  const { first } = decodeSegment(log.segments[3]!.bytes).header
  const expired = {
    ranges: [{ log: LOG, from: 0, to: first, class: 'c', on: '2026-01-01T00:00:00.000Z', kept: [] }],
    hashes: (at: number, count: number) => log.leaves.slice(at * 32, (at + count) * 32),
  }
  assert.deepEqual(audit(all, { expired }, 3), { codes: [], checked: 1023 }, 'also when the records have expired')
})

test('one leaf more, less or other, another root, checkpoint or log is named', () => {
  const good = claimOf([1, 2, 6, 9])
  const wrong = ['SUMMARY_MISMATCH summary record 1']
  for (const bad of [
    {
      ...good,
      ranges: [
        [1, 3],
        [6, 7],
      ] as const,
    },
    {
      ...good,
      ranges: [
        [1, 4],
        [6, 7],
        [9, 10],
      ] as const,
    },
    {
      ...good,
      ranges: [
        [1, 3],
        [7, 8],
        [9, 10],
      ] as const,
    },
    { ...good, root: rootAt(3) },
    { ...good, checkpoint: { size: 10, root: rootAt(6) } },
    { ...good, checkpoint: { size: 7, root: rootAt(7) } },
    { ...good, checkpoint: { size: 11, root: rootAt(10) } },
    { ...good, origin: 'other.example.org/interactions' },
  ])
    assert.deepEqual(audit([bad]).codes, wrong, JSON.stringify(bad))
  assert.deepEqual(audit([claimOf([0, 1], 5)]).codes, [], 'an earlier checkpoint of the log will do')
})

test('what nobody knows the leaves of is not said to be checked', () => {
  const found = audit([claimOf([0, 9]), claimOf([8])], {}, 1)
  assert.equal(found.checked, 0, 'behind an unproven hole no root is known to be right')
  const led = audit([claimOf([0, 9]), claimOf([8])], { hashes: (first, count) => log.leaves.slice(first * 32, (first + count) * 32) }, 1)
  assert.equal(led.checked, 2)
  assert.ok(found.codes.includes(`SEGMENT_MISSING ${LOG}/segment/${'0'.repeat(20)}-`), found.codes.join())
})

test('a claim is read strictly', () => {
  const { ranges, root, checkpoint, origin } = claimOf([1, 2, 6])
  const data = { evidence: { log: LOG, origin, ranges: ranges.map(([from, to]) => [from, to]), root, checkpoint: { ...checkpoint } } }
  assert.deepEqual(summaryClaim('o', 4, data), { object: 'o', index: 4, log: LOG, origin, ranges, root, checkpoint })
  const bent = (change: JsonObject): JsonObject => ({ evidence: { ...data.evidence, ...change } })
  for (const bad of [
    null,
    {},
    [],
    { evidence: 3 },
    bent({ root: 'x' }),
    bent({ ranges: [] }),
    bent({ ranges: [[2, 1]] }),
    bent({
      ranges: [
        [1, 2],
        [1, 3],
      ],
    }),
    bent({
      ranges: [
        [1, 2],
        [2, 3],
      ],
    }),
    bent({ ranges: [[1, 2, 3]] }),
    bent({ ranges: [[1.5, 2]] }),
    bent({ ranges: [[9, 11]] }),
    bent({ ranges: 'x' }),
    bent({ checkpoint: { size: -1, root } }),
    bent({ checkpoint: null }),
    bent({ log: 1 }),
  ])
    assert.equal(summaryClaim('o', 4, bad as JsonObject), null, JSON.stringify(bad))
})
