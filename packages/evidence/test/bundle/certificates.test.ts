import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ed25519Signer } from '@sealtrail/tlog'
import { verifyBundle } from '@sealtrail/evidence'
import type { BundleTrust, BundleVerdict, CertificateRecord, ProblemCode } from '@sealtrail/evidence'
import { bundleReport } from '../../src/report/of-bundle.ts'
import { bundleRows } from '../../src/report/rows.ts'
import { certificateDraft, goodCertificate, recordsErased, sampleBody, sealCertificate } from '../certificate/maker.ts'
import { brought, FROM, goodRange, goodSubject, TO, trustOf, world } from './examiner.ts'
import { bundleOf, CERTIFICATE, rangeDraft } from './sample-bundle.ts'
import type { Draft } from './sample-bundle.ts'

const { log, forger } = world()
const { house } = log
const named = recordsErased(log.records)
const elsewhere = { ...house, system: ed25519Signer('other.example.org/system', new Uint8Array(32).fill(11)) }
const place = named.findIndex(({ index }) => index >= FROM)
const blob = (bytes: Uint8Array): Blob => new Blob([new Uint8Array(bytes)])
const check = (bytes: Uint8Array, trust: BundleTrust = trustOf(brought())): Promise<BundleVerdict> => verifyBundle(blob(bytes), trust)
const range = (change: (draft: Draft) => void): Buffer => {
  const draft = rangeDraft(log, FROM, TO)
  change(draft)
  return bundleOf(draft)
}
/** A bundle whose certificate, genuine and sealed, names other records. */
const naming = (records: readonly CertificateRecord[], of = house): Buffer =>
  range((draft) => (draft.certificates = new Map([[CERTIFICATE, goodCertificate(of, records)]])))
const changed = (change: (record: CertificateRecord) => CertificateRecord): CertificateRecord[] =>
  named.map((record, i) => (i === place ? change(record) : record))

