import { SealtrailError } from '../../errors.ts'

/** What became of a request that failed, as far as it can be told from outside. */
export interface Failure {
  /** Null: there was no answer, or none that can be read. Then nobody knows whether it was done. */
  readonly status: number | null
  readonly code: string
  readonly message: string
}

/** Errors of the client side that name no answer, and 4xx answers that another attempt may mend. */
const MAY_PASS = new Set(['RequestTimeout', 'RequestTimeTooSkewed', 'SlowDown', 'OperationAborted', 'ConditionalRequestConflict', 'TooManyRequestsException'])

/** attacker: whatever answers at the address; its texts are cut and stripped. */
export function failureOf(error: unknown): Failure {
  const { name = '', message = '', $metadata } = (error ?? {}) as { name?: string; message?: string; $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode ?? null
  return { status: status !== null && status >= 400 ? status : null, code: plain(name, 60), message: plain(message, 160) }
}

/** Whether the same request may succeed a little later. */
export function passes(error: unknown): boolean {
  if (error instanceof SealtrailError) return false
  const { status, code } = failureOf(error)
  if (code === 'CredentialsProviderError') return false
  return status === null || status >= 500 || status === 429 || MAY_PASS.has(code)
}

/** Whether nobody can tell if what was asked for has been done. */
export function isUnknown(error: unknown): boolean {
  const { status } = failureOf(error)
  return !(error instanceof SealtrailError) && (status === null || status >= 500)
}

export function isMissing(error: unknown): boolean {
  return failureOf(error).status === 404 && failureOf(error).code !== 'NoSuchBucket'
}

export function isDenied(error: unknown): boolean {
  return failureOf(error).status === 403
}

/** The bucket knows nothing of locks: 400 to a put that asks for one, and to questions after one. */
export function isLockless(error: unknown): boolean {
  const { status, code } = failureOf(error)
  return (status === 400 && code === 'InvalidRequest') || code === 'ObjectLockConfigurationNotFoundError'
}

/** No lock of this object was ever set. */
export function isNeverLocked(error: unknown): boolean {
  return failureOf(error).code === 'NoSuchObjectLockConfiguration' || isLockless(error)
}

/** `403 AccessDenied`, or what kept an answer from coming. */
export function tell(error: unknown): string {
  const { status, code, message } = failureOf(error)
  return status === null ? `no answer (${code === 'AbortError' ? 'timed out' : `${code} ${message}`.trim()})` : `${status} ${code}`
}

function plain(text: string, most: number): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, most)
}
