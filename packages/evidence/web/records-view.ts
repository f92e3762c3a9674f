import type { Report } from '../src/report/report.ts'
import type { FieldRow, RecordRow } from '../src/report/row.ts'
import { count, moment, printable, some } from '../src/report/words.ts'
import { el } from './dom.ts'
import { matches } from './matches.ts'

const PAGE = 50

type Shown = FieldRow['state'] | 'unproven'
type Verdict = Report['verdict']

/** The five states of a field, the plain one, and the one nobody should meet. */
const STATES: { readonly [state in Shown]: readonly [tone: string, word: string] } = {
  clear: ['none', 'in clear'],
  disclosed: ['none', 'disclosed'],
  unproven: ['bad', 'not proven'],
  sealed: ['none', 'sealed'],
  erased: ['open', 'erased'],
  expired: ['open', 'expired'],
  missing: ['bad', 'missing'],
}

/** What each means. Attacker: of a file that is not verified no value may be called the sealed one. */
function meaningOf(state: Shown, verdict: Verdict): string {
  switch (state) {
    case 'clear':
      return verdict === 'verified' ? 'stands in the sealed record itself' : 'stands in the record itself'
    case 'disclosed':
      if (verdict === 'verified') return 'shown to you; it is the value that was sealed'
      return verdict === 'consistent' ? 'shown to you; it fits the record, whoever made that' : 'shown in this file, which has problems: do not rely on it'
    case 'unproven':
      return 'stands in this file; nothing shows that it was sealed'
    case 'sealed':
      return 'exists, and is not shown to you'
    case 'erased':
      return 'said to be destroyed on purpose'
    case 'expired':
      return 'said to be past its time of keeping'
    case 'missing':
      return 'should be here and is not'
  }
}

/** The list of records, a page at a time; what is found by the search replaces it. */
export class RecordsView {
  readonly element: HTMLElement
  readonly #list = el('ol', { class: 'records' })
  readonly #more = el('button', { type: 'button', class: 'more' })
  readonly #note = el('p', { class: 'hint', role: 'status' })
  readonly #wrong: ReadonlySet<string>
  readonly #verdict: Verdict
  #rows: readonly RecordRow[]
  #shown = 0

  /** @param total records in the file. @param find looks for more in the file; null when all are in `rows`. */
  constructor(rows: readonly RecordRow[], total: number, { verdict, findings }: Report, find: ((text: string) => Promise<readonly RecordRow[]>) | null) {
    this.#rows = rows
    this.#verdict = verdict
    this.#wrong = new Set(findings.filter(({ index }) => index !== null).map(({ log, index }) => `${log ?? ''}:${index}`))
    const states = new Set(rows.flatMap((row) => row.fields.map(({ state }) => this.#stateOf(row, state))))
    this.element = el(
      'section',
      { class: 'part', 'aria-labelledby': 'records' },
      el('h2', { id: 'records' }, total === 1 ? 'The record' : `The records, ${count(total)}`),
      legend(states, verdict),
      total > 1 ? this.#search(rows, total, find) : null,
      this.#note,
      this.#list,
      this.#more,
    )
    this.#more.addEventListener('click', () => this.#next())
    this.#show(rows, total)
    if (total === 1) this.#list.querySelector('details')?.setAttribute('open', '')
  }

  #isWrong({ log, index, proven }: RecordRow): boolean {
    return !proven || this.#wrong.has(`${log}:${index}`) || this.#wrong.has(`:${index}`)
  }

  #stateOf(row: RecordRow, state: FieldRow['state']): Shown {
    return (state === 'clear' || state === 'disclosed') && this.#isWrong(row) ? 'unproven' : state
  }

  #show(rows: readonly RecordRow[], total: number): void {
    this.#rows = rows
    this.#shown = 0
    this.#list.replaceChildren()
    this.#next()
    this.#note.textContent =
      rows.length < total
        ? `The first ${count(rows.length)} of ${some(total, 'record')} can be leafed through here; all of them were checked. The search looks through all.`
        : ''
  }

