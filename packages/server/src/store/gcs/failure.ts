import { SealtrailError } from '../../errors.ts'

/** Google answered, and not with success. Its words are outside data: kept to look at, never shown. */
export class Refused extends Error {
  readonly status: number
  /** Such as `retentionPolicyNotMet`; '' when it gave none. */
  readonly reason: string
  readonly words: string
  constructor(status: number, reason: string, words: string, needs: string) {
    super(`${status}${reason === '' ? '' : ` ${reason}`}${status === 403 || status === 401 ? ` (needs ${needs})` : ''}`)
    this.status = status
    this.reason = reason
    this.words = words
  }
}

/** No whole answer in time: what became of the request is not known. */
export class NoAnswer extends Error {}

/** Whether the same request may go through a little later. */
export function isPassing(error: unknown): boolean {
  return error instanceof NoAnswer || (error instanceof Refused && [408, 429, 500, 502, 503, 504].includes(error.status))
}

/** Somebody else was faster, or something stands there. */
export function isConflict(error: unknown): boolean {
  return error instanceof Refused && error.status === 412
}

/** Not allowed, which says nothing of locks. */
export function isForbidden(error: Refused): boolean {
  return (error.status === 401 || error.status === 403) && !isLocked(error)
}

/** How the service refuses what a retention or hold forbids. A missing right is 403 as well, and its words may name a retention too. */
export function isLocked(error: unknown): error is Refused {
  if (!(error instanceof Refused) || error.status !== 403) return false
  if (error.reason === 'retentionPolicyNotMet' || error.reason === 'objectUnderActiveHold') return true
  return /retention|hold/i.test(error.words) && !/does not have|permission/i.test(error.words)
}

export function refusedLock(key: string, error: unknown): unknown {
  if (!(error instanceof Refused) || isForbidden(error) || !/retention/i.test(error.words)) return error
  return new SealtrailError('STORE_NOT_LOCKED', `the store refuses the lock of ${key}: ${error.message}; is object retention enabled on the bucket?`, {
    cause: error,
  })
}

/** @throws SealtrailError NOT_DURABLE for what is no error of ours yet */
export async function durably<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof SealtrailError) throw error
    throw new SealtrailError('NOT_DURABLE', `${what}: ${reasonOf(error)}`, { cause: error })
  }
}

/** @throws SealtrailError STORE_UNREADABLE for what is no error of ours yet */
export async function readably<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw unreadable(what, error)
  }
}

export function unreadable(what: string, error: unknown): Error {
  return error instanceof SealtrailError ? error : new SealtrailError('STORE_UNREADABLE', `${what}: ${reasonOf(error)}`, { cause: error })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
