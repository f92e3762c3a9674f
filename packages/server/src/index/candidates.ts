import type { Position } from './cursor.ts'
import type { Fields } from './fields.ts'
import type { Facets, Index, TimePlace } from './index.ts'
import { MAX_U48 } from './index.ts'
import type { Span, Tail, TailRecord } from './tail.ts'

/** Something on the way to a page: of the index (bytes to be read) or of the tail. */
export interface Candidate {
  readonly key: number
  readonly log: string
  readonly index: number
  readonly tail: TailRecord | null
  /** What the index says of it is all that was asked for. */
  readonly exact: boolean
}

export interface Search {
  readonly index: Index
  readonly tail: Tail
  /** Per log, in the order asked for, what the index does not hold. */
  readonly spans: ReadonlyMap<string, Span>
  /** Where the page before ended. */
  readonly start: Position | null
  /** The whole filter, for records in hand. */
  accepts(fields: Fields): boolean
}

/** By (time, log, index): the time lines of the index's matching groups, and the tails. */
export async function* byTime(search: Search, facets: Facets, range: { from: number; to: number }): AsyncIterableIterator<Candidate> {
  const { spans, start, accepts, tail } = search
  const order = new Map([...spans.keys()].map((log, i) => [log, i]))
  const isBefore = (a: Candidate, b: Candidate): boolean =>
    a.key !== b.key ? a.key < b.key : a.log !== b.log ? (order.get(a.log) as number) < (order.get(b.log) as number) : a.index < b.index
  const sources: AsyncIterator<Candidate>[] = []
  for (const [log, span] of spans) {
    const after = start === null ? null : placeIn(log, start, order)
    sources.push(indexed(search.index, log, span, facets, { ...range, after }))
    const late: Candidate[] = []
    for await (const record of tail.read(log, span)) {
      const { timeMs } = record.fields
      const isNext = after === null || timeMs > after.timeMs || (timeMs === after.timeMs && record.index > after.index)
      if (isNext && accepts(record.fields)) late.push({ key: timeMs, log, index: record.index, tail: record, exact: true })
    }
    late.sort((a, b) => a.key - b.key || a.index - b.index)
    sources.push(async(late))
  }
  yield* merge(sources, isBefore)
}

/** Where a log goes on after a page that ended in another: records of equal time in the logs before it were given, those after it were not. */
function placeIn(log: string, [timeMs, ended, index]: Position, order: ReadonlyMap<string, number>): TimePlace {
  if (log === ended) return { timeMs, index }
  return (order.get(log) as number) < (order.get(ended) ?? 0) ? { timeMs, index: MAX_U48 } : { timeMs, index: -1 }
}

async function* indexed(
  index: Index,
  log: string,
  span: Span,
  facets: Facets,
  range: { from: number; to: number; after: TimePlace | null },
): AsyncIterableIterator<Candidate> {
  for await (const { timeMs, index: at, exact } of index.timeline(log, facets, range)) {
    // The index may have moved on since the span was taken: what the span covers is given by the tail alone.
    if (at < span.from) yield { key: timeMs, log, index: at, tail: null, exact }
  }
}

/** By (log, subjectsequence). */
export async function* bySubject({ index, tail, spans, start, accepts }: Search, subject: string): AsyncIterableIterator<Candidate> {
  let skip = start !== null
  for (const [log, span] of spans) {
    if (skip && log !== start?.[1]) continue
    let after = skip ? (start as Position)[0] : -1
    skip = false
    const begin = after
    for (;;) {
      const places = await index.subject(log, subject, after, 256)
      for (const { subjectsequence, index: at } of places) {
        after = subjectsequence
        if (at < span.from) yield { key: subjectsequence, log, index: at, tail: null, exact: false }
      }
      if (places.length < 256) break
    }
    for await (const record of tail.read(log, span)) {
      const { subjectsequence } = record.fields
      if (subjectsequence > begin && accepts(record.fields)) yield { key: subjectsequence, log, index: record.index, tail: record, exact: true }
    }
  }
}

/** Few sources, each ascending, as one. */
async function* merge(sources: readonly AsyncIterator<Candidate>[], isBefore: (a: Candidate, b: Candidate) => boolean): AsyncIterableIterator<Candidate> {
  try {
    const heads = await Promise.all(sources.map(async (source) => ({ source, head: await source.next() })))
    for (;;) {
      let least: (typeof heads)[number] | null = null
      for (const each of heads) {
        if (each.head.done !== true && (least === null || isBefore(each.head.value, least.head.value as Candidate))) least = each
      }
      if (least === null) return
      yield least.head.value as Candidate
      least.head = await least.source.next()
    }
  } finally {
    await Promise.all(sources.map(async (source) => source.return?.()))
  }
}

async function* async(items: readonly Candidate[]): AsyncIterableIterator<Candidate> {
  yield* items
}
