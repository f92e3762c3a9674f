import type { Problem } from '../problem.ts'
import type { BundleManifest } from './format.ts'
import { latestOf } from './instant.ts'
import { quoted } from './quoted.ts'
import type { BundleTrust, CertificateFinding, Conclusion, LogVerdict, ProvenTime, QuestionAnswer } from './verdict.ts'

export interface Findings {
  readonly manifest: BundleManifest | null
  readonly logs: readonly LogVerdict[]
  readonly certificates: readonly CertificateFinding[]
  readonly problems: readonly Problem[]
  readonly problemCount: number
  /** Whether the examiner brought a key or policy, and roots of time-stamping authorities. */
  readonly brought: boolean
  readonly roots: boolean
  readonly asked: BundleTrust['asked']
}

type Said = Pick<QuestionAnswer, 'answer' | 'says'>

export function conclude(logs: readonly LogVerdict[], problemCount: number): Conclusion {
  if (problemCount > 0) return 'broken'
  return logs.length > 0 && logs.every(({ signer }) => signer.by !== null) ? 'established' : 'consistent'
}

/** The seven questions of an examiner, answered in sentences. attacker: names of logs, witnesses and authorities come from the file or its keys. */
export function questionsOf(found: Findings): QuestionAnswer[] {
  const unread: Said = { answer: 'unknown', says: ['The file cannot be read as an evidence bundle.'] }
  const of = (say: (found: Findings) => Said): Said => (found.manifest === null ? unread : say(found))
  return [
    { id: 'signer', question: 'Who signed?', ...of(signer) },
    { id: 'time', question: 'Since when is it provable?', ...of(time) },
    { id: 'records', question: 'Which records are here, and are they what was sealed?', ...of(records) },
    { id: 'complete', question: 'Is it complete?', ...of(complete) },
    { id: 'disclosed', question: 'Which values are disclosed, and do they match?', ...of(disclosed) },
    { id: 'erased', question: 'What is erased or missing?', ...of(erased) },
    { id: 'schemas', question: 'Which schemas do the records follow?', ...of(schemas) },
  ]
}

function signer({ logs, brought }: Findings): Said {
  const says = logs.flatMap(({ log, origin, signer: { by, key, cosignatures, quorum, unknown } }) => {
    const lines = []
    if (by !== null)
      lines.push(`${log}: signed by the log ${quoted(origin)}, with the key ${key ?? ''} ${by === 'policy' ? 'of the policy you brought' : 'you brought'}.`)
    else if (brought) lines.push(`${log}: no key you brought establishes who signed for ${quoted(origin)}.`)
    if (quorum === 'met') lines.push(`${log}: the witness policy is met.`)
    if (quorum === 'none') lines.push(`${log}: your policy asks for no witness.`)
    if (quorum === 'not-met') lines.push(`${log}: too few of the witnesses your policy asks for signed.`)
    if (cosignatures.length > 0) lines.push(`${log}: cosigned by ${list(cosignatures.map(({ name }) => name))}, witnesses you brought keys of.`)
    if (unknown > 0 && brought) lines.push(`${log}: ${count(unknown, 'signature')} by keys you did not bring; they say nothing.`)
    return lines
  })
  const established = logs.filter(({ signer: { by } }) => by !== null).length
  if (!brought)
    return {
      answer: 'unknown',
      says: ['Consistent at most, signer not established: you brought no key and no policy. Whoever made this file may have made all of it, keys included.'],
    }
  const failed = logs.some(({ signer: { by, quorum } }) => by === null || quorum === 'not-met')
  return { answer: established === 0 ? 'no' : failed ? 'partly' : 'yes', says }
}

function time({ logs, roots }: Findings): Said {
  const says = logs.flatMap((each) => {
    const { log, since, timestamps } = each
    const all = each.records.count
    const lines = since === null ? [] : [sinceLine(each, since)]
    if (since === null || !since.established) {
      const part = timestamps.filter(({ ok, covers, established }) => ok && covers > 0 && covers < all && (established || !roots)).at(-1)
      if (part !== undefined)
        lines.push(
          `${log}: ${count(part.covers, 'record')} of ${all} existed by ${latestOf(part.time, part.accuracyMs)}, by the word of ${quoted(part.by)}${part.established ? '' : ', not established'}.`,
        )
    }
    if (lines.length === 0) lines.push(`${log}: no time stamp and no witness you know covers all of it; its times are the word of whoever made it.`)
    return lines
  })
  const established = logs.filter(({ since }) => since?.established === true)
  const whole = established.filter(({ records: { count: all, proven } }) => proven === all)
  return { answer: logs.length > 0 && whole.length === logs.length ? 'yes' : established.length > 0 ? 'partly' : 'unknown', says }
}

