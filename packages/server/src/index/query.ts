import { SealtrailError } from '../errors.ts'
import type { RecordQuery } from '../http/ports.ts'
import type { Fields } from './fields.ts'
import { readFields } from './fields.ts'
import { readAt } from './finder.ts'
import { byTime, bySubject } from './candidates.ts'
import { digestOf, readCursor, writeCursor } from './cursor.ts'
import type { Position } from './cursor.ts'
import type { Facets, Index } from './index.ts'
import { fieldsMatch } from './facets.ts'
import { MAX_U48 } from './index.ts'
import { goneAt } from './records.ts'
import type { Records } from './records.ts'
import type { Span, Tail } from './tail.ts'

/** What to look for; each given value must be met. */
export interface Query extends Omit<RecordQuery, 'log'> {
  /** Logs to look in, in the order in which records of equal time are given. */
  readonly logs: readonly string[]
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

export const MAX_LIMIT = 1000
/** Records read for one page at most; a rare combination of filters takes several pages. */
const MAX_READS = 5_000

export interface QueryDeps {
  readonly index: Index
  readonly records: Records
  readonly tail: Tail
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
  const digest = digestOf([query.logs, query.subject, query.type, query.status, query.tag, query.schema_version, query.fromMs, query.toMs])
  const start = query.cursor === undefined ? null : readCursor(query.cursor, digest)
  const spans = new Map<string, Span>()
  let lag = 0
  for (const log of query.logs) {
    lag += Math.max(0, deps.records.size(log) - deps.index.size(log))
    spans.set(log, await deps.tail.of(log))
  }
  const accepts = (fields: Fields): boolean =>
    fieldsMatch(fields, facets) && fields.timeMs >= range.from && fields.timeMs <= range.to && (query.subject === undefined || fields.subject === query.subject)

  const search = { index: deps.index, tail: deps.tail, spans, start, accepts }
  const candidates = query.subject === undefined ? byTime(search, facets, range) : bySubject(search, query.subject)
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
    } else if (bytes !== null || (await goneAt(deps.records, log, index)) === null) mismatches.push({ log, index })
  }
  return { entries, next: null, lag, mismatches }
}

/** Whether the record says what its key in the index says. */
function isAt(fields: Fields, key: number, { subject }: Query): boolean {
  return subject === undefined ? fields.timeMs === key : fields.subjectsequence === key && fields.subject === subject
}

function facetsOf(query: Query): Facets {
  return {
    ...(query.type === undefined ? {} : { type: query.type }),
    ...(query.status === undefined ? {} : { status: query.status }),
    ...(query.tag === undefined ? {} : { tag: query.tag }),
    ...(query.schema_version === undefined ? {} : { schema: query.schema_version }),
  }
}
