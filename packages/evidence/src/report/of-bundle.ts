import type { BundleVerdict, LogVerdict, QuestionAnswer, QuestionId } from '../bundle/verdict.ts'
import { quoted } from '../bundle/quoted.ts'
import type { Problem } from '../problem.ts'
import type { Answer, AnswerState, Detail, Finding, Moment, Picture, Report } from './report.ts'
import { SENTENCES } from './sentences.ts'
import { count, moment, printable, some } from './words.ts'

const STATES: { readonly [answer in QuestionAnswer['answer']]: AnswerState } = { yes: 'yes', partly: 'part', unknown: 'open', no: 'no', none: 'none' }

/** The report on a bundle. */
export function bundleReport(verdict: BundleVerdict): Report {
  return {
    ...conclusionOf(verdict),
    subject: 'bundle',
    answers: verdict.questions.map((question) => answerOf(question, verdict)),
    findings: verdict.problems.map((problem) => findingOf(problem, verdict)),
    more: verdict.problemCount - verdict.problems.length,
    pictures: verdict.logs.filter(({ root }) => root !== '').map((log) => pictureOf(log, verdict)),
  }
}

/** @param what it is, e.g. `bundle`. Attacker: nothing but `conclusion` may lead to `verified`, and a problem always refutes. */
export function headOf(conclusion: BundleVerdict['conclusion'], problems: number, what: Report['subject']): Pick<Report, 'verdict' | 'headline' | 'sentence'> {
  if (conclusion === 'broken' || problems > 0) {
    return {
      verdict: 'refuted',
      headline: 'Do not rely on this file',
      sentence: `${problems === 1 ? 'A check' : `${count(problems)} checks`} failed. The ${what} is not what it claims to be, or it was damaged on its way; each place is named below.`,
    }
  }
  if (conclusion === 'established') {
    return {
      verdict: 'verified',
      headline: 'Verified',
      sentence:
        what === 'certificate'
          ? 'This is the certificate that the log sealed when the erasure was done, in a state signed as what you gave demands. What that shows, and what it leaves open, stands below.'
          : `${what === 'bundle' ? 'Every record in this bundle' : 'The record'} leads to a state of its log that was signed as what you gave demands. What that shows, and what it leaves open, stands below.`,
    }
  }
  return {
    verdict: 'consistent',
    headline: 'Consistent, signer not established',
    sentence: `Nothing in this ${what} contradicts anything else in it. But anybody could have made it so: who signed is only established with a key you got another way.`,
  }
}

function conclusionOf({ ok, conclusion, problemCount }: BundleVerdict): Pick<Report, 'verdict' | 'headline' | 'sentence'> {
  return headOf(ok ? conclusion : 'broken', problemCount, 'bundle')
}

function answerOf({ id, question, answer, says }: QuestionAnswer, verdict: BundleVerdict): Answer {
  // Where nothing is wrong, a *no* says that something cannot be had: no schema in the file, no key that fits.
  const state = answer === 'no' && verdict.problemCount === 0 ? 'open' : STATES[answer]
  const only = verdict.logs.length === 1 ? (verdict.logs[0]?.log ?? null) : null
  return { id, question, state, says: says.map((sentence) => plain(sentence, only)), detail: detailOf(id, verdict) }
}

/** Times and numbers as people write them; the log's name in front only where there are several. */
function plain(sentence: string, only: string | null): string {
  const named = only !== null && sentence.startsWith(`${only}: `)
  const bare = named ? sentence.slice(only.length + 2) : sentence
  const timed = bare.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, (time) => moment(time))
  const counted = timed.replace(/(?<=^|\s)\d{5,15}(?=[\s,;]|\.(?:\s|$)|$)/g, (number) => count(Number(number)))
  return printable(named ? counted.charAt(0).toUpperCase() + counted.slice(1) : counted)
}