/** attacker: a time says nothing of a record that does not lead to the state it was given for. */
function sinceLine({ log, signer: { by: signed }, records: { count: all, proven } }: LogVerdict, { time: at, kind, by, established }: ProvenTime): string {
  const who = `${kind === 'tsa' ? 'the time-stamping authority' : 'the witness'} ${quoted(by)}`
  const end = established ? '.' : '; you brought no root certificate that establishes this authority.'
  if (proven === 0 && all > 0) return `${log}: there is a time by the word of ${who}, but no record here that leads to the state it was given for.`
  const which =
    proven < all
      ? `the ${count(proven, 'record')} that ${proven === 1 ? 'leads' : 'lead'} to ${signed === null ? 'the state in this file' : 'the signed checkpoint'}`
      : all === 1
        ? 'the record'
        : `all ${all} records`
  return `${log}: ${which} existed by ${at}, by the word of ${who}${end}`
}

/** attacker: all of this can be written anew around records that are genuine. */
const UNSIGNED =
  'No signature covers the README, the draft of a certificate, the schemas, who asked for this file, when it was made, or what it says became of values that are not disclosed: these are the word of whoever made it.'

function records({ logs, brought }: Findings): Said {
  const says = logs.map(({ log, signer: { by }, records: { count: all, proven, runs, moreRuns, earliest, latest }, size }) => {
    const where = runs.slice(0, 10).map(({ from, to }) => (to === from + 1 ? `${from}` : `${from} to ${to - 1}`))
    const places = all === 0 ? '' : `, numbers ${list(where)}${runs.length > 10 || moreRuns ? ' and more' : ''}`
    const times = earliest === null || latest === null ? '' : ` They say they are of ${earliest} to ${latest}.`
    const unsigned = brought ? 'a state that no key you brought establishes' : 'a state the file holds, whose signature nobody here can check'
    const state = by === null ? unsigned : 'the signed checkpoint'
    const proof = proven === all ? `each leads to ${state}` : `only ${proven} lead to ${state}`
    return `${log}: ${count(all, 'record')}${places} of a log of ${size}; ${all === 0 ? 'nothing to prove' : proof}.${times}`
  })
  const [all, proven] = [sum(logs.map((log) => log.records.count)), sum(logs.map((log) => log.records.proven))]
  if (says.length === 0) says.push('There are no records in it.')
  says.push(UNSIGNED)
  if (all === 0) return { answer: 'none', says }
  const signed = logs.every(({ signer: { by } }) => by !== null)
  return { answer: proven === 0 ? 'no' : proven === all && signed ? 'yes' : 'partly', says }
}

function complete({ manifest, logs, problems, asked }: Findings): Said {
  const kind = manifest?.asked.kind
  if (kind === 'range') {
    const range = logs[0]?.range ?? null
    if (range === null) return { answer: 'no', says: ['It says a range was asked for, and holds none.'] }
    const names = `${logs[0]?.log ?? ''}:${range.from}..${range.to}`
    const says = range.complete
      ? [`Every record of ${names} is here: none was left out, put in or moved.`]
      : [`Not every record of ${names} is here and proven.`]
    if (asked?.range === undefined) says.push(`The file says that ${names} was asked for; whether you asked for more, only you know.`)
    return { answer: range.complete && !problems.some(({ code }) => code === 'BUNDLE_ASKED') ? 'yes' : 'no', says }
  }
  const gap = problems.some(({ code }) => code === 'SEQUENCE_GAP')
  const subjects = sum(logs.map((log) => log.subjects.count))
  const gapless = sum(logs.map((log) => log.subjects.gapless))
  if (kind === 'subject') {
    if (subjects === 0) return { answer: 'unknown', says: ['There is no record of the subject in it; the file cannot show that there is none in the log.'] }
    if (gap || gapless < subjects) return { answer: 'no', says: ['The records of the subject are not numbered without a gap from 1: at least one is missing.'] }
    return {
      answer: 'partly',
      says: [
        `The records of the subject are numbered from 1 without a gap: none in between is missing.`,
        'A record sealed after the last one here would not show: ask for the range of the log, or for the subject again.',
      ],
    }
  }
  return {
    answer: gap ? 'no' : 'unknown',
    says: [
      'This is the result of a search. Each record in it is proven; that no other record fits the search, the file cannot show. A range of the log can.',
      `${gapless} of ${count(subjects, 'subject')} are numbered from 1 without a gap as far as the file goes.`,
    ],
  }
}

