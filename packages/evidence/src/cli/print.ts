import type { AnswerState, Report } from '../report/report.ts'
import type { RecordRow } from '../report/row.ts'
import { count, moment, printable } from '../report/words.ts'

const WIDTH = 96
const SIGNS: { readonly [state in AnswerState]: string } = { yes: '[shown]', part: '[part] ', open: '[open] ', no: '[WRONG]', none: '[-]    ' }
const BANNERS: { readonly [verdict in Report['verdict']]: string } = { verified: 'VERIFIED', consistent: 'SIGNER NOT ESTABLISHED', refuted: 'PROBLEM' }
const MAX_FINDINGS = 20

/** The report as text: the verdict, what is wrong, each question with its answer, the detail beneath. */
export function printReport({ verdict, headline, sentence, answers, findings, more }: Report, about: string): string {
  const lines = [`${BANNERS[verdict]} – ${headline}`, ...wrap(sentence, 0), about, '']
  for (const { place, sentence, code, detail } of findings.slice(0, MAX_FINDINGS)) {
    lines.push(...wrap(`! ${place === null ? '' : `${place}: `}${sentence}`, 2), `  (${code}: ${printable(detail)})`)
  }
  const hidden = Math.max(0, findings.length - MAX_FINDINGS) + more
  if (hidden > 0) lines.push(`  and ${count(hidden)} more; --json lists them`)
  if (findings.length > 0) lines.push('')
  for (const { question, state, says, detail } of answers) {
    lines.push(`${SIGNS[state]} ${question}`)
    for (const each of says) lines.push(...wrap(each, 8))
    for (const { label, value } of detail) lines.push(...wrap(`${label}: ${value}`, 10))
    lines.push('')
  }
  return lines.join('\n')
}

/** One record with its fields. @param wrong it is not proven, or one of the findings is about it: its values are shown as the file has them, and called nothing else */
export function printRecord(row: RecordRow, wrong: boolean): string {
  const head = `${wrong ? 'NOT PROVEN ' : ''}record ${row.index === null ? '(of no known number)' : count(row.index)}  ${row.time === null ? 'no event time' : moment(row.time)}  ${printable(row.type)}  ${printable(row.subject)} no. ${count(row.subjectsequence)}${row.late ? ' (late)' : ''}`
  const fields = row.fields.map(
    ({ path, state, value, reason }) =>
      `    ${printable(path)}: ${value === null ? `(${state}${reason === undefined ? '' : ` ${printable(reason)}`})` : `${printable(value)}${state === 'clear' || wrong ? '' : `  (${state})`}`}`,
  )
  return [head, `    ${row.auditid}  ${row.integrityHash}`, ...fields, ...(row.more > 0 ? [`    and ${count(row.more)} more fields`] : []), ''].join('\n')
}

function wrap(text: string, indent: number): string[] {
  const pad = ' '.repeat(indent)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(pad + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(pad + line)
  if (indent === 2) lines[0] = (lines[0] as string).slice(2)
  return lines
}
