import { CERTIFICATE_WORDS, certificateDigest, count, methodSays, moment, some } from '@sealtrail/evidence'
import type { CertificateBody, CertificateFile } from '@sealtrail/evidence'
import { parseTlogProof } from '@sealtrail/tlog'
import { Sheet } from './certificate-sheet.ts'
import type { Cell } from './certificate-sheet.ts'
import { pageText } from './certificate-text.ts'

/** Records, fields and places named one by one; the file names all. */
const MOST_RECORDS = 200
const MOST_FIELDS = 60
const MOST_PLACES = 200

/**
 * The page of an erasure certificate, to be read, signed and filed: what the JSON says, in words. Deterministic.
 * @param vkey of the log `system`, printed to be compared with one from elsewhere
 */
export async function certificatePage(file: CertificateFile, vkey: string): Promise<Uint8Array<ArrayBuffer>> {
  const { certificate: body } = file
  const sha256 = certificateDigest(body)
  const sheet = new Sheet(`Redaction certificate ${body.id}`, body.completed)
  sheet.title('Redaction certificate', 'Erasure of personal values from sealed records')
  sheet.paragraph(
    'This page says in words what a file says: the certificate in JSON, whose SHA-256 was sealed in the log of the server when the erasure was done. The file can be checked by anybody, offline; this page alone proves nothing.',
  )
  if (!isPlain(body)) sheet.paragraph('Characters that the fonts of this page lack are written as <U+…>; the file has them as they are.', true)
  request(sheet, body)
  erased(sheet, body, sha256)
  method(sheet, body)
  unreached(sheet, body)
  check(sheet, file, sha256, vkey)
  signature(sheet, sha256)
  return sheet.end(`Redaction certificate ${body.id} · SHA-256 of the certificate ${sha256.slice(0, 16)}…`)
}

function request(sheet: Sheet, { id, tenant, origin, requested, approved, started, completed }: CertificateBody): void {
  sheet.heading('Request')
  sheet.pair('Certificate', id, true)
  sheet.pair('Asked for by', `${requested.by}, on ${moment(requested.at)}`)
  sheet.pair('Approved by', approved === null ? 'no second person was asked' : `${approved.by}, on ${moment(approved.at)}`)
  sheet.pair('Ground', requested.ground)
  sheet.pair('Reference', requested.reference ?? 'none')
  sheet.pair('Began', `${moment(started)}: the intent was sealed before anything was destroyed`)
  sheet.pair('Done', moment(completed))
  sheet.pair('Tenant', tenant)
  sheet.pair('Log of the server', origin)
  sheet.paragraph(
    'Names are those of access tokens, as the server knew them; times are those of its clock. Whom the erasure was about is written neither here nor in the log.',
    true,
  )
}

function erased(sheet: Sheet, { records }: CertificateBody, sha256: string): void {
  const values = records.reduce((sum, { fields }) => sum + fields.length, 0)
  sheet.heading('What was erased')
  if (records.length === 0) return sheet.paragraph('No record held a value of the person.')
  const logs = tally(records.map(({ log }) => log))
  sheet.paragraph(`${some(values, 'value')} of ${some(records.length, 'record')}: ${logs.map(([log, n]) => `${count(n)} in ${log}`).join(', ')}.`)
  const paths = tally(records.flatMap(({ fields }) => fields.map(({ path }) => path.replace(/\/\d+(?=\/|$)/g, ''))))
  for (const [path, n] of paths.slice(0, MOST_FIELDS)) sheet.pair(path, some(n, 'value'))
  if (paths.length > MOST_FIELDS) sheet.paragraph(`and ${some(paths.length - MOST_FIELDS, 'further field')}, named in the file.`, true)
  sheet.paragraph(
    'The values are gone; the records stay. Each keeps its place in its log, its event time, its delivery status and its hash, named below, and still leads to the signed state of the log, bit for bit. In place of each value it has held from the start only a digest.',
  )
  sheet.heading('Records that stay and still verify')
  const widths = [0.19, 0.08, 0.41, 0.2, 0.12].map((share) => share * sheet.width)
  const cells = (...texts: readonly string[]): Cell[] => texts.map((text, i) => ({ text, width: widths[i] as number }))
  sheet.list(
    cells('Log', 'Number', 'Type', 'Event time (UTC)', 'Delivery'),
    records.slice(0, MOST_RECORDS).map(({ log, index, type, time, status, auditid, hash }) => ({
      cells: cells(log, count(index), type, time === null ? 'none' : secondOf(time), status ?? '–'),
      under: `${auditid}  ${hash}`,
    })),
  )
  if (records.length > MOST_RECORDS)
    sheet.paragraph(`These are the first ${count(MOST_RECORDS)}. All ${count(records.length)} are in the JSON, SHA-256 ${sha256}.`)
}

