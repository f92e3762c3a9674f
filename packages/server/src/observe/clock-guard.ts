import { SealtrailError } from '../errors.ts'

/** A clock is disciplined by steps now and then; what is more than this is no such step. */
export const CLOCK_TOLERANCE_MS: number = 5 * 60_000

/**
 * Finds a clock that was set back behind what is sealed: records would then claim to have come before records they came
 * after. It cannot tell which of the two times is wrong; whoever operates the server can (`clock.accept`).
 */
export class ClockGuard {
  readonly #acceptedMs: number
  #newestMs: number

  /** @param newestMs time of the newest commit known, 0 if none. @param acceptedMs sealed times up to this one are known to be wrong. */
  constructor(newestMs: number, acceptedMs: number | null) {
    this.#acceptedMs = acceptedMs ?? 0
    this.#newestMs = newestMs <= this.#acceptedMs ? 0 : newestMs
  }

  /** A commit was made at this time. */
  sealed(nowMs: number): void {
    if (nowMs > this.#newestMs) this.#newestMs = nowMs
  }

  /** The newest time sealed. */
  get newestMs(): number {
    return this.#newestMs
  }

  /** The error while the clock is more than the tolerance behind what is sealed, else null. */
  check(nowMs: number): SealtrailError | null {
    if (this.#newestMs - nowMs <= CLOCK_TOLERANCE_MS) return null
    const text = (ms: number): string => new Date(ms).toISOString()
    return new SealtrailError('CLOCK_BACKWARDS', `the clock says ${text(nowMs)}, and a commit was made at ${text(this.#newestMs)}`)
  }
}
