const HOUR_MS = 3_600_000
/** How far the clock may be ahead of what is known to have passed before nothing expires any more. */
export const LEAP_MS: number = 48 * HOUR_MS

/** Monotonic milliseconds. */
type Monotonic = () => number

/**
 * Whether the clock may be believed when it says that something's time is over. It cannot be known to be right; it can be
 * seen to leap. Known is when the newest record was sealed before this start, when the last run was done, and how long the
 * process has run since by a clock nobody sets. A clock further ahead of all that than two days expires nothing until an officer
 * says that it is right (the server stood still for longer), or an authority's time stamp does.
 *
 * attacker: whoever can set the clock. Short steps, one a day, are not told from a day that passed: against that only a
 * store helps that enforces its locks by a clock of its own.
 */
export class LeapGuard {
  readonly #monotonic: Monotonic
  #knownMs: number
  #atMs: number

  /** @param knownMs the newest time known to have passed when this start began, ms since the epoch; null: nothing is sealed yet */
  constructor(knownMs: number | null, nowMs: number, monotonic: Monotonic) {
    this.#monotonic = monotonic
    this.#atMs = monotonic()
    this.#knownMs = knownMs ?? nowMs
    this.check(nowMs)
  }

  /** Why this time is not believed, or null; what is believed counts from here on. */
  check(nowMs: number): string | null {
    const passed = this.#knownMs + (this.#monotonic() - this.#atMs)
    if (nowMs - passed > LEAP_MS) {
      return `the clock says ${iso(nowMs)}, and no later time than ${iso(passed)} is known to have passed: nothing expires until that is explained`
    }
    this.#believe(Math.max(passed, nowMs))
    return null
  }

  /** Somebody who may says that it is at least so late: an officer, or a time stamp. */
  confirm(atLeastMs: number): void {
    if (atLeastMs > this.#knownMs + (this.#monotonic() - this.#atMs)) this.#believe(atLeastMs)
  }

  #believe(ms: number): void {
    this.#knownMs = ms
    this.#atMs = this.#monotonic()
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
