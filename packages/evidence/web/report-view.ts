import type { Answer, Finding, Report } from '../src/report/report.ts'
import { count } from '../src/report/words.ts'
import { el } from './dom.ts'
import { mark, TONES, WORDS } from './mark.ts'
import { rangePicture, timePicture } from './picture.ts'

const VERDICT_STATE = { verified: 'yes', consistent: 'open', refuted: 'no' } as const

/** The verdict, what is wrong, the six answers and the pictures. @param about what file was checked, for the examiner's own record. */
export function reportView(report: Report, about: string): HTMLElement[] {
  const parts = [verdict(report, about)]
  if (report.findings.length > 0) parts.push(findings(report))
  parts.push(answers(report))
  return parts
}

function verdict({ verdict, headline, sentence }: Report, about: string): HTMLElement {
  const state = VERDICT_STATE[verdict]
  return el(
    'div',
    { class: `verdict ${TONES[state]}`, id: 'verdict', 'data-verdict': verdict },
    mark(state),
    el('h2', { tabindex: '-1', id: 'headline' }, headline),
    el('p', {}, sentence),
    el('p', { class: 'about' }, about),
  )
}

function findings({ findings, more }: Report): HTMLElement {
  const title = findings.length + more === 1 ? 'What is wrong' : `What is wrong, ${count(findings.length + more)} things`
  return el(
    'section',
    { class: 'part', 'aria-labelledby': 'wrong' },
    el('h2', { id: 'wrong' }, title),
    el('ul', { class: 'findings' }, ...findings.slice(0, MOST_FINDINGS).map(finding)),
    findings.length + more > MOST_FINDINGS ? el('p', { class: 'hint' }, `The first ${count(MOST_FINDINGS)} are shown.`) : null,
  )
}

const MOST_FINDINGS = 100

function finding({ code, place, sentence, detail }: Finding): HTMLElement {
  return el(
    'li',
    { 'data-code': code },
    place === null ? null : el('p', { class: 'where' }, place),
    el('p', { class: 'what' }, sentence),
    el('p', {}, el('code', {}, `${code}: ${detail}`)),
  )
}

function answers({ answers, pictures }: Report): HTMLElement {
  const section = el('section', { class: 'part', 'aria-labelledby': 'questions' }, el('h2', { id: 'questions' }, 'What can be said, question by question'))
  const box = el('div', { class: 'answers' })
  for (const each of answers) {
    box.append(answer(each))
    const draw = each.id === 'time' ? timePicture : each.id === 'records' ? rangePicture : null
    if (draw !== null) box.lastElementChild?.lastElementChild?.append(...pictures.map(draw).filter((drawn) => drawn !== null))
  }
  section.append(box)
  return section
}

function answer({ id, question, state, says, detail }: Answer): HTMLElement {
  const words = el(
    'div',
    {},
    el('h3', {}, question, ' ', el('span', { class: 'word' }, WORDS[state])),
    ...says.map((sentence, i) => el('p', { class: i === 0 ? 'said' : 'also' }, sentence)),
    detail.length === 0
      ? null
      : el(
          'details',
          {},
          el('summary', {}, 'In detail'),
          el('dl', { class: 'detail' }, ...detail.flatMap(({ label, value, mono }) => [el('dt', {}, label), el('dd', mono ? { class: 'mono' } : {}, value)])),
        ),
  )
  return el('article', { class: `answer ${TONES[state]}`, 'data-answer': id, 'data-state': state }, mark(state), words)
}
