import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { parseRange } from '../export/request.ts'
import { matterOf } from '../privacy/matter.ts'
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

/** `{reason}`, sealed in clear. @throws SealtrailError BAD_REQUEST */
export function reasonOf({ reason }: JsonObject): string {
  return matterOf('reason', reason)
}

function text(name: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string' || value === '' || value.length > 1_024) throw new SealtrailError('BAD_REQUEST', `${name} is a text`)
  return value
}
