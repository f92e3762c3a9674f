import { LOG_NAME } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { instantOf } from '../event/instant.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { ExportAsked } from './export.ts'

/** What a search may name; the rest of a query's parameters turn pages. */
const QUERY_KEYS: readonly string[] = ['log', 'subject', 'type', 'status', 'tag', 'schema_version', 'from', 'to']

/** `LOG:A..B`, leaves A up to and without B; `LOG:A..` up to the newest. @throws SealtrailError BAD_REQUEST */
export function parseRange(text: string): Extract<ExportAsked, { kind: 'range' }> {
  const match = /^([^:]+):(0|[1-9]\d{0,14})\.\.(0|[1-9]\d{0,14})?$/.exec(text)
  if (match === null || !LOG_NAME.test(match[1] as string))
    throw new SealtrailError('BAD_REQUEST', 'a range is LOG:A..B: the records from number A up to, and without, number B')
  const [from, to] = [Number(match[2]), match[3] === undefined ? null : Number(match[3])]
  if (to !== null && to < from) throw new SealtrailError('BAD_REQUEST', 'the range ends before it begins')
  return { kind: 'range', log: match[1] as string, from, to }
}

/** The request's body: exactly one of `subject`, `person`, `range`, `query`; with `person` perhaps `subject_access`. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function parseExport(body: JsonObject): ExportAsked {
  if (body['subject_access'] === true) return accessOf(body)
  const kinds = ['subject', 'person', 'range', 'query'].filter((kind) => Object.hasOwn(body, kind))
  const [kind] = kinds
  if (kinds.length !== 1 || kind === undefined || Object.keys(body).length !== 1)
    throw new SealtrailError('BAD_REQUEST', 'an export is asked for by exactly one of subject, person, range, query')
  const value = body[kind]
  if (kind === 'query') return { kind, query: queryOf(value) }
  if (typeof value !== 'string' || value === '' || value.length > 1_024) throw new SealtrailError('BAD_REQUEST', `${kind} is a text`)
  if (kind === 'range') return parseRange(value)
  return kind === 'subject' ? { kind, subject: value } : { kind: 'person', alias: value }
}

const MOST_ALIASES = 32

/** `{person, subject_access: true}`: one name, or several of one person. */
function accessOf(body: JsonObject): ExportAsked {
  const { person } = body
  const aliases = Array.isArray(person) ? person : [person]
  const named = aliases.every((alias): alias is string => typeof alias === 'string' && alias !== '' && alias.length <= 1_024)
  if (Object.keys(body).length !== 2 || aliases.length === 0 || aliases.length > MOST_ALIASES || !named)
    throw new SealtrailError('BAD_REQUEST', 'a subject access is asked for by {person, subject_access: true}: one name, or a list of names of one person')
  return { kind: 'subject-access', aliases }
}

function queryOf(value: JsonValue | undefined): Record<string, string> {
  const wrong = (): SealtrailError => new SealtrailError('BAD_REQUEST', `query is an object with some of ${QUERY_KEYS.join(', ')}, each a text`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong()
  const query: Record<string, string> = {}
  for (const [name, text] of Object.entries(value)) {
    if (!QUERY_KEYS.includes(name) || typeof text !== 'string' || text === '' || text.length > 1_024) throw wrong()
    query[name] = text
  }
  if (Object.keys(query).length === 0) throw wrong()
  for (const name of ['from', 'to'])
    if (query[name] !== undefined && instantOf(query[name]) === null) throw new SealtrailError('BAD_REQUEST', `${name} is an RFC 3339 time`)
  return query
}
