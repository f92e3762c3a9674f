/** Why a call failed, as far as it may be said: codes, never texts of the service. */
export interface Failure {
  /** Null: there was no answer. */
  readonly status: number | null
  readonly code: string
}

/** 4xx answers that another attempt may mend. */
const MAY_PASS = new Set([
  'ThrottlingException',
  'LimitExceededException',
  'KMSInternalException',
  'DependencyTimeoutException',
  'RequestTimeout',
  'TooManyRequestsException',
])

/** attacker: whatever answers at the address; its name of an error is cut and stripped. */
export function failureOf(error: unknown): Failure {
  const { name = '', $metadata } = (error ?? {}) as { name?: string; $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode ?? null
  return { status: status !== null && status >= 400 ? status : null, code: name.replaceAll(/[^A-Za-z0-9.]/g, '').slice(0, 60) || 'error' }
}

/** Whether the same call may succeed a little later. */
export function passes(error: unknown): boolean {
  const { status, code } = failureOf(error)
  if (code === 'CredentialsProviderError') return false
  return status === null || status >= 500 || status === 429 || MAY_PASS.has(code)
}
