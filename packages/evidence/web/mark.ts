import type { AnswerState } from '../src/report/report.ts'
import { svg } from './dom.ts'

/** Shape beside colour: a tick, an exclamation mark, a cross, a dash, each in a ring. */
const SHAPES: { readonly [state in AnswerState]: string } = {
  yes: 'M14.5 24.5l6.5 6.5 12-14',
  part: 'M24 3a21 21 0 0 0 0 42z',
  open: 'M24 13v14M24 34v.2',
  no: 'M16.5 16.5l15 15M31.5 16.5l-15 15',
  none: 'M16 24h16',
}

export const TONES: { readonly [state in AnswerState]: string } = { yes: 'good', part: 'part-tone', open: 'open', no: 'bad', none: 'none' }
/** The same for those who hear the page. */
export const WORDS: { readonly [state in AnswerState]: string } = {
  yes: 'Shown',
  part: 'In part',
  open: 'Not established',
  no: 'Problem',
  none: 'Does not arise',
}

export function mark(state: AnswerState): SVGSVGElement {
  return svg(
    'svg',
    { class: `mark ${TONES[state]}`, viewBox: '0 0 48 48', 'aria-hidden': 'true', focusable: 'false' },
    svg('circle', { cx: '24', cy: '24', r: '21' }),
    svg('path', { d: SHAPES[state] }),
  )
}
