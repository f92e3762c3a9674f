import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { parseRange } from '../export/request.ts'
import { detect } from '../protect/detect.ts'
import { HOLD_SCOPES } from './hold.ts'
import type { HoldAsked, HoldScope } from './hold.ts'

const KNOWN: readonly string[] = ['subject', 'range', 'scope', 'reason']

/** The request's body: one of `subject`, `range` (`LOG:A..B`), with `reason` and perhaps `scope`. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function parseHold(body: JsonObject): HoldAsked {
  const { subject, range, scope = 'record' } = body
  if (Object.keys(body).some((name) => !KNOWN.includes(name))) throw new SealtrailError('BAD_REQUEST', `a hold has ${KNOWN.join(', ')}`)
  if ((subject === undefined) === (range === undefined)) throw new SealtrailError('BAD_REQUEST', 'a hold is on exactly one of subject and range')
  if (!HOLD_SCOPES.includes(scope as HoldScope)) throw new SealtrailError('BAD_REQUEST', `scope is one of ${HOLD_SCOPES.join(', ')}`)
  const reason = reasonOf(body)
  if (range !== undefined) {
    const { log, from, to } = parseRange(text('range', range))
    if (to !== null && to === from) throw new SealtrailError('BAD_REQUEST', 'the range is empty')
    return { target: { kind: 'range', log, from, to }, scope: scope as HoldScope, reason }
  }
  return { target: { kind: 'subject', subject: text('subject', subject) }, scope: scope as HoldScope, reason }
}

/** `{reason}`. @throws SealtrailError BAD_REQUEST */
export function reasonOf({ reason }: JsonObject): string {
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > 500)
    throw new SealtrailError('BAD_REQUEST', 'reason is a text of at most 500 characters')
  // It is sealed in clear, for ever.
  const found = detect(reason, 'reason')
  if (found !== null) throw new SealtrailError('BAD_REQUEST', `reason holds a personal value (${found}); name the matter, not the person`)
  return reason
}

function text(name: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string' || value === '' || value.length > 1_024) throw new SealtrailError('BAD_REQUEST', `${name} is a text`)
  return value
}
