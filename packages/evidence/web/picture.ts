import type { Moment, Picture } from '../src/report/report.ts'
import { count, some } from '../src/report/words.ts'
import { el, svg } from './dom.ts'

/** Where in the log the records stand, as a bar. */
export function rangePicture({ log, size, held }: Picture): HTMLElement {
  const share = (n: number): number => (100 * n) / Math.max(size, 1)
  const number = held.reduce((sum, { from, to }) => sum + to - from, 0)
  const drawing = svg(
    'svg',
    { width: '100%', height: '50', 'aria-hidden': 'true', focusable: 'false' },
    svg('rect', { class: 'svg-track', x: '0', y: '2', width: '100%', height: '22', rx: '4' }),
    // A run too short to be seen is still drawn.
    ...merged(held, size / 200).map(([first, end]) =>
      svg('rect', {
        class: 'svg-held',
        x: percent(Math.min(share(first), 99.4)),
        y: '2',
        width: percent(Math.max(0.6, share(end - first))),
        height: '22',
        rx: '3',
      }),
    ),
    svg('text', { class: 'svg-text', x: '0', y: '43' }, 'record 0'),
    svg('text', { class: 'svg-text', x: '100%', y: '43', 'text-anchor': 'end' }, size === 0 ? 'empty' : `record ${count(size - 1)}`),
  )
  const [run] = held
  const where =
    run === undefined
      ? 'no record'
      : held.length > 1
        ? `${some(number, 'record')} in ${some(held.length, 'place')}`
        : number === 1
          ? `record ${count(run.from)}`
          : `records ${count(run.from)} to ${count(run.to - 1)}`
  return el(
    'figure',
    {},
    drawing,
    el('figcaption', {}, `The whole log ${log}, ${some(size, 'record')} long when it was signed. Marked: what this file holds, ${where}.`),
  )
}

const ORDER: readonly Moment['kind'][] = ['claimed', 'consistent', 'proved']
const KINDS: { readonly [kind in Moment['kind']]: string } = {
  claimed: 'the log’s own word',
  consistent: 'signed by somebody nobody has vouched for here',
  proved: 'established with what you gave',
}

/** What happened when: what the log says of itself, and what others say. */
export function timePicture({ times }: Picture): HTMLElement | null {
  const sorted = times
    .map((each) => ({ ...each, ms: Date.parse(each.time) }))
    .filter(({ ms }) => !Number.isNaN(ms))
    .sort((a, b) => a.ms - b.ms)
  if (sorted.length < 2) return null
  const first = sorted[0]!.ms
  const span = Math.max(1, sorted[sorted.length - 1]!.ms - first)
  const axis = svg(
    'svg',
    { width: '100%', height: '22', 'aria-hidden': 'true', focusable: 'false' },
    svg('line', { class: 'svg-axis', x1: '0', y1: '11', x2: '100%', y2: '11' }),
    // What is established lies on top of what is only said.
    ...[...sorted]
      .sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
      .map(({ ms, kind }) => svg('circle', { class: `dot ${kind}`, cx: percent(1.2 + (97.6 * (ms - first)) / span), cy: '11', r: '6.5' })),
  )
  const items = sorted.map(({ kind, label }) =>
    el('li', { class: kind }, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', {}, label, el('span', { class: 'whose' }, ` – ${KINDS[kind]}`))),
  )
  return el('figure', {}, axis, el('ol', { class: 'moments' }, ...items))
}

/** Runs joined that are nearer than `gap`: a million marks would be no picture. */
function merged(held: Picture['held'], gap: number): [number, number][] {
  const runs: [number, number][] = []
  for (const { from: first, to: end } of held) {
    const last = runs[runs.length - 1]
    if (last !== undefined && first - last[1] <= gap) last[1] = Math.max(last[1], end)
    else runs.push([first, end])
  }
  return runs
}

const percent = (x: number): string => `${x.toFixed(2)}%`
