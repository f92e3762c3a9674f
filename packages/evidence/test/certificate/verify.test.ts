import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { certificateDigest, parseCertificate, parseCertificateBody, verifyCertificate } from '@sealtrail/evidence'
import type { CertificateBody, CertificateFile, JsonObject, JsonValue } from '@sealtrail/evidence'
import { evidenceKind } from '../../src/report/kind.ts'
import { checkCertificate } from '../../src/report/of-certificate.ts'
import { SENTENCES } from '../../src/report/sentences.ts'
import { readTrust } from '../../src/report/trust-text.ts'
import type { GivenTrust } from '../../src/report/trust-text.ts'
import { brought, world } from '../bundle/examiner.ts'
import { policyOf } from '../bundle/sample-log.ts'
import { bytesOf, certificateDraft, digestOf, goodCertificate, recordsErased, sampleBody, sealCertificate } from './maker.ts'
import type { CertificateDraft } from './maker.ts'

const { log, forger } = world()
const { house } = log
const erased = recordsErased(log.records.slice(0, 60))
const good = goodCertificate(house, erased)

function trust(keys: readonly string[] = [house.system.vkey], policy = ''): GivenTrust {
  const read = readTrust({ keys: keys.join('\n'), policy, roots: '' })
  assert.ok(read.ok)
  return read.value
}

/** What was sealed, or the body, differs from what an honest server makes. */
function made(change: (draft: CertificateDraft) => void, body: Partial<CertificateBody> = {}): CertificateFile {
  const draft = certificateDraft(house, sampleBody(house, erased, body))
  change(draft)
  return sealCertificate(draft)
}

const codes = (file: CertificateFile, given = trust()): string[] => [
  ...new Set(
    verifyCertificate(file, { vkeys: given.keys.map(({ vkey }) => vkey), ...(given.policy === null ? {} : { policy: given.policyText }) }).problems.map(
      ({ code }) => code,
    ),
  ),
]

describe('a good certificate', () => {
  test('is established by the key of its log, and by that of any log of the same server', () => {
    for (const keys of [[house.system.vkey], [house.log.vkey], [house.log.vkey, ...house.witnesses.map(({ vkey }) => vkey)]]) {
      const report = checkCertificate(bytesOf(good), trust(keys))
      assert.deepEqual(report.findings, [])
      assert.equal(report.verdict, 'verified')
    }
  })

  test('meets a policy that names another log of the server, with its witnesses', () => {
    const report = checkCertificate(bytesOf(good), trust([], policyOf(house)))
    assert.deepEqual([report.findings, report.verdict], [[], 'verified'])
    const strict = policyOf(house).replace('group any 2 ', 'group any 3 ')
    assert.deepEqual(codes(good, trust([], strict)), ['QUORUM_NOT_MET'])
  })

  test('without a key it is consistent, signer not established', () => {
    const report = checkCertificate(bytesOf(good), trust([]))
    assert.deepEqual([report.verdict, report.headline], ['consistent', 'Consistent, signer not established'])
    assert.equal(report.answers.find(({ id }) => id === 'signer')?.state, 'open')
  })

  test('answers in plain words who asked, why, what, how, and what was not reached', () => {
    const { answers } = checkCertificate(bytesOf(good), trust([], policyOf(house)))
    const says = (id: string): string => answers.find((answer) => answer.id === id)?.says.join(' ') ?? ''
    assert.match(
      says('asked'),
      /“olga” asked for it on 11 April 2026, 08:00:00 UTC, and “pavel” approved it .* Ground: “GDPR Art. 17\(1\)\(b\)”; reference: “DSR-2026-0007”/,
    )
    assert.match(says('erased'), /^12 values of 12 records: 12 in calls\. The records themselves stay/)
    assert.match(says('method'), /Cryptographic erase.*It is not the destruction of a medium.*nothing was found\. That is the word of the server/)
    assert.match(says('unreached'), /1 place/)
    assert.match(answers.find(({ id }) => id === 'unreached')?.detail[0]?.value ?? '', /handed out to counsel/)
    assert.match(says('signer'), /“log\.example\.org\/system”, with the key you gave: it sealed that the erasure began \(record 4\)/)
    assert.match(says('time'), /Since 11 April 2026/)
    for (const { says } of answers) for (const each of says) assert.doesNotMatch(each, /GDPR-compliant/i)
  })

  test('is known by its first bytes, also when written over several lines', () => {
    assert.equal(evidenceKind(bytesOf(good).subarray(0, 64), 'x'), 'certificate')
    const pretty = Buffer.from(JSON.stringify(good, null, 2))
    assert.equal(evidenceKind(pretty.subarray(0, 64), 'x'), 'certificate')
    assert.equal(checkCertificate(pretty, trust()).verdict, 'verified')
    assert.equal(evidenceKind(Buffer.from('{"auditid":"'), 'x.json'), 'receipt')
  })

  test('its digest is that of the canonical JSON, whatever order it was written in', () => {
    const turned = Object.fromEntries(Object.entries(good.certificate).toReversed()) as unknown as CertificateBody
    assert.equal(`sha256:${certificateDigest(turned)}`, digestOf(good.certificate))
    assert.deepEqual(parseCertificateBody(Buffer.from(JSON.stringify(turned))), good.certificate)
  })

  test('a clock that was put right by seconds between its steps is no problem', () => {
    assert.deepEqual(codes(made(() => {}, { approved: { by: 'pavel', at: new Date(Date.parse(good.certificate.started) + 60_000).toISOString() } })), [])
  })
})

