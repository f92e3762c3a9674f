import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PROBLEMS, verifyBundle } from '@sealtrail/evidence'
import { bundleReport } from '../../src/report/of-bundle.ts'
import type { Report } from '../../src/report/report.ts'
import { SENTENCES } from '../../src/report/sentences.ts'
import { brought, goodRange, goodSubject, trustOf } from './examiner.ts'
import { FORGERIES } from './forgeries.ts'

const blob = (bytes: Uint8Array): Blob => new Blob([new Uint8Array(bytes)])

describe('bundles before a careful examiner', () => {
  test('good ones are verified, and no answer is a problem', async () => {
    for (const bundle of [goodRange(), goodSubject()]) {
      const verdict = await verifyBundle(blob(bundle), trustOf(brought()))
      assert.deepEqual(verdict.problems, [])
      const { verdict: said, answers, findings } = bundleReport(verdict)
      assert.equal(said, 'verified')
      assert.deepEqual(findings, [])
      assert.ok(answers.every(({ state }) => state !== 'no'))
      assert.equal(answers.find(({ id }) => id === 'signer')?.state, 'yes')
    }
  })

  test('good ones before an examiner who brings nothing are consistent and no more', async () => {
    const report = bundleReport(await verifyBundle(blob(goodRange())))
    assert.equal(report.verdict, 'consistent')
    assert.match(report.headline, /not established/)
    assert.equal(report.answers.find(({ id }) => id === 'signer')?.state, 'open')
    assert.equal(report.answers.find(({ id }) => id === 'time')?.state, 'open')
  })

  test('what is not proven is not counted as shown: neither its time nor its values', async () => {
    const good = bundleReport(await verifyBundle(blob(goodRange()), trustOf(brought())))
    const { bundle } = FORGERIES.find(({ id }) => id === 'record-invented')!.make()
    const verdict = await verifyBundle(blob(bundle), trustOf(brought()))
    const said = (report: Report, id: string): string => report.answers.find((each) => each.id === id)?.says[0] ?? ''
    assert.match(said(good, 'time'), /^All 40 records existed by 2 March 2026/)
    assert.match(said(bundleReport(verdict), 'time'), /^The 39 records that lead to the signed checkpoint existed by/)
    assert.match(said(good, 'disclosed'), /^54 values disclosed and found to be what was sealed/)
    assert.match(said(bundleReport(verdict), 'disclosed'), /^53 values disclosed and found to be what was sealed/)
  })

  for (const { id, what, code, make } of FORGERIES) {
    test(`${id}: ${what}`, async () => {
      const { bundle, brought: with_ = {} } = make()
      const verdict = await verifyBundle(blob(bundle), trustOf({ ...brought(), ...with_ }))
      const report = bundleReport(verdict)
      const codes = verdict.problems.map((problem) => problem.code)
      if (code === null) {
        assert.deepEqual(codes, [])
        assert.equal(report.verdict, 'consistent')
        return
      }
      assert.ok(codes.includes(code), `${code} expected, found ${codes.join(', ') || 'nothing'}`)
      assert.equal(report.verdict, 'refuted')
      const finding = report.findings.find((each) => each.code === code)
      assert.equal(finding?.sentence, SENTENCES[code])
      assert.ok(finding?.place !== null, 'the place is named')
      // Whatever was done, nobody may read that all is shown.
      assert.ok(report.answers.some(({ state }) => state === 'no' || state === 'open' || state === 'part') || report.answers.length === 0)
    })
  }
})

test('every kind of finding a bundle, proof or receipt can have is said in plain words', () => {
  const ofStores = /^(SEGMENT_|HASH_PACK|HEAD_|PREVIOUS_MISMATCH|EXPIRED_|KEPT_|SUMMARY_)/
  const codes = Object.keys(PROBLEMS).filter((code) => !ofStores.test(code))
  assert.deepEqual(
    codes.filter((code) => !Object.hasOwn(SENTENCES, code)),
    [],
  )
  assert.deepEqual(
    Object.keys(SENTENCES).filter((code) => !Object.hasOwn(PROBLEMS, code)),
    [],
  )
  for (const sentence of Object.values(SENTENCES)) {
    assert.match(sentence, /^[A-Z].*\.$/)
    assert.doesNotMatch(sentence, /\b(hash|Merkle|leaf|checkpoint|tile|digest|JSON|base64|vkey)\b/i, 'words for an examiner')
  }
})
