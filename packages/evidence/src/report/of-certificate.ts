import { quoted } from '../bundle/quoted.ts'
import type { CertificateBody, CertificateRecord } from '../certificate.ts'
import { parseCertificate } from '../certificate/read.ts'
import { verifyCertificate } from '../certificate/verify.ts'
import type { CertificateVerdict } from '../certificate/verify.ts'
import { EvidenceError } from '../errors.ts'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { CERTIFICATE_WORDS, methodSays } from './certificate-words.ts'
import { headOf } from './of-bundle.ts'
import type { Answer, Detail, Finding, Report } from './report.ts'
import { SENTENCES } from './sentences.ts'
import type { GivenTrust } from './trust-text.ts'
import { count, list, moment, printable, some } from './words.ts'

/** How many records, and places that were not reached, are named one by one. */
const MOST = 200

/**
 * Checks an erasure certificate and says in plain words what it says and who vouches for it.
 * attacker: the file; only `trust` comes from elsewhere. Never throws for it.
 */
export function checkCertificate(bytes: Uint8Array, trust: GivenTrust): Report {
  let file
  try {
    file = parseCertificate(bytes)
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error
    const problem = problemOf('CERTIFICATE_FORMAT', 'certificate', null, error.message)
    return { ...headOf('broken', 1, 'certificate'), subject: 'certificate', answers: [], findings: [findingOf(problem)], more: 0, pictures: [] }
  }
  const verdict = verifyCertificate(file, {
    vkeys: trust.keys.map(({ vkey }) => vkey),
    ...(trust.policy === null ? {} : { policy: trust.policyText }),
  })
  const { conclusion, problems } = verdict
  return {
    ...headOf(conclusion, problems.length, 'certificate'),
    subject: 'certificate',
    answers: answersOf(file.certificate, verdict),
    findings: problems.map(findingOf),
    more: 0,
    pictures: [],
  }
}

function findingOf({ code, object, message, index }: Problem): Finding {
  const places: { readonly [object: string]: string } = { started: 'the sealed intent', completed: 'the sealed completion' }
  return { code, place: places[object] ?? 'the certificate', sentence: SENTENCES[code] ?? message, detail: printable(message), index, log: null }
}

function answersOf(body: CertificateBody, verdict: CertificateVerdict): Answer[] {
  const broken = verdict.problems.length > 0
  const said = broken ? 'part' : verdict.signer.by === null ? 'part' : 'yes'
  return [
    signerAnswer(body, verdict),
    {
      id: 'asked',
      question: 'Who asked for the erasure, and on what ground?',
      state: said,
      says: askedSays(body),
      detail: [
        mono('Certificate', body.id),
        plain('Asked for', `${moment(body.requested.at)}, by ${quoted(body.requested.by)}`),
        ...(body.approved === null ? [] : [plain('Approved', `${moment(body.approved.at)}, by ${quoted(body.approved.by)}`)]),
        plain('Began, intent sealed', moment(body.started)),
        plain('Done', moment(body.completed)),
        plain('Tenant', quoted(body.tenant)),
        mono('SHA-256 of the certificate', verdict.sha256),
      ],
    },
    {
      id: 'erased',
      question: 'What was erased?',
      state: said,
      says: erasedSays(body),
      detail: body.records.slice(0, MOST).map(recordDetail),
    },
    {
      id: 'method',
      question: 'By what method, and what is left?',
      state: 'part',
      says: methodSays(body),
      detail: [
        plain('Keys destroyed', `${count(body.method.destroyed.person)} of the person, ${count(body.method.destroyed.interactions)} of calls and messages`),
        plain('Where the keys over them are kept', body.method.keys),
        plain(
          'Taken out besides',
          `${some(body.method.removed.aliases, 'alias', 'aliases')}, the values in ${some(body.method.removed.rows, 'row')}, ${some(body.method.removed.tokens, 'search token')}, ${some(body.method.removed.exports, 'export')} kept by the server`,
        ),
        plain(
          'Searched afterwards',
          `${some(body.searched.files, 'file')}, ${count(body.searched.bytes)} bytes, for ${some(body.searched.patterns, 'pattern')}`,
        ),
        ...body.searched.found.slice(0, MOST).map(({ file, what }) => plain('Still found', `${what} in ${file}`)),
      ],
    },
    {
      id: 'unreached',
      question: 'What could not be reached?',
      state: body.notReached.length === 0 ? 'open' : 'part',
      says:
        body.notReached.length === 0
          ? ['The certificate names nothing. Copies its maker did not know of are not in it.']
          : [`${some(body.notReached.length, 'place')}: named below, with their dates. Whoever holds such a copy has to be told by other ways.`],
      detail: body.notReached.slice(0, MOST).map(({ what, at, detail }) => plain(CERTIFICATE_WORDS[what], at === null ? detail : `${moment(at)}: ${detail}`)),
    },
    timeAnswer(verdict),
  ]
}