/** What a forger does, and what must be found. */
const FORGERIES: ReadonlyArray<readonly [what: string, code: string, file: () => CertificateFile]> = [
  [
    'a value is taken out of the list',
    'CERTIFICATE_CHANGED',
    () => ({ ...good, certificate: { ...good.certificate, records: good.certificate.records.slice(1) } }),
  ],
  [
    'a number in the method is raised',
    'CERTIFICATE_CHANGED',
    () => ({ ...good, certificate: { ...good.certificate, searched: { ...good.certificate.searched, files: 121 } } }),
  ],
  ['a place that was not reached is left out', 'CERTIFICATE_CHANGED', () => ({ ...good, certificate: { ...good.certificate, notReached: [] } })],
  [
    'the proofs are swapped',
    'RECEIPT_PROOF',
    () => ({ ...good, started: { ...good.started, proof: good.completed.proof }, completed: { ...good.completed, proof: good.started.proof } }),
  ],
  ['the statements are swapped', 'CERTIFICATE_STATEMENT', () => ({ ...good, started: good.completed, completed: good.started })],
  ['the completion stands for both', 'CERTIFICATE_STATEMENT', () => ({ ...good, started: good.completed })],
  ['the intent stands for both', 'CERTIFICATE_STATEMENT', () => ({ ...good, completed: good.started })],
  [
    'intent and completion of another erasure',
    'CERTIFICATE_STATEMENT',
    () => {
      const other = made(() => {}, { id: 'ab'.repeat(16) })
      return { ...other, certificate: good.certificate }
    },
  ],
  ['the completion of another erasure', 'CERTIFICATE_STATEMENT', () => ({ ...good, completed: made(() => {}, { id: 'ab'.repeat(16) }).completed })],
  ['the completion out of another state of the log', 'CERTIFICATE_ORDER', () => ({ ...good, completed: made((draft) => (draft.size = 12)).completed })],
  ['the completion was sealed before the intent', 'CERTIFICATE_ORDER', () => made((draft) => (draft.places = [7, 4]))],
  [
    'the completion names another digest',
    'CERTIFICATE_CHANGED',
    () => made((draft) => (draft.completion.data = { ...draft.completion.data, certificate: `sha256:${'0'.repeat(64)}` })),
  ],
  ['the completion counts other records', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.completion.data = { ...draft.completion.data, records: 11 }))],
  ['the intent names another ground', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.intent.data = { ...draft.intent.data, ground: 'none' }))],
  ['the intent names another who asked', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.intent.data = { ...draft.intent.data, by: 'mallory' }))],
  ['the intent names nobody who approved', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.intent.data = { ...draft.intent.data, approved_by: null }))],
  ['the intent names another reference', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.intent.data = { ...draft.intent.data, reference: null }))],
  ['the intent was sealed at another time', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.intent.time = draft.body.completed))],
  ['the intent stands under another subject', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.intent.subject = 'erasure/x'))],
  ['a request takes the place of the intent', 'CERTIFICATE_STATEMENT', () => made((draft) => (draft.intent.type = 'sealtrail.system.erasure-requested'))],
  [
    'it was asked for after it was done',
    'CERTIFICATE_ORDER',
    () => made(() => {}, { requested: { ...good.certificate.requested, at: '2027-01-01T00:00:00.000Z' } }),
  ],
  ['it was done before it began', 'CERTIFICATE_ORDER', () => made(() => {}, { completed: '2026-01-01T00:00:00.000Z' })],
  ['the certificate names another log than signed', 'CHECKPOINT_LOG', () => made(() => {}, { origin: 'other.example.org/system' })],
  ['another house of the same name signed', 'CHECKPOINT_SIGNATURE', () => goodCertificate(forger, erased)],
  ['a record is none', 'RECORD_FORMAT', () => ({ ...good, started: { ...good.started, record: `${good.started.record} ` } })],
  [
    'the log’s statement is another word',
    'CHECKPOINT_FORMAT',
    () => ({ ...good, completed: { ...good.completed, proof: good.completed.proof.replace('\n11\n', '\n011\n') } }),
  ],
]

