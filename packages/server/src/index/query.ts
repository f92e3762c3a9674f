import { createHash } from 'node:crypto'
import { SealtrailError } from '../errors.ts'
import type { Fields } from './fields.ts'
import { readFields } from './fields.ts'
import { readAt } from './finder.ts'
import type { Facets, Index, TimePlace } from './index.ts'
import { fieldsMatch } from './level/groups.ts'
import { MAX_U48 } from './level/keys.ts'
import type { Records } from './records.ts'
import type { Span, Tail, TailRecord } from './tail.ts'

/** What to look for; each given value must be met. */
export interface Query {
  /** Logs to look in, in the order in which records of equal time are given. */
  readonly logs: readonly string[]
  readonly subject?: string
  readonly type?: string
  readonly status?: string
  readonly tag?: string
  readonly schema_version?: string
  /** Event time, ms, inclusive. */
  readonly fromMs?: number
  /** Event time, ms, exclusive. */
  readonly toMs?: number
  /** 1..1000. */
  readonly limit: number
  readonly cursor?: string
}

export interface Found {
  readonly log: string
  readonly index: number
  readonly bytes: Uint8Array
  readonly fields: Fields
}

export interface QueryAnswer {
  /** By event time, then log and index; of one subject by log and `subjectsequence`. */
  readonly entries: readonly Found[]
  /** Cursor of the next page, null when this is the last. A page may be short, even empty, and have a next. */
  readonly next: string | null
  /** Records the index was behind, all logs together, when the question came. */
  readonly lag: number
  /** Records the index pointed to that say otherwise, or are not there: the record or the index is damaged; its leaf hash tells which. */
  readonly mismatches: ReadonlyArray<{ readonly log: string; readonly index: number }>
}

/** Where a page ended: time (or subjectsequence), log, index. */
type Position = readonly [number, string, number]

export const MAX_LIMIT = 1000
/** Records read for one page at most; a rare combination of filters takes several pages. */
const MAX_READS = 5_000

export interface QueryDeps {
  readonly index: Index
  readonly records: Records
  readonly tail: Tail
}

/** Something on the way to a page: of the index (bytes to be read) or of the tail. */
interface Candidate {
  readonly key: number
  readonly log: string
  readonly index: number
  readonly tail: TailRecord | null
  /** What the index says of it is all that was asked for. */
  readonly exact: boolean
}

/**
 * One page. The narrowest key leads (subject, else the time lines of the matching groups), the rest is filtered on the
 * record itself, so a wrong index entry never becomes a wrong answer. Records committed after the question are left out.
 * @throws SealtrailError BAD_REQUEST for a cursor of another question or a limit out of range, INDEX_BEHIND.
 */
export async function runQuery(query: Query, deps: QueryDeps): Promise<QueryAnswer> {
  const { limit } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw new SealtrailError('BAD_REQUEST', `limit is 1..${MAX_LIMIT}`)
  const facets = facetsOf(query)
  const range = { from: query.fromMs ?? 0, to: query.toMs === undefined ? MAX_U48 : Math.ceil(query.toMs) - 1 }
  const digest = digestOf(query)
  const start = query.cursor === undefined ? null : readCursor(query.cursor, digest)
  const spans = new Map<string, Span>()
  let lag = 0
  for (const log of query.logs) {
    lag += Math.max(0, deps.records.size(log) - deps.index.size(log))
    spans.set(log, await deps.tail.of(log))
  }
  const accepts = (fields: Fields): boolean =>
    fieldsMatch(fields, facets) && fields.timeMs >= range.from && fields.timeMs <= range.to && (query.subject === undefined || fields.subject === query.subject)

  const candidates = query.subject === undefined ? byTime(query, facets, range, spans, start, accepts, deps) : bySubject(query, query.subject, spans, start, accepts, deps)
  const entries: Found[] = []
  const mismatches: Array<{ log: string; index: number }> = []
  let last: Position | null = null
  let reads = 0
  for await (const { key, log, index, tail, exact } of candidates) {
    if (entries.length === limit || reads === MAX_READS) return { entries, next: writeCursor(digest, last as Position), lag, mismatches }
    last = [key, log, index]
    if (tail !== null) {
      entries.push({ log, ...tail })
      continue
    }
    reads++
    const bytes = await readAt(deps.records, log, index)
    const fields = bytes === null ? null : readFields(bytes)
    if (bytes !== null && fields !== null && isAt(fields, key, query) && (accepts(fields) || !exact)) {
      if (accepts(fields)) entries.push({ log, index, bytes, fields })
    } else mismatches.push({ log, index })
  }
  return { entries, next: null, lag, mismatches }
}