function signerAnswer({ origin }: CertificateBody, { signer, problems, size, started, completed, conclusion }: CertificateVerdict): Answer {
  const name = printable(quoted(origin))
  const wrong = problems.some(({ code }) => code.startsWith('CHECKPOINT_') || code === 'RECEIPT_PROOF')
  const says =
    conclusion === 'established'
      ? [
          `The log ${name}, with the key you gave: it sealed that the erasure began (record ${count(started)}) and that it was done (record ${count(completed)}), and the latter names this certificate by its digest.`,
        ]
      : wrong
        ? ['Nobody you trust: what you gave does not bear out the signature, or the proofs do not lead to it.']
        : signer.by !== null
          ? [`The log ${name} signed the state in this file, with the key you gave; but the certificate does not fit what was sealed in it.`]
          : [`Somebody who calls themselves ${name}. Without a key from elsewhere, nobody can tell who that is.`]
  return {
    id: 'signer',
    question: 'Who vouches for this certificate?',
    state: conclusion === 'established' ? 'yes' : problems.length > 0 ? 'no' : 'open',
    says,
    detail: [
      plain('Name of the log', name),
      ...(signer.key === null ? [] : [mono('Key that signed', signer.key)]),
      ...(size === null ? [] : [plain(signer.by === null ? 'State, its signer not established' : 'Signed state', some(size, 'record'))]),
      ...signer.cosignatures.map(({ name: witness, time }) => plain('Countersigned', `${witness}, ${moment(time)}`)),
    ],
  }
}

function timeAnswer({ signer: { cosignatures }, problems }: CertificateVerdict): Answer {
  const shown = problems.length === 0 && cosignatures.length > 0
  return {
    id: 'time',
    question: 'Since when does it provably exist?',
    state: shown ? 'yes' : 'open',
    says: shown
      ? cosignatures.map(({ name, time }) => `Since ${moment(time)} at the latest, says the witness ${printable(name)}.`)
      : ['Not shown: this certificate holds no time that somebody else than the log vouches for. Its own dates are the log’s word.'],
    detail: [],
  }
}

/** attacker: a stranger's texts, between marks. */
function askedSays({ requested, approved, completed }: CertificateBody): string[] {
  return [
    `${quoted(requested.by)} asked for it on ${moment(requested.at)}${approved === null ? '; no second person was asked' : `, and ${quoted(approved.by)} approved it on ${moment(approved.at)}`}. It was done by ${moment(completed)}.`,
    `Ground: ${quoted(requested.ground)}${requested.reference === null ? '' : `; reference: ${quoted(requested.reference)}`}.`,
    'The names are those of access tokens, as the server knew them. Whom it was about the certificate does not say.',
  ].map((sentence) => printable(sentence))
}

function erasedSays({ records }: CertificateBody): string[] {
  const values = records.reduce((sum, { fields }) => sum + fields.length, 0)
  const logs = new Map<string, number>()
  for (const { log } of records) logs.set(log, (logs.get(log) ?? 0) + 1)
  if (records.length === 0) return ['No value of any record: nothing was held.']
  return [
    `${some(values, 'value')} of ${some(records.length, 'record')}: ${list(
      [...logs].map(([log, n]) => `${count(n)} in ${log}`),
      8,
    )}.`,
    'The records themselves stay, each with its place, its digest and its delivery status, and still verify: from the start they held a digest in place of each value.',
    ...(records.length > MOST ? [`The first ${MOST} are named below; the file names all.`] : []),
  ]
}

function recordDetail({ log, index, type, time, status, fields, hash }: CertificateRecord): Detail {
  const names = list(
    fields.map(({ path }) => path),
    6,
  )
  const about = [type, time === null ? 'no event time' : moment(time), ...(status === null ? [] : [status]), names, hash]
  return plain(`Record ${count(index)} of ${log}`, about.join('; '))
}

function plain(label: string, value: string): Detail {
  return { label: printable(label), value: printable(value) }
}

function mono(label: string, value: string): Detail {
  return { ...plain(label, value), mono: true }
}
