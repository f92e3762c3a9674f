import { clearEvent } from './clear.ts'
import type { Item, Label } from './corpus.ts'
import { leaves } from './corpus.ts'
import { presidio } from './presidio.ts'

export const KINDS = ['card', 'iban', 'email', 'phone', 'ssn', 'refused'] as const
export type Scored = (typeof KINDS)[number]

/** What precision and recall may not fall below, by kind. The reasons for what is missing from 1 are in docs/privacy.md. */
export const FLOORS: Readonly<Record<Scored, { readonly precision: number; readonly recall: number }>> = {
  card: { precision: 0.98, recall: 0.98 },
  iban: { precision: 1, recall: 1 },
  email: { precision: 1, recall: 1 },
  phone: { precision: 0.98, recall: 0.98 },
  ssn: { precision: 1, recall: 1 },
  refused: { precision: 1, recall: 1 },
}

export interface Score {
  readonly kind: Scored
  readonly items: number
  readonly precision: number
  readonly recall: number
}

export interface Miss {
  readonly item: Item
  readonly said: Label
}

export interface Result {
  readonly scores: readonly Score[]
  readonly falsePositives: readonly Miss[]
  readonly falseNegatives: readonly Miss[]
}

/** What a judge says of every item: one label each. */
export function scored(items: readonly Item[], judge: (item: Item) => Label): Result {
  const verdicts = items.map((item) => ({ item, said: judge(item) }))
  const scores = KINDS.map((kind): Score => {
    const right = verdicts.filter(({ item, said }) => item.label === kind && said === kind).length
    const said = verdicts.filter((verdict) => verdict.said === kind).length
    const there = items.filter(({ label }) => label === kind).length
    return { kind, items: there, precision: said === 0 ? NaN : right / said, recall: right / there }
  })
  return {
    scores,
    falsePositives: verdicts.filter(({ item, said }) => said !== 'none' && said !== item.label),
    falseNegatives: verdicts.filter(({ item, said }) => item.label !== 'none' && said !== item.label),
  }
}

/** Ours: what protect does with the event when a pack calls every field plain. */
export function ours(item: Item): Label {
  const { refused, hits } = clearEvent(item.event)
  if (refused) return 'refused'
  return hits.find(({ kind }) => kind === item.label)?.kind ?? hits[0]?.kind ?? 'none'
}

/** Presidio's patterns on every text of the event; of several guesses the right one counts, else the surest. */
export function theirs(atLeast: number): (item: Item) => Label {
  return (item) => {
    const guesses = leaves(item.event)
      .flatMap(({ text, name }) => presidio(text, name))
      .filter(({ score }) => score >= atLeast)
    return (guesses.find(({ kind }) => kind === item.label) ?? guesses.toSorted((a, b) => b.score - a.score)[0])?.kind ?? 'none'
  }
}