/** Whether the record says what its key in the index says. */
function isAt(fields: Fields, key: number, { subject }: Query): boolean {
  return subject === undefined ? fields.timeMs === key : fields.subjectsequence === key && fields.subject === subject
}

async function* byTime(
  query: Query,
  facets: Facets,
  range: { from: number; to: number },
  spans: ReadonlyMap<string, Span>,
  start: Position | null,
  accepts: (fields: Fields) => boolean,
  deps: QueryDeps,
): AsyncIterableIterator<Candidate> {
  const order = new Map(query.logs.map((log, i) => [log, i]))
  const isBefore = (a: Candidate, b: Candidate): boolean =>
    a.key !== b.key ? a.key < b.key : a.log !== b.log ? (order.get(a.log) as number) < (order.get(b.log) as number) : a.index < b.index
  const sources: AsyncIterator<Candidate>[] = []
  for (const [log, span] of spans) {
    const after = start === null ? null : placeIn(log, start, order)
    sources.push(indexed(log, span, facets, { ...range, after }, deps))
    const late: Candidate[] = []
    for await (const tail of deps.tail.read(log, span)) {
      const { timeMs } = tail.fields
      const isNext = after === null || timeMs > after.timeMs || (timeMs === after.timeMs && tail.index > after.index)
      if (isNext && accepts(tail.fields)) late.push({ key: timeMs, log, index: tail.index, tail, exact: true })
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

async function* indexed(log: string, span: Span, facets: Facets, range: { from: number; to: number; after: TimePlace | null }, deps: QueryDeps): AsyncIterableIterator<Candidate> {
  for await (const { timeMs, index, exact } of deps.index.timeline(log, facets, range)) {
    // The index may have moved on since the span was taken: what the span covers is given by the tail alone.
    if (index < span.from) yield { key: timeMs, log, index, tail: null, exact }
  }
}

async function* bySubject(
  query: Query,
  subject: string,
  spans: ReadonlyMap<string, Span>,
  start: Position | null,
  accepts: (fields: Fields) => boolean,
  deps: QueryDeps,
): AsyncIterableIterator<Candidate> {
  let skip = start !== null
  for (const [log, span] of spans) {
    if (skip && log !== start?.[1]) continue
    let after = skip ? (start as Position)[0] : -1
    skip = false
    const begin = after
    for (;;) {
      const places = await deps.index.subject(log, subject, after, 256)
      for (const { subjectsequence, index } of places) {
        after = subjectsequence
        if (index < span.from) yield { key: subjectsequence, log, index, tail: null, exact: false }
      }
      if (places.length < 256) break
    }
    for await (const tail of deps.tail.read(log, span)) {
      if (tail.fields.subjectsequence > begin && accepts(tail.fields)) yield { key: tail.fields.subjectsequence, log, index: tail.index, tail, exact: true }
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
    await Promise.all(sources.map((source) => source.return?.()))
  }
}

async function* async(items: readonly Candidate[]): AsyncIterableIterator<Candidate> {
  yield* items
}

function facetsOf(query: Query): Facets {
  return {
    ...(query.type === undefined ? {} : { type: query.type }),
    ...(query.status === undefined ? {} : { status: query.status }),
    ...(query.tag === undefined ? {} : { tag: query.tag }),
    ...(query.schema_version === undefined ? {} : { schema: query.schema_version }),
  }
}

/** Binds a cursor to its question (not to its limit). */
function digestOf({ logs, subject, type, status, tag, schema_version, fromMs, toMs }: Query): string {
  const text = JSON.stringify([logs, subject ?? null, type ?? null, status ?? null, tag ?? null, schema_version ?? null, fromMs ?? null, toMs ?? null])
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}

function writeCursor(digest: string, position: Position): string {
  return Buffer.from(JSON.stringify([digest, ...position])).toString('base64url')
}

/** attacker: a cursor comes from outside; the worst a forged one does is to start elsewhere in the same answer. */
function readCursor(cursor: string, digest: string): Position {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    parts = null
  }
  if (!Array.isArray(parts) || parts.length !== 4) throw new SealtrailError('BAD_REQUEST', 'this is no cursor')
  const [of, key, log, index] = parts as unknown[]
  if (of !== digest) throw new SealtrailError('BAD_REQUEST', 'the cursor belongs to another query')
  if (!Number.isSafeInteger(key) || typeof log !== 'string' || !Number.isSafeInteger(index)) throw new SealtrailError('BAD_REQUEST', 'this is no cursor')
  return [key as number, log, index as number]
}
