import { ERRORS, type ErrorCode } from '../errors.ts'
import type { InputResult } from '../event/input.ts'
import type { JsonValue } from '../event/json.ts'
import { json } from './app-context.ts'
import { problem } from './problem.ts'

/** What became of a request with one event, as HTTP says it (docs/http.md, "One and many"). */
export function answerOne(result: InputResult, headers: Readonly<Record<string, string>> = {}): Response {
  const failed = failureOf(result)
  if (failed !== null) return problemWith(failed, result, headers)
  const location = locationOf(result)
  switch (result.outcome) {
    case 'duplicate':
      return json(result, 200, { ...headers, 'idempotent-replayed': 'true' })
    case 'filtered':
      return json(result, 200, headers)
    default:
      // 201 says "committed", so it needs the receipt; what is durable only is 202 and reported at Location.
      return json(result, result.outcome !== 'held' && isCommitted(result) ? 201 : 202, { ...headers, ...location })
  }
}

/**
 * The second guide's endpoint: the same, but a status that changes nothing current is a conflict. Sent again it is
 * answered the same, so that a sender whose first answer was lost learns it too.
 */
export function answerNotification(result: InputResult): Response {
  const superseded = result.superseded === true && (result.outcome === 'duplicate' || isCommitted(result))
  if (!superseded || failureOf(result) !== null) return answerOne(result)
  return problemWith('SUPERSEDED', result, result.outcome === 'duplicate' ? { 'idempotent-replayed': 'true' } : {})
}

function failureOf(result: InputResult): ErrorCode | null {
  if (result.code === 'IDENTITY_CONFLICT') return result.code
  if (result.outcome !== 'refused') return null
  return result.code !== undefined && ERRORS[result.code].status >= 400 ? result.code : 'SENSITIVE_AUTHENTICATION_DATA'
}

function problemWith(code: ErrorCode, result: InputResult, headers: Readonly<Record<string, string>>): Response {
  const { message, ...more } = { ...result, code } as unknown as Record<string, JsonValue | undefined>
  return problem(code, { headers, more, ...(typeof message === 'string' ? { detail: message } : {}) })
}

function isCommitted(result: InputResult): boolean {
  return result.receipt !== undefined || (result.records ?? []).some((record) => record.receipt !== undefined)
}

function locationOf(result: InputResult): Record<string, string> {
  const auditid = result.auditid ?? result.records?.find((record) => record.auditid !== undefined)?.auditid
  return auditid === undefined ? {} : { location: `/api/v1/events/${auditid}` }
}