/** `2026-11-20 11:00:00`: in UTC, short enough for a column. */
function secondOf(time: string): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ')
}

function method(sheet: Sheet, body: CertificateBody): void {
  const { destroyed, removed, keys } = body.method
  sheet.heading('Method')
  for (const text of methodSays(body)) sheet.paragraph(text)
  sheet.pair('Keys destroyed', `${count(destroyed.person)} of the person, ${count(destroyed.interactions)} of calls and messages the person was a party of`)
  sheet.pair('Key over them', keys === 'files' ? 'kept in files of the server' : `kept in ${keys}`)
  sheet.pair(
    'Taken out besides',
    `${some(removed.aliases, 'alias', 'aliases')}, the values in ${some(removed.rows, 'row')}, ${some(removed.tokens, 'search token')}, ${some(removed.exports, 'export')} kept by the server`,
  )
  sheet.pair('Searched afterwards', `${some(body.searched.files, 'file')}, ${count(body.searched.bytes)} bytes, for ${some(body.searched.patterns, 'pattern')}`)
  for (const { file, what } of body.searched.found.slice(0, MOST_PLACES)) sheet.pair('Still found', `${what} in ${file}`)
  sheet.paragraph('Whether an erasure by this method meets a duty to erase is for whoever has that duty to judge; this certificate does not say so.')
}

function unreached(sheet: Sheet, { notReached }: CertificateBody): void {
  sheet.heading('What could not be reached')
  if (notReached.length === 0) return sheet.paragraph('The server knows of nothing. Copies it does not know of are not named here.')
  sheet.paragraph('The server cannot reach these. Whoever holds them has to be told by other ways.')
  for (const { what, at, detail } of notReached.slice(0, MOST_PLACES)) sheet.pair(CERTIFICATE_WORDS[what], at === null ? detail : `${moment(at)}: ${detail}`)
  if (notReached.length > MOST_PLACES) sheet.paragraph(`and ${some(notReached.length - MOST_PLACES, 'more')}, named in the file.`, true)
}

function check(sheet: Sheet, { certificate, started, completed }: CertificateFile, sha256: string, vkey: string): void {
  sheet.heading('How to check it')
  sheet.paragraph('With the JSON file of this certificate, and the key of the log from somewhere else than this page or that file:')
  sheet.code(`sealtrail-verify certificate-${certificate.id}.json --key VKEY`)
  sheet.paragraph(
    'or drop the file on verify.html, which needs no network. Both say whether the log sealed this certificate, and what that shows. The key as this server prints it, to be compared with the one you have:',
  )
  sheet.code(vkey)
  const indexOf = (proof: string): string => count(parseTlogProof(Buffer.from(proof)).index)
  sheet.pair('SHA-256', sha256, true)
  sheet.pair('', 'of the member "certificate" of the file, in canonical JSON (RFC 8785)')
  sheet.pair('Intent', `record ${indexOf(started.proof)} of the log ${certificate.origin}`)
  sheet.pair('Completion', `record ${indexOf(completed.proof)} of the same log; it names the SHA-256 above`)
}

function signature(sheet: Sheet, sha256: string): void {
  sheet.room(170)
  sheet.heading('Signature')
  sheet.paragraph(`I have checked the file of the certificate with the SHA-256 ${sha256.slice(0, 16)}… as described, and compared this page with it.`)
  sheet.blanks(['Name', 'Position', 'Place, date', 'Signature'])
}

/** How often each is there, in the order of first appearance. */
function tally(names: readonly string[]): Array<[string, number]> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
}

/** Of what is shown. */
function isPlain({ requested, approved, tenant, records, notReached }: CertificateBody): boolean {
  const shown = records.slice(0, MOST_RECORDS)
  const lists: ReadonlyArray<readonly string[]> = [
    [requested.by, requested.ground, requested.reference ?? '', approved?.by ?? '', tenant],
    shown.map(({ type, status }) => `${type} ${status ?? ''}`),
    shown.flatMap(({ fields }) => fields.slice(0, MOST_FIELDS).map(({ path }) => path)),
    notReached.slice(0, MOST_PLACES).map(({ detail }) => detail),
  ]
  return lists.flat().every((text) => pageText(text) === text.normalize('NFC'))
}