describe('certificates of erasure in a bundle', () => {
  test('good ones are established with the log, by its key or by a policy of it', async () => {
    for (const bundle of [goodRange(), goodSubject()]) {
      for (const trust of [trustOf(brought()), { vkeys: [house.log.vkey] }, { policy: brought().policy }]) {
        const verdict = await check(bundle, trust)
        assert.deepEqual(verdict.problems, [])
        assert.deepEqual(
          verdict.certificates.map(({ id, conclusion }) => [id, conclusion]),
          [[CERTIFICATE, 'established']],
        )
      }
    }
  })

  test('without a key they are consistent, and the answer says so', async () => {
    const verdict = await check(goodRange(), {})
    assert.deepEqual([verdict.problems, verdict.certificates[0]?.conclusion], [[], 'consistent'])
    assert.match(verdict.questions.find(({ id }) => id === 'erased')?.says[0] ?? '', /said to be erased .* who signed it is not established/)
  })

  const FORGERIES: ReadonlyArray<readonly [what: string, code: ProblemCode, make: () => Buffer]> = [
    ['it does not name the record', 'CERTIFICATE_MISMATCH', () => naming(named.toSpliced(place, 1))],
    [
      'it names the record and another value',
      'CERTIFICATE_MISMATCH',
      () => naming(changed((record) => ({ ...record, fields: [{ ...record.fields[0]!, path: '/other' }] }))),
    ],
    [
      'it names the record with another digest',
      'CERTIFICATE_MISMATCH',
      () => naming(changed((record) => ({ ...record, fields: [{ ...record.fields[0]!, digest: 'A'.repeat(43) }] }))),
    ],
    ['it names another record at this place', 'CERTIFICATE_MISMATCH', () => naming(changed((record) => ({ ...record, hash: `sha256:${'0'.repeat(64)}` })))],
    [
      'it names the place in another log',
      'CERTIFICATE_MISMATCH',
      () => naming(changed((record) => ({ ...record, log: 'cells' })).sort((a, b) => (a.log < b.log ? -1 : a.log > b.log ? 1 : a.index - b.index))),
    ],
    ['it is of another server', 'CHECKPOINT_SIGNATURE', () => naming(named, elsewhere)],
    ['it was signed by somebody else under the same name', 'CHECKPOINT_SIGNATURE', () => naming(named, forger)],
    [
      'it was changed after it was sealed',
      'CERTIFICATE_CHANGED',
      () =>
        range((draft) => {
          const file = goodCertificate(house, named)
          draft.certificates = new Map([[CERTIFICATE, { ...file, certificate: { ...file.certificate, notReached: [] } }]])
        }),
    ],
    [
      'another erasure’s stands under its name',
      'CERTIFICATE_FORMAT',
      () =>
        range(
          (draft) =>
            (draft.certificates = new Map([[CERTIFICATE, sealCertificate(certificateDraft(house, sampleBody(house, named, { id: 'ab'.repeat(16) })))]])),
        ),
    ],
    [
      'it is no certificate',
      'CERTIFICATE_FORMAT',
      () => range((draft) => (draft.files = (files) => void files.set(`certificates/${CERTIFICATE}.json`, Buffer.from('{}\n')))),
    ],
    [
      'it is called something else',
      'BUNDLE_FILE_FORMAT',
      () => range((draft) => (draft.files = (files) => void files.set('certificates/ER-7.json', Buffer.from('{}\n')))),
    ],
    [
      'a value names one that cannot be',
      'BUNDLE_FILE_FORMAT',
      () =>
        range(({ lines }) => lines.forEach(({ fields }) => fields.forEach((field) => field.certificate === undefined || (field.certificate = '__proto__')))),
    ],
    [
      'a value it names is shown',
      'FIELD_STATE',
      () =>
        range(({ lines }) => {
          const line = lines.find(({ fields }) => fields.some(({ state }) => state === 'erased'))!
          const { disclosure, digest } = log.records[line.index]!.values.find(({ state }) => state === 'erased')!
          const field = line.fields.find((each) => each.digest === digest)!
          Object.assign(field, { state: 'disclosed' })
          delete field.certificate
          line.disclosures.push(disclosure)
        }),
    ],
    [
      'a value it names is said to be there and only not shown',
      'FIELD_STATE',
      () =>
        range(({ lines }) => lines.forEach(({ fields }) => fields.forEach((field) => field.state === 'erased' && Object.assign(field, { state: 'sealed' })))),
    ],
  ]
  for (const [what, code, make] of FORGERIES) {
    test(what, async () => {
      const verdict = await check(make())
      const codes = verdict.problems.map((problem) => problem.code)
      assert.ok(codes.includes(code), `${code} expected, found ${codes.join(', ') || 'nothing'}`)
      assert.equal(bundleReport(verdict).verdict, 'refuted')
      if (code.startsWith('CERTIFICATE')) assert.equal(verdict.questions.find(({ id }) => id === 'erased')?.answer, 'no')
    })
  }

  test('one of another server is found without any key, too', async () => {
    const codes = (await check(naming(named, elsewhere), {})).problems.map(({ code }) => code)
    assert.deepEqual([...new Set(codes)], ['CERTIFICATE_MISMATCH'])
  })

  test('all five states stand apart in one list, each with its reason', async () => {
    const bundle = range(({ lines }) => {
      Object.assign(
        lines.flatMap(({ fields }) => fields).find(({ state }) => state === 'sealed')!,
        { state: 'missing' },
      )
    })
    const verdict = await check(bundle)
    assert.deepEqual(verdict.problems, [])
    const seen = new Map<string, string>()
    for await (const { fields } of bundleRows(blob(bundle), verdict)) for (const { state, reason } of fields) seen.set(state, reason ?? '')
    assert.deepEqual([...seen].sort(), [
      ['clear', ''],
      ['disclosed', ''],
      ['erased', `on 11 April 2026, 11:00:09 UTC, under the certificate ${CERTIFICATE}`],
      ['expired', 'on 1 May 2026, 00:00:00 UTC, under the class short'],
      ['missing', ''],
      ['sealed', ''],
    ])
    const { erased, expired, missing, sealed, disclosed } = verdict.logs[0]!.fields
    assert.deepEqual([erased, expired, missing, sealed > 0, disclosed > 0], [8, 5, 1, true, true])
  })
})