function findingOf({ index, object, code, message }: Problem, verdict: BundleVerdict): Finding {
  const log = verdict.logs.find(({ log }) => object.startsWith(`log/${log}/`) || object.startsWith(`disclosures/${log}.`))?.log ?? null
  const place = [
    index === null ? null : `Record ${count(index)}${log === null || verdict.logs.length < 2 ? '' : ` of ${log}`}`,
    object === '' ? null : placeOf(object),
  ]
  return {
    code,
    place: place.filter((part) => part !== null).join(', ') || null,
    sentence: SENTENCES[code] ?? `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
    detail: message,
    index,
    log,
  }
}

/** `log/calls/records.ndjson:12` as `file log/calls/records.ndjson, line 12`. */
function placeOf(object: string): string {
  const [, path, line] = /^(.*?)(?::(\d+))?$/s.exec(object) ?? []
  return `file ${printable(path ?? object)}${line === undefined ? '' : `, line ${count(Number(line))}`}`
}

function detailOf(id: QuestionId, verdict: BundleVerdict): Detail[] {
  const { logs, manifest, manifestSha256 } = verdict
  const many = logs.length > 1
  const details: Detail[] = []
  const add = (label: string, value: string | null, mono = false): void => {
    if (value !== null && value !== '') details.push({ label, value: printable(value), ...(mono ? { mono: true as const } : {}) })
  }
  if (id === 'records' && manifest !== null) {
    add('Made, by the maker’s clock', moment(manifest.created))
    add('Said to be made with', quoted(`${manifest.tool.name} ${manifest.tool.version}`))
    add(
      'Asked for by',
      `${quoted(manifest.requester.name)}, ${quoted(manifest.requester.role)}${manifest.requester.purpose === null ? '' : `, for ${quoted(manifest.requester.purpose)}`}`,
    )
    add('Digest of the list of files', manifestSha256, true)
  }
  for (const log of logs) {
    const of = (label: string): string => (many ? `${log.log}: ${label}` : label)
    if (id === 'signer') signerDetail(log, (label, value, mono) => add(of(label), value, mono))
    else if (id === 'time') timeDetail(log, (label, value, mono) => add(of(label), value, mono))
    else if (id === 'records') recordsDetail(log, (label, value, mono) => add(of(label), value, mono))
    else if (id === 'complete') completeDetail(log, (label, value) => add(of(label), value))
    else if (id === 'disclosed') fieldsDetail(log, (label, value) => add(of(label), value))
    else if (id === 'erased')
      for (const [id, fields] of Object.entries(log.erasedUnder)) {
        const found = verdict.certificates.find((each) => each.id === id)
        const about = found === undefined ? '' : `, erased on ${moment(found.completed)}, ground ${quoted(found.ground)}`
        add(of(id === '' ? 'Without a certificate' : `Certificate ${id}, ${found === undefined ? 'not ' : ''}in this file`), `${some(fields, 'value')}${about}`)
      }
    else
      for (const { schema, records, included } of log.schemas)
        add(of(quoted(schema)), `${some(records, 'record')}${included ? '' : ', description not included'}`)
  }
  return details
}

type Add = (label: string, value: string | null, mono?: boolean) => void

const WITNESSES: { readonly [quorum in LogVerdict['signer']['quorum']]: string | null } = {
  met: 'as many as the policy asks for',
  'not-met': 'fewer than the policy asks for',
  none: 'the policy asks for none',
  'not-asked': null,
}

function signerDetail({ origin, signer, root, size }: LogVerdict, add: Add): void {
  add('Name of the log', quoted(origin))
  add('Key that signed', signer.key, true)
  for (const { name, time } of signer.cosignatures) add('Countersigned', `${name}, ${moment(time)}`)
  if (signer.unknown > 0) add('Signatures nobody vouches for', count(signer.unknown))
  add('Witnesses', WITNESSES[signer.quorum])
  add(signer.by === null ? 'State, its signer not established' : 'Signed state', `${some(size, 'record')}, root ${root}`, true)
}

function timeDetail({ timestamps, records }: LogVerdict, add: Add): void {
  for (const { name, time, by, established, accuracyMs, revocation, revocationAsOf, ok, covers } of timestamps) {
    const words = [
      ok ? moment(time) : 'does not hold',
      accuracyMs === null ? null : `give or take ${(accuracyMs / 1000).toString()} s`,
      established ? 'established' : 'authority not established',
      revocation === 'good'
        ? `certificates not withdrawn according to the lists in the file${revocationAsOf === null ? '' : `, the oldest of ${moment(revocationAsOf)}`}`
        : revocation === 'revoked'
          ? 'certificate withdrawn'
          : 'not known whether certificates were withdrawn',
      `covers ${some(covers, 'record')}`,
    ]
    add(`Time stamp ${by === '' ? name : `of ${quoted(by)}`}`, words.filter((word) => word !== null).join('; '))
  }
  add('Events, by the sender’s word', records.earliest === null ? null : `${moment(records.earliest)} to ${moment(records.latest ?? records.earliest)}`)
}

function recordsDetail({ log, records, size, range, signer }: LogVerdict, add: Add): void {
  add('Log', `${log}, ${some(size, 'record')} ${signer.by === null ? 'in the state the file holds' : 'when it was signed'}`)
  add('In this file', `${some(records.count, 'record')}, ${count(records.proven)} proved`)
  const runs = records.runs.slice(0, 12).map(({ from, to }) => (to - from === 1 ? count(from) : `${count(from)}–${count(to - 1)}`))
  add('Their numbers', runs.length === 0 ? null : `${runs.join(', ')}${records.runs.length > 12 || records.moreRuns ? ' …' : ''}`)
  if (range !== null) add('Range asked for', range.to > range.from ? `${count(range.from)} to ${count(range.to - 1)}` : 'empty')
}

function completeDetail({ subjects, range }: LogVerdict, add: Add): void {
  if (range !== null) add('Range', range.complete ? 'every record of it is here' : 'not every record of it is shown to be here')
  add(
    'Subjects',
    `${count(subjects.count)}, of which ${count(subjects.gapless)} numbered from 1 without a gap, ${count(subjects.fromLater)} without a gap from a later number`,
  )
}

function fieldsDetail({ fields, disclosures }: LogVerdict, add: Add): void {
  add(
    'Protected values',
    `${count(fields.disclosed)} disclosed, ${count(fields.sealed)} sealed, ${count(fields.erased)} erased, ${count(fields.expired)} expired, ${count(fields.missing)} missing`,
  )
  add('Disclosed values', `${count(disclosures.matching)} match what was sealed, ${count(disclosures.wrong)} do not`)
}

function pictureOf({ log, size, records, timestamps, signer }: LogVerdict, { manifest }: BundleVerdict): Picture {
  const times: Moment[] = []
  const add = (time: string | null, kind: Moment['kind'], label: string): void => {
    if (time !== null) times.push({ time, kind, label: `${moment(time)}: ${printable(label)}` })
  }
  add(records.earliest, 'claimed', 'first event')
  if (records.latest !== records.earliest) add(records.latest, 'claimed', 'last event')
  for (const { time, by, established, ok } of timestamps) if (ok) add(time, established ? 'proved' : 'consistent', `time stamp of ${quoted(by)}`)
  for (const { name, time } of signer.cosignatures) add(time, 'proved', `countersigned by ${name}`)
  if (manifest !== null) add(manifest.created, 'claimed', 'this file was made')
  return { log, size, held: records.runs, times }
}