  #next(): void {
    const page = this.#rows.slice(this.#shown, this.#shown + PAGE)
    this.#list.append(...page.map((row) => recordItem(row, this.#isWrong(row), this.#verdict, (state) => this.#stateOf(row, state))))
    this.#shown += page.length
    const left = this.#rows.length - this.#shown
    this.#more.hidden = left === 0
    this.#more.textContent = `Show ${count(Math.min(PAGE, left))} more`
  }

  #search(rows: readonly RecordRow[], total: number, find: ((text: string) => Promise<readonly RecordRow[]>) | null): HTMLElement {
    const input = el('input', { type: 'search', id: 'find', spellcheck: 'false', autocomplete: 'off' })
    const form = el(
      'form',
      { class: 'find', role: 'search' },
      el('label', { for: 'find' }, 'Find a record by number, audit id, subject, type or value', input),
      el('button', { type: 'submit' }, 'Find'),
    )
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const text = input.value.trim()
      if (text === '') return this.#show(rows, total)
      this.#note.textContent = 'Looking…'
      const found = find === null ? Promise.resolve(rows.filter((row) => matches(row, text))) : find(text)
      found.then(
        (hits) => {
          this.#show(hits, hits.length)
          this.#note.textContent =
            hits.length === 0 ? 'No record fits.' : `${some(hits.length, 'record')} found. Empty the field and press Find to see all again.`
        },
        () => (this.#note.textContent = 'The file could not be read again.'),
      )
    })
    return form
  }
}

function legend(states: ReadonlySet<Shown>, verdict: Verdict): HTMLElement {
  const shown = (Object.keys(STATES) as Shown[]).filter((state) => states.has(state))
  return el('ul', { class: 'legend' }, ...shown.map((state) => el('li', {}, chip(state, verdict), ` ${meaningOf(state, verdict)}`)))
}

function chip(state: Shown, verdict: Verdict, number?: number): HTMLElement {
  const [tone, word] = STATES[state]
  const shown = state === 'disclosed' && verdict === 'verified' ? 'good' : tone
  return el('span', { class: `chip ${shown}` }, number === undefined ? word : `${count(number)} ${word}`)
}

function recordItem(row: RecordRow, wrong: boolean, verdict: Verdict, stateOf: (state: FieldRow['state']) => Shown): HTMLElement {
  const inside = el('div', { class: 'inside' })
  const details = el(
    'details',
    {},
    el(
      'summary',
      {},
      el('span', { class: 'no' }, row.index === null ? '?' : count(row.index)),
      el('span', { class: 'when' }, row.time === null ? 'no event time' : moment(row.time)),
      el('span', { class: 'kind' }, printable(row.type)),
      el('span', { class: 'chips' }, ...(wrong ? [el('span', { class: 'chip bad' }, 'problem')] : chips(row.fields, verdict))),
    ),
    inside,
  )
  const open = (): void => {
    if (inside.childElementCount === 0) inside.append(...recordInside(row, verdict, stateOf))
  }
  details.addEventListener('toggle', open)
  // Printing opens what is shown; see page.ts.
  details.addEventListener('open-for-print', open)
  return el('li', { class: wrong ? 'record wrong' : 'record', 'data-index': String(row.index ?? '') }, details)
}

function chips(fields: readonly FieldRow[], verdict: Verdict): HTMLElement[] {
  const counts = new Map<FieldRow['state'], number>()
  for (const { state } of fields) if (state !== 'clear') counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, number]) => chip(state, verdict, number))
}

function recordInside(row: RecordRow, verdict: Verdict, stateOf: (state: FieldRow['state']) => Shown): HTMLElement[] {
  const pairs: [string, string, boolean][] = [
    ['About', row.subject, false],
    ['Its number there', `${count(row.subjectsequence)}${row.late ? ' – came late: it belongs before one sealed earlier' : ''}`, false],
    ['Received, by the log’s clock', moment(row.recordedtime), false],
    ['Audit id', row.auditid, true],
    ['Integrity hash', row.integrityHash, true],
  ]
  const body = el(
    'tbody',
    {},
    ...row.fields.map(({ path, state, value, reason }) =>
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, printable(path)),
        el('td', { class: 'value' }, value === null ? printable(reason ?? '') : printable(value)),
        el('td', { class: 'field-state' }, chip(stateOf(state), verdict)),
      ),
    ),
  )
  return [
    el('dl', { class: 'detail' }, ...pairs.flatMap(([label, value, mono]) => [el('dt', {}, label), el('dd', mono ? { class: 'mono' } : {}, printable(value))])),
    el('table', {}, el('thead', {}, el('tr', {}, ...['Field', 'Value', 'State'].map((name) => el('th', { scope: 'col' }, name)))), body),
    ...(row.more > 0 ? [el('p', { class: 'hint' }, `${some(row.more, 'more field')} not shown.`)] : []),
  ]
}
