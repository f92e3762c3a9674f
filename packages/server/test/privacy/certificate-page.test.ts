// The page of a certificate: read as a reader of PDF reads it, without one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { certificateDigest } from '@sealtrail/evidence'
import type { CertificateBody, CertificateFile, CertificateRecord } from '@sealtrail/evidence'
import { certificatePage } from '../../src/privacy/certificate-page.ts'
import { pageText } from '../../src/privacy/certificate-text.ts'

const VKEY = 'audit.example/system+12345678+AWxvb2tzbGlrZWFrZXk='
const record = (index: number, more: Partial<CertificateRecord> = {}): CertificateRecord => ({
  log: 'notifications',
  index,
  auditid: '01HXXBHG2800000000000000AA',
  hash: `sha256:${index.toString(16).padStart(64, '0')}`,
  type: 'sms.delivery',
  time: '2026-03-01T09:00:00Z',
  status: 'DELIVERED',
  fields: [{ path: '/customer_external_id', digest: 'A'.repeat(43) }],
  ...more,
})
const body = (change: Partial<CertificateBody> = {}): CertificateBody => ({
  format: 'sealtrail.certificate/1',
  id: 'ab'.repeat(16),
  origin: 'audit.example/system',
  tenant: 'default',
  requested: { by: 'olga', at: '2026-04-11T08:00:00.000Z', ground: 'GDPR Art. 17(1)(b)', reference: 'DSR-7' },
  approved: { by: 'pavel', at: '2026-04-11T09:00:00.000Z' },
  started: '2026-04-11T10:00:00.000Z',
  completed: '2026-04-11T10:00:09.000Z',
  method: {
    name: 'cryptographic erase',
    reference: 'NIST SP 800-88 Rev. 2',
    keys: 'files',
    destroyed: { person: 1, interactions: 2 },
    removed: { aliases: 3, rows: 4, tokens: 5, exports: 6 },
  },
  searched: { files: 7, bytes: 8, patterns: 9, found: [] },
  records: [record(3), record(14)],
  notReached: [{ what: 'export', at: '2026-04-01T00:00:00Z', detail: 'export 77, handed out to counsel' }],
  ...change,
})
const proof = (index: number): string =>
  `c2sp.org/tlog-proof@v1\nindex ${index}\n\naudit.example/system\n20\n${Buffer.alloc(32).toString('base64')}\n\n— audit.example/system ${Buffer.alloc(68).toString('base64')}\n`
const fileOf = (certificate: CertificateBody): CertificateFile => ({
  certificate,
  started: { record: '', proof: proof(4) },
  completed: { record: '', proof: proof(9) },
})
const page = (certificate: CertificateBody): Promise<Uint8Array> => certificatePage(fileOf(certificate), VKEY)

/** All text a search would find, and how many pages there are. pdfkit writes texts as hex within `[…] TJ`. */
function read(bytes: Uint8Array): { text: string; pages: number } {
  const pdf = Buffer.from(bytes).toString('latin1')
  let text = ''
  for (const [, stream] of pdf.matchAll(/stream\n(.*?)\nendstream/gs)) {
    let content = ''
    try {
      content = inflateSync(Buffer.from(stream!, 'latin1')).toString('latin1')
    } catch {
      continue
    }
    for (const [, shown] of content.matchAll(/\[([^\]]*)\] TJ/g))
      text += [...shown!.matchAll(/<([0-9a-f]*)>/g)].map(([, hex]) => Buffer.from(hex!, 'hex').toString('latin1')).join('') + ' '
  }
  return { text: text.replace(/\s+/g, ' '), pages: [...pdf.matchAll(/\/Type \/Page\b/g)].length }
}

test('says all the certificate says, searchable', async () => {
  const certificate = body()
  const { text, pages } = read(await page(certificate))
  assert.ok(pages >= 1 && pages <= 3)
  for (const words of [
    'Redaction certificate',
    'olga, on 11 April 2026, 08:00:00 UTC',
    'pavel, on 11 April 2026, 09:00:00 UTC',
    'GDPR Art. 17(1)(b)',
    'DSR-7',
    '2 values of 2 records: 2 in notifications',
    '/customer_external_id',
    'sms.delivery',
    'DELIVERED',
    certificate.records[1]!.hash,
    'Cryptographic erase, as NIST SP 800-88 Rev. 2 describes it',
    'It is not the destruction of a medium',
    '1 of the person, 2 of calls and messages',
    '7 files, 8 bytes, for 9 patterns',
    'export 77, handed out to counsel',
    certificateDigest(certificate),
    VKEY,
    'record 4 of the log audit.example/system',
    'record 9 of the same log',
    'Signature',
    `Page 1 of ${pages}`,
  ])
    assert.ok(text.includes(words), words)
  assert.doesNotMatch(text, /GDPR-compliant/i)
})

test('the same certificate is the same page, byte for byte; another one is another', async () => {
  assert.deepEqual(await page(body()), await page(body()))
  assert.notDeepEqual(await page(body()), await page(body({ tenant: 'other' })))
})

test('a long list ends after 200 records with the number of all and the digest that names them', async () => {
  const certificate = body({ records: Array.from({ length: 45_000 }, (_, i) => record(i)) })
  const { text, pages } = read(await page(certificate))
  assert.ok(text.includes(`All 45,000 are in the JSON, SHA-256 ${certificateDigest(certificate)}`))
  assert.ok(text.includes(record(199).hash) && !text.includes(record(200).hash))
  assert.ok(pages < 12)
  // The head of the list stands on each of its pages.
  assert.ok(text.split('Log Number Type Event time (UTC) Delivery').length > 4)
  assert.ok(!read(await page(body())).text.includes('are in the JSON'))
})

test('nothing that was typed breaks it or hides: other scripts, what turns text around, long words, many lines', async () => {
  const hostile = ['李雷 petition', 'до 2027', '\u202Egnp.exe', 'a\u0000b\nc', 'x'.repeat(1_000), '%PDF (\\) <<>> endstream', 'Ω≈ç√', '😀']
  for (const ground of hostile) {
    const { text } = read(
      await page(
        body({
          requested: { by: ground.slice(0, 200), at: '2026-04-11T08:00:00.000Z', ground, reference: ground },
          notReached: [{ what: 'file', at: null, detail: ground }],
        }),
      ),
    )
    assert.ok(text.includes('How to check it'), ground)
  }
  const { text } = read(await page(body({ requested: { ...body().requested, ground: '李 and \u202E' } })))
  assert.ok(text.includes('<U+674E> and <U+202E>'))
  assert.ok(text.includes('the file has them as they are'))
  assert.equal(pageText('Größe – “é” €'), 'Größe – “é” €')
})

test('without records, approval, reference, or anything out of reach it says so', async () => {
  const { text } = read(await page(body({ records: [], approved: null, notReached: [], requested: { ...body().requested, reference: null } })))
  for (const words of ['No record held a value of the person', 'no second person was asked', 'The server knows of nothing'])
    assert.ok(text.includes(words), words)
})

test('what the search still found is named', async () => {
  const { text } = read(await page(body({ searched: { files: 1, bytes: 1, patterns: 1, found: [{ file: 'vault/000012.log', what: 'alias token' }] } })))
  assert.ok(text.includes('alias token in vault/000012.log'))
  assert.ok(text.includes('some of it was still found'))
})
