import type { QuestionId } from '../bundle/verdict.ts'

/** What an examiner is told: the same for the command line and the page, plain data that survives `JSON` and `postMessage`. */
export interface Report {
  readonly verdict: Verdict
  /** Two to five words, e.g. `Signer not established`. */
  readonly headline: string
  /** What that means, in one or two sentences; claims nothing that was not checked. */
  readonly sentence: string
  readonly subject: 'bundle' | 'proof' | 'receipt' | 'certificate'
  /** In the order an examiner asks. */
  readonly answers: readonly Answer[]
  readonly findings: readonly Finding[]
  /** Findings beyond those kept. */
  readonly more: number
  /** One for each log. */
  readonly pictures: readonly Picture[]
}

/**
 * `verified`: everything fits together and was signed as the trust given from outside demands.
 * `consistent`: everything fits together, and who signed is not established.
 * `refuted`: something is wrong.
 */
export type Verdict = 'verified' | 'consistent' | 'refuted'

/** `yes` shown; `part` shown as far as it goes; `open` neither shown nor wrong; `no` wrong; `none` does not arise. */
export type AnswerState = 'yes' | 'part' | 'open' | 'no' | 'none'

export interface Answer {
  readonly id: QuestionId
  readonly question: string
  readonly state: AnswerState
  /** Whole sentences in plain words, the most important first. */
  readonly says: readonly string[]
  readonly detail: readonly Detail[]
}

export interface Detail {
  readonly label: string
  readonly value: string
  /** Keys, hashes: set in a fixed-width face. */
  readonly mono?: true
}

export interface Finding {
  readonly code: string
  /** Where: a file of the bundle, a line, a record; null when it concerns the whole. */
  readonly place: string | null
  /** What is wrong, for somebody who is no engineer. */
  readonly sentence: string
  /** The check's own words. */
  readonly detail: string
  /** Index of the record in its log, if it concerns one. */
  readonly index: number | null
  /** Name of that log, if known. */
  readonly log: string | null
}

/** What a small picture says better: which part of the log, and what happened when. */
export interface Picture {
  readonly log: string
  readonly size: number
  /** Runs of records in this file: first, behind-last. */
  readonly held: ReadonlyArray<{ readonly from: number; readonly to: number }>
  readonly times: readonly Moment[]
}

export interface Moment {
  /** RFC 3339. */
  readonly time: string
  /** `claimed`: the log's own word. `proved`: established with trust from outside. `consistent`: a signature nobody vouched for. */
  readonly kind: 'claimed' | 'proved' | 'consistent'
  readonly label: string
}
