import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyBundle } from '@sealtrail/evidence'
import type { BundleAsked, BundleTrust, BundleVerdict } from '@sealtrail/evidence'
import { LOG, makeBundle, Maker, testLog } from './maker.ts'

const maker = new Maker()
const log = testLog(700)
const answers = ({ questions }: BundleVerdict): Record<string, string> => Object.fromEntries(questions.map(({ id, answer }) => [id, answer]))
const ranges: Array<[number, number, number]> = [
  [0, 10, 10],
  [0, 700, 700],
  [3, 9, 10],
  [100, 400, 513],
  [256, 512, 512],
  [255, 257, 700],
  [599, 600, 600],
  [5, 5, 10],
  [0, 0, 0],
  [1, 2, 2],
]

describe('a good bundle', () => {
  for (const [from, to, size] of ranges)
    test(`of the range ${from}..${to} of ${size}`, async () => {
      const parts = makeBundle({ asked: { kind: 'range', log: LOG, from, to }, log, maker, size, proofFiles: to - from < 100 })
      const verdict = await verifyBundle(await parts.blob(), { vkeys: [maker.signer.vkey] })
      assert.deepEqual(verdict.problems, [])
      assert.equal(verdict.conclusion, 'established')
      assert.deepEqual(verdict.logs[0]?.range, { from, to, complete: true })
      assert.equal(verdict.logs[0]?.records.proven, to - from)
      assert.equal(answers(verdict)['complete'], 'yes')
    })

  const kinds: BundleAsked[] = [{ kind: 'subject', subject: 'call-1' }, { kind: 'person' }, { kind: 'query', query: { tag: 'TCPA' } }]
  for (const asked of kinds)
    test(`of a ${asked.kind}`, async () => {
      const small = testLog(12, undefined)
      const parts = makeBundle({ asked, log: small, maker, stamped: 12, cosigned: 2 })
      if (asked.kind === 'query') parts.manifest.asked = { kind: 'query', query: { type: 'org.example.call.start' } }
      parts.finish()
      const trusts: Array<[BundleTrust, string, string, string]> = [
        [{}, 'consistent', 'unknown', 'unknown'],
        [{ vkeys: [maker.signer.vkey] }, 'established', 'yes', 'unknown'],
        [{ policy: maker.policy }, 'established', 'yes', 'yes'],
        [{ tsaRoots: [maker.root.der] }, 'consistent', 'unknown', 'yes'],
        [{ vkeys: maker.witnesses.map(({ vkey }) => vkey) }, 'consistent', 'no', 'yes'],
      ]
      for (const [trust, conclusion, signer, time] of trusts) {
        const verdict = await verifyBundle(await parts.blob(), trust)
        assert.deepEqual(verdict.problems, [])
        assert.deepEqual(
          [verdict.conclusion, answers(verdict)['signer'], answers(verdict)['time']],
          [conclusion, signer, time],
          JSON.stringify(verdict.questions),
        )
        assert.equal(answers(verdict)['complete'], asked.kind === 'subject' ? 'partly' : 'unknown')
        assert.equal(answers(verdict)['disclosed'], 'yes')
      }
    })

  test('whose stamp is older or newer than its checkpoint', async () => {
    for (const [size, stamped, covers] of [
      [600, 700, 50],
      [700, 130, 30],
      [700, 150, 50],
      [700, 90, 0],
    ] as const) {
      const parts = makeBundle({ asked: { kind: 'range', log: LOG, from: 100, to: 150 }, log, maker, size, stamped })
      const verdict = await verifyBundle(await parts.blob(), { tsaRoots: [maker.root.der] })
      assert.deepEqual(verdict.problems, [])
      assert.equal(verdict.logs[0]?.timestamps[0]?.covers, covers)
      assert.equal(verdict.logs[0]?.since?.time ?? null, covers === 50 ? '2026-02-01T00:00:00Z' : null)
    }
  })

  test('with values in every state, stored or deflated, from bytes or a Blob, with progress', async () => {
    const states = ['disclosed', 'sealed', 'erased', 'expired', 'missing'] as const
    const parts = makeBundle({ asked: { kind: 'range', log: LOG, from: 0, to: 10 }, maker, state: (i) => states[i % 5]! })
    const verdict = await verifyBundle(await parts.blob())
    assert.deepEqual(verdict.problems, [])
    assert.deepEqual(verdict.logs[0]?.fields, { disclosed: 2, sealed: 2, erased: 2, expired: 2, missing: 2 })
    assert.deepEqual(verdict.logs[0]?.erasedUnder, { '': 2 })
    const stored = await parts.zip({ level: 0 })
    let last = { done: 0, total: 1, file: '' }
    const source = { size: stored.length, read: async (from: number, to: number) => stored.subarray(from, to) }
    const same = await verifyBundle(source, {}, (progress) => (last = progress))
    assert.deepEqual(same, verdict)
    assert.equal(last.done, last.total)
  })
})
