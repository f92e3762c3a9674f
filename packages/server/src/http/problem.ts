import { ERRORS, SealtrailError, type ErrorCode } from '../errors.ts'
import type { JsonValue } from '../event/json.ts'

export interface ProblemOptions {
  /** What is wrong in this case: names of fields and headers, numbers; never a personal value. */
  readonly detail?: string
  /** Where a platform's retry rules need another status than the code's own. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Extension members (RFC 9457 section 3.2), e.g. `auditid`, `receipt`. */
  readonly more?: Readonly<Record<string, JsonValue | undefined>>
}

export const RETRY_AFTER_S = 1
/** While a store's lock does not hold it is looked at once a minute at most. */
const UNLOCKED_RETRY_AFTER_S = 30

/** Checks are counted by the hour. */
const CHECKS_RETRY_AFTER_S = 600

/** The members of a problem document (RFC 9457): `type` is `urn:sealtrail:error:` and the code, which is repeated as `code`. */
export function problemBody(code: ErrorCode, options: ProblemOptions = {}): string {
  const { title, todo } = ERRORS[code]
  const status = options.status ?? ERRORS[code].status
  return JSON.stringify({ type: `urn:sealtrail:error:${code}`, title, status, detail: options.detail ?? todo, code, ...options.more })
}

/** A problem document as an answer; 503 says when to try again. */
export function problem(code: ErrorCode, options: ProblemOptions = {}): Response {
  const status = options.status ?? ERRORS[code].status
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...options.headers }
  if (status === 503) headers['retry-after'] ??= String(code === 'STORE_NOT_LOCKED' ? UNLOCKED_RETRY_AFTER_S : RETRY_AFTER_S)
  if (status === 429) headers['retry-after'] ??= String(CHECKS_RETRY_AFTER_S)
  return new Response(problemBody(code, options), { status, headers })
}

/** What an outsider may learn of an error: its own text when it is ours, else only that there is a defect. */
export function problemOf(error: unknown, options: ProblemOptions = {}): Response {
  if (!(error instanceof SealtrailError)) return problem('INTERNAL', options)
  // A code whose status is a success names a reason for quarantine; thrown, it is a refused request.
  const status = options.status ?? (ERRORS[error.code].status < 400 ? 400 : undefined)
  return problem(error.code, { detail: error.message, ...options, ...(status === undefined ? {} : { status }) })
}
