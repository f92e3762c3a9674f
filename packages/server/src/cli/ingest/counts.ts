import type { InputResult, Outcome } from '../../event/input.ts'

export const OUTCOMES: readonly Outcome[] = ['sealed', 'held', 'duplicate', 'filtered', 'quarantined', 'refused']

/** What became of the events, `total` being all of them. */
export type Counts = Record<'total' | Outcome, number>

export function noCounts(): Counts {
  return { total: 0, sealed: 0, held: 0, duplicate: 0, filtered: 0, quarantined: 0, refused: 0 }
}

export function addTo(counts: Counts, { outcome }: Pick<InputResult, 'outcome'>): void {
  counts.total++
  counts[outcome]++
}
