import { INTERACTION_SUMMARY, parseRecord, problemOf, QUEUE_SUMMARY, summaryClaim } from '@sealtrail/evidence'
import type { RecordFields, SummaryClaim } from '@sealtrail/evidence'
import { rootOf } from '@sealtrail/tlog'
import type { JsonObject } from '../event/json.ts'
import type { FoundProblem } from './verdict.ts'

const NEWLINE = 0x0a
/** Claims held in memory, some 300 bytes each; of more the log they sum up is too large for one pass. */
const MAX_CLAIMS = 2_000_000
/** Days whose interactions are remembered until their queues have come. */
const DAYS = 3

/** One interaction of a day, as its summaries say. */
interface Summed {
  readonly first: boolean
  readonly queues: ReadonlyMap<string, number>
  readonly transfers: number
  /** Evidence roots, by part. */
  readonly roots: string[]
}

/** Whether a log holds summaries, by its name: `<tenant>.<trail>.summary`. */
export function isSummaryLog(log: string): boolean {
  return /\.summary$/.test(log)
}

/**
 * Follows a log of summaries from segment to segment: what each says it was made of is kept for the audit of that log, and
 * the totals of queues are held against the interactions they add up, here.
 */
export class SummaryCheck {
  readonly #log: string
  readonly #days = new Map<string, Map<string, Summed>>()
  readonly claims: SummaryClaim[] = []
  readonly problems: FoundProblem[] = []
  /** Claims beyond those kept. */
  more = 0

  constructor(log: string) {
    this.#log = log
  }

  /** The records of a sound segment. @param first index of the first */
  segment(first: number, ndjson: Uint8Array): void {
    let start = ndjson.indexOf(NEWLINE) + 1
    for (let index = first; ; index++) {
      const end = ndjson.indexOf(NEWLINE, start)
      // The last line is the trailer.
      if (end < 0 || end === ndjson.length - 1) return
      this.#record(index, ndjson.subarray(start, end))
      start = end + 1
    }
  }

  #record(index: number, bytes: Uint8Array): void {
    let record: RecordFields
    try {
      record = parseRecord(bytes)
    } catch {
      return
    }
    if (record.type === INTERACTION_SUMMARY) this.#interaction(index, record)
    else if (record.type === QUEUE_SUMMARY) this.#queue(index, record.data)
  }

  #interaction(index: number, { subject, data }: RecordFields): void {
    const object = `${this.#log} record ${index}`
    const claim = summaryClaim(object, index, data)
    const { day, part } = data
    if (claim === null || typeof day !== 'string' || typeof part !== 'number') return this.#wrong(index, 'it is not written as a summary is')
    if (this.claims.length < MAX_CLAIMS) this.claims.push(claim)
    else this.more++
    if (!this.#days.has(day)) this.#days.set(day, new Map())
    while (this.#days.size > DAYS) this.#days.delete(this.#days.keys().next().value as string)
    const of = this.#days.get(day) as Map<string, Summed>
    if (part > 1) of.get(subject)?.roots.push(claim.root)
    else {
      const visits = (data['queues'] ?? []) as unknown as Array<{ queue: string; waitMs: number }>
      const queues = new Map(visits.map(({ queue, waitMs }) => [queue, waitMs]))
      of.set(subject, { first: data['from'] === 1, queues, transfers: Number((data['transfers'] as JsonObject)['count']), roots: [claim.root] })
    }
  }

  #queue(index: number, data: JsonObject): void {
    const { day, queue, interactions, transfers, waits, evidence } = data
    const of = this.#days.get(String(day))
    // Of a day long gone by: then it was made by hand, or the days came in disorder.
    if (of === undefined) return this.#wrong(index, 'no interaction of its day was summed up before it')
    const visits = [...of].filter(([, each]) => each.first && each.queues.has(String(queue))).sort(([a], [b]) => (a < b ? -1 : 1))
    const roots = visits.flatMap(([, { roots: own }]) => own)
    const root = Buffer.from(rootOf(Buffer.concat(roots.map((each) => Buffer.from(each, 'hex'))))).toString('hex')
    const sum = (count: (each: Summed) => number): number => visits.reduce((total, [, each]) => total + count(each), 0)
    const fits =
      (evidence as JsonObject | undefined)?.['root'] === root &&
      interactions === visits.length &&
      transfers === sum((each) => each.transfers) &&
      (waits as JsonObject | undefined)?.['ms'] === sum((each) => each.queues.get(String(queue)) ?? 0)
    if (!fits) this.#wrong(index, 'its totals are not those of the interactions of its day')
  }

  #wrong(index: number, detail: string): void {
    if (this.problems.length < 1000) this.problems.push(problemOf('SUMMARY_MISMATCH', `${this.#log} record ${index}`, index, detail))
  }
}