describe('forged certificates', () => {
  for (const [what, code, file] of FORGERIES) {
    test(what, () => {
      const forged = file()
      assert.ok(codes(forged).includes(code), `${code} expected, found ${codes(forged).join(', ') || 'nothing'}`)
      const report = checkCertificate(bytesOf(forged), trust())
      assert.equal(report.verdict, 'refuted')
      assert.equal(report.findings.find((finding) => finding.code === code)?.sentence, SENTENCES[code])
      assert.notEqual(report.answers.find(({ id }) => id === 'signer')?.state, 'yes')
      // Without any key nothing forged may pass for consistent, but the one thing only a key can show.
      if (code !== 'CHECKPOINT_SIGNATURE') assert.equal(checkCertificate(bytesOf(forged), trust([])).verdict, 'refuted')
    })
  }

  test('a key of another server establishes nothing, and says so', () => {
    const stranger = brought().keys[0]!.replace('log.example.org', 'elsewhere.example.org')
    assert.throws(() => trust([stranger]))
    assert.deepEqual(codes(good, trust([forger.log.vkey])), ['CHECKPOINT_SIGNATURE'])
  })
})

describe('what is no certificate', () => {
  const text = Buffer.from(bytesOf(good)).toString()
  const refused = (bytes: Uint8Array): void => {
    assert.throws(() => parseCertificate(bytes), { code: 'CERTIFICATE_FORMAT' })
    const report = checkCertificate(bytes, trust())
    assert.deepEqual([report.verdict, report.findings[0]?.code], ['refuted', 'CERTIFICATE_FORMAT'])
  }

  test('a member twice, left out, more, or of another kind', () => {
    const body = good.certificate as unknown as JsonObject
    const file = (certificate: JsonObject): Uint8Array => Buffer.from(JSON.stringify({ ...good, certificate }))
    for (const key of Object.keys(body)) {
      const { [key]: _, ...less } = body
      refused(file(less))
      for (const value of [null, 0, '', [], {}, true] as JsonValue[])
        if (
          JSON.stringify(value) !== JSON.stringify(body[key]) &&
          !(key === 'approved' && value === null) &&
          !((key === 'notReached' || key === 'records') && Array.isArray(value))
        )
          refused(file({ ...body, [key]: value }))
    }
    refused(file({ ...body, note: 'trust me' }))
    refused(Buffer.from(text.replace('"approved":', '"approved":null,"approved":')))
    refused(Buffer.from(text.replace('"id":', '"\\u0069d":"x","id":')))
    for (const key of ['certificate', 'started', 'completed']) refused(Buffer.from(JSON.stringify({ ...good, [key]: undefined })))
    for (const bytes of ['', '{}', '[]', 'null', text.slice(0, -2), `${text}x`]) refused(Buffer.from(bytes))
  })

  test('records out of order, twice, without a field, with a field twice', () => {
    const file = (records: unknown[]): Uint8Array => Buffer.from(JSON.stringify({ ...good, certificate: { ...good.certificate, records } }))
    const [a, b] = good.certificate.records as [CertificateBody['records'][number], CertificateBody['records'][number]]
    for (const records of [
      [b, a],
      [a, a],
      [{ ...a, fields: [] }],
      [{ ...a, fields: [a.fields[0], a.fields[0]] }],
      [{ ...a, index: -1 }],
      [{ ...a, hash: a.hash.toUpperCase() }],
      [{ ...a, log: '../x' }],
      [{ ...a, fields: [{ ...a.fields[0], path: 'note' }] }],
      [{ ...a, time: 'yesterday' }],
    ])
      refused(file(records))
  })

  test('words this format does not have, and proofs that are none', () => {
    const file = (change: object): Uint8Array => Buffer.from(JSON.stringify({ ...good, certificate: { ...good.certificate, ...change } }))
    const { method, notReached, records } = good.certificate
    for (const name of ['destruction', 'GDPR-compliant deletion']) refused(file({ method: { ...method, name } }))
    refused(file({ method: { ...method, reference: 'NIST SP 800-88 Rev. 1' } }))
    refused(file({ notReached: [{ ...notReached[0], what: 'nothing' }] }))
    refused(file({ records: [{ ...records[0], auditid: 'x' }] }))
    refused(file({ records: [{ ...records[0], fields: [{ path: '/note', digest: 'x' }] }] }))
    for (const proof of ['', 'x', good.started.proof.replace('c2sp', 'c3sp'), good.started.proof.replace('index 4', 'index 04')])
      refused(Buffer.from(JSON.stringify({ ...good, started: { ...good.started, proof } })))
  })

  test('lists beyond what is read end it, in little time', () => {
    const many = Array.from({ length: 10_001 }, () => ({ what: 'export', at: null, detail: 'x' }))
    refused(Buffer.from(JSON.stringify({ ...good, certificate: { ...good.certificate, notReached: many } })))
    refused(Buffer.from(`{"certificate":${'['.repeat(100_000)}`))
    refused(Buffer.from(JSON.stringify({ ...good, started: { ...good.started, proof: 'x'.repeat(70_000) } })))
  })

  test('times that no calendar has', () => {
    for (const started of [
      '2026-13-01T00:00:00Z',
      '2026-00-01T00:00:00Z',
      '2026-01-32T00:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:00:00',
      '2026-01-01T00:00:00+02:00',
    ])
      refused(Buffer.from(JSON.stringify({ ...good, certificate: { ...good.certificate, started } })))
  })
})
