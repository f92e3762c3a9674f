import { SealtrailError } from '../errors.ts'
import { instantOf } from '../event/instant.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { parseRange } from '../export/request.ts'
import type { OpenTarget } from '../index/views.ts'
import { detect } from '../protect/detect.ts'
import type { GrantAsked } from './grant.ts'

const KNOWN: readonly string[] = ['to', 'purpose', 'fields', 'subject', 'range', 'trail', 'until']
const MOST_FIELDS = 100
/** As `X-Audit-Purpose`, which has to be the same. */
const PURPOSE = /^[A-Za-z0-9._:/#-]{1,64}$/
const NAME = /^[A-Za-z0-9._@-]{1,64}$/
const FIELD = /^[^\s[\]]{1,200}$/

/** `{to, purpose, fields, until}` and one of `subject`, `range`, `trail`. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function parseGrant(body: JsonObject): GrantAsked {
  if (Object.keys(body).some((name) => !KNOWN.includes(name))) throw new SealtrailError('BAD_REQUEST', `a grant has ${KNOWN.join(', ')}`)
  const { to, purpose, until } = body
  if (typeof to !== 'string' || !NAME.test(to)) throw new SealtrailError('BAD_REQUEST', 'to is the name of a token')
  if (typeof purpose !== 'string' || !PURPOSE.test(purpose))
    throw new SealtrailError('BAD_REQUEST', 'purpose is a reference of 1 to 64 of A-Z a-z 0-9 . _ : / # -, the one its reads will give')
  const ms = typeof until === 'string' ? instantOf(until) : null
  if (ms === null) throw new SealtrailError('BAD_REQUEST', 'until is an RFC 3339 time')
  return { to, purpose, fields: fieldsOf(body['fields']), target: targetIn(body), until: new Date(ms).toISOString() }
}

function fieldsOf(value: JsonValue | undefined): string[] {
  const fields = Array.isArray(value) ? value : [value]
  if (fields.length === 0 || fields.length > MOST_FIELDS) throw new SealtrailError('BAD_REQUEST', `fields are 1 to ${MOST_FIELDS} paths, or "*"`)
  return fields.map((field) => {
    if (typeof field !== 'string' || !FIELD.test(field))
      throw new SealtrailError('BAD_REQUEST', 'a field is a path such as payload.ani, as it stands in field_states, or "*"')
    // It is sealed in clear.
    if (detect(field, 'fields') !== null) throw new SealtrailError('BAD_REQUEST', 'fields are names of fields, not what is in them')
    return field
  })
}

function targetIn({ subject, range, trail }: JsonObject): OpenTarget {
  if ([subject, range, trail].filter((each) => each !== undefined).length !== 1)
    throw new SealtrailError('BAD_REQUEST', 'a grant is on exactly one of subject, range and trail')
  if (range !== undefined) {
    const { log, from, to } = parseRange(text('range', range))
    return { kind: 'range', log, from, to }
  }
  return subject !== undefined ? { kind: 'subject', subject: text('subject', subject) } : { kind: 'trail', trail: text('trail', trail) }
}

function text(name: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string' || value === '' || value.length > 1_024) throw new SealtrailError('BAD_REQUEST', `${name} is a text`)
  return value
}