function disclosed({ logs, problems }: Findings): Said {
  const fields = total(logs)
  const all = fields.disclosed + fields.sealed + fields.erased + fields.expired + fields.missing
  const matching = sum(logs.map((log) => log.disclosures.matching))
  const wrong = problems.some(({ code }) => code.startsWith('DISCLOSURE') || code.startsWith('SDJWT') || code === 'FIELD_STATE')
  if (all === 0 && !wrong) return { answer: 'none', says: ['The records hold no protected values.'] }
  const says = [`${count(matching, 'value')} disclosed and found to be what was sealed, of ${count(all, 'protected value')}.`]
  if (wrong) says.unshift('What is said to be disclosed does not fit the records: see the problems.')
  if (fields.sealed > 0) says.push(`${count(fields.sealed, 'value')} sealed: there, but not shown to whoever asked for this file.`)
  return { answer: wrong ? 'no' : matching === 0 ? 'none' : matching === all ? 'yes' : 'partly', says }
}

/** attacker: that a value is gone is the word of whoever made the file, or of the log where a certificate says so; nothing in it can show that no copy is left. */
function erased({ logs, certificates, problems }: Findings): Said {
  const fields = total(logs)
  const says: string[] = []
  const under = new Map<string, number>()
  for (const log of logs) for (const [id, values] of Object.entries(log.erasedUnder)) under.set(id, (under.get(id) ?? 0) + values)
  const wrong = problems.some(({ code, object }) => code.startsWith('CERTIFICATE_') || object.startsWith('certificates/'))
  let vouched = true
  for (const [id, values] of under) {
    const found = certificates.find((each) => each.id === id)
    vouched &&= found?.conclusion === 'established'
    says.push(`${count(values, 'value')} ${erasedUnder(id, found)}.`)
  }
  if (fields.expired > 0) says.push(`${count(fields.expired, 'value')} said to be expired by the retention rules.`)
  if (fields.missing > 0) says.push(`${count(fields.missing, 'value')} missing without a reason: ask why.`)
  if (wrong) says.unshift('A certificate of erasure in this file does not hold, or does not name what is said to be erased under it: see the problems.')
  if (says.length === 0) return { answer: 'none', says: ['Nothing is said to be erased, expired or missing.'] }
  const proven = logs.every(({ records }) => records.proven === records.count)
  const whole = vouched && under.size > 0 && fields.expired === 0
  says.push(
    `That a value is gone is the word of ${whole ? 'the log, sealed when it was erased' : 'whoever made the file'}${proven ? '; the records are proven without it' : ''}.`,
  )
  if (wrong) return { answer: 'no', says }
  return { answer: fields.missing > 0 ? 'partly' : whole ? 'yes' : 'unknown', says }
}

function erasedUnder(id: string, found: CertificateFinding | undefined): string {
  if (id === '') return 'said to be erased without a certificate'
  if (found === undefined) return `said to be erased under the certificate ${id}, which is not in this file: ask for it`
  const here = `erased on ${found.completed} under the certificate ${id}, which is in this file`
  if (found.conclusion === 'broken') return `said to be ${here} and does not hold`
  return found.conclusion === 'established'
    ? `${here}, names each of them and was sealed by the log`
    : `said to be ${here} and names each of them; who signed it is not established`
}

function schemas({ logs }: Findings): Said {
  const all = logs.flatMap((log) => log.schemas)
  if (all.length === 0) return { answer: 'none', says: ['No record, no schema.'] }
  const included = all.filter((each) => each.included).length
  const says = all
    .slice(0, 20)
    .map(
      ({ schema, records: number, included: there }) =>
        `${count(number, 'record')} ${number === 1 ? 'names' : 'name'} ${quoted(schema)}, ${there ? 'and the file holds one of that name' : 'which is not in the file'}.`,
    )
  if (all.length > 20) says.push(`${all.length - 20} more.`)
  if (included > 0) says.push('That it is the schema the records were made under is the word of whoever made the file.')
  return { answer: included === 0 ? 'no' : 'partly', says }
}

function total(logs: readonly LogVerdict[]): LogVerdict['fields'] {
  const all = { disclosed: 0, sealed: 0, erased: 0, expired: 0, missing: 0 }
  for (const { fields } of logs) for (const state of Object.keys(all) as Array<keyof typeof all>) all[state] += fields[state]
  return all
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
