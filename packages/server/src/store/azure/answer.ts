import { SealtrailError } from '../../errors.ts'

/** What became of a request: HTTP status, null where no answer came; and the service's code, or the system's for a lost connection. */
export interface Answer {
  readonly status: number | null
  readonly code: string
}

/** attacker: the code is the store's word; anything that does not look like one is left out. */
const CODE = /^[A-Za-z0-9_]{1,80}$/
/** Refused for what is the matter with the store at the moment, or with the bytes on their way. */
const PASSING_STATUS = new Set([408, 429, 500, 502, 503, 504])
const PASSING_CODE = new Set(['Md5Mismatch'])
const EXISTS = new Set(['BlobAlreadyExists', 'ConditionNotMet', 'TargetConditionNotMet'])

/** Reads an error of the library; anything else is an answer that never came. */
export function answerOf(error: unknown): Answer {
  const { statusCode, code, details } = (typeof error === 'object' && error !== null ? error : {}) as {
    statusCode?: unknown
    code?: unknown
    details?: { errorCode?: unknown }
  }
  const status = typeof statusCode === 'number' ? statusCode : null
  const named = [details?.errorCode, code].find((each) => typeof each === 'string' && CODE.test(each)) as string | undefined
  return { status, code: named ?? '' }
}

/** As it is told to people; never the message, which repeats what was sent. */
export function told(error: unknown): string {
  const { status, code } = answerOf(error)
  if (status !== null) return `${status}${code === '' ? '' : ` ${code}`}`
  return code === 'timeout' ? 'no answer in time' : `no answer${code === '' ? '' : ` (${code})`}`
}

/** Whether it may pass by itself. What got no answer may have been done all the same. */
export function passes(error: unknown): boolean {
  if (error instanceof SealtrailError) return false
  const { status, code } = answerOf(error)
  return status === null || PASSING_STATUS.has(status) || PASSING_CODE.has(code)
}

export function isMissing(error: unknown): boolean {
  const { status, code } = answerOf(error)
  return status === 404 && code === 'BlobNotFound'
}

/** The name is taken: by somebody else, or by this very request whose answer was lost. */
export function isTaken(error: unknown): boolean {
  const { status, code } = answerOf(error)
  return (status === 409 || status === 412) && EXISTS.has(code)
}

/** Nobody may do that here, by rights and not by the lock. */
export function isForbidden(error: unknown): boolean {
  const { status, code } = answerOf(error)
  return status === 401 || (status === 403 && code !== 'OperationNotAllowedOnRootBlob')
}

/** The lock or legal hold of a version stands against it. */
export function isLocked(error: unknown): boolean {
  const { status, code } = answerOf(error)
  return status === 409 && (code.includes('Immutab') || code.includes('Immutable') || code.includes('LegalHold'))
}

/** The request was understood and is refused for what it asks: a place without version-level immutability, or an emulator without it. */
export function isRefused(error: unknown): boolean {
  const { status } = answerOf(error)
  return (status === 400 || status === 409 || status === 501) && !passes(error) && !isTaken(error)
}
