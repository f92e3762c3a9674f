import type { Gate } from '../assure/gate.ts'
import { SealtrailError } from '../errors.ts'
import type { LogWriter } from '../log-writer.ts'
import type { ClockGuard } from '../observe/clock-guard.ts'
import type { Log } from '../observe/log.ts'
import { SYSTEM_LOG } from '../threads/system-entry.ts'
import { stoppedBy } from './open-log.ts'
import type { SystemEvent } from '../threads/system-entry.ts'

/** Bytes waiting for their commit before senders are told to wait. */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024

export interface AcceptingDeps {
  readonly writers: ReadonlyMap<string, LogWriter>
  /** Stores that may have failed and not come back yet, in the order in which they are asked. */
  readonly stores: ReadonlyArray<{ readonly failed: SealtrailError | null }>
  readonly clock: ClockGuard
  /** Whether the store's lock is what the configuration promises. */
  readonly lock: Pick<Gate, 'refusal'>
  readonly log: Log
  now(): number
  /** Seals what the server itself has to say. */
  system(event: SystemEvent): Promise<void>
}

/** Whether events can be accepted, and if not, why. */
export class Accepting {
  readonly #deps: AcceptingDeps
  #closing = false
  #clockTold = false

  constructor(deps: AcceptingDeps) {
    this.#deps = deps
  }

  /** Nothing is accepted any more. */
  end(): void {
    this.#closing = true
  }

  /** Why nothing can be accepted for a log, or null. */
  refusal(log: string): SealtrailError | null {
    const { writers, stores, clock, lock, now } = this.#deps
    const writer = writers.get(log)
    if (writer === undefined) return new SealtrailError('UNKNOWN_TRAIL', 'there is no such trail')
    if (this.#closing) return new SealtrailError('NOT_READY', 'the server is closing')
    if (writer.stopped !== null) return stoppedBy(log, writer.stopped)
    for (const { failed } of stores) if (failed !== null) return failed
    // What the server itself has to say is sealed at any time, such findings first of all.
    const unlocked = log === SYSTEM_LOG ? null : lock.refusal()
    if (unlocked !== null) return unlocked
    if (writer.failing !== null) return writer.failing
    if (log !== SYSTEM_LOG && this.#isClockBehind()) return clock.check(now())
    if (writer.queuedBytes > MAX_QUEUED_BYTES) return new SealtrailError('OVERLOADED', 'too many events wait for their commit')
    return null
  }

  #isClockBehind(): boolean {
    const { clock, log, now, system } = this.#deps
    const error = clock.check(now())
    if (error !== null && !this.#clockTold) {
      log.error('the clock is behind what is sealed', { code: error.code, detail: error.message })
      void system({
        what: 'clock',
        subject: 'server',
        id: `clock/${clock.newestMs}/${now()}`,
        data: { newest_sealed: new Date(clock.newestMs).toISOString() },
      }).catch(() => {})
    }
    this.#clockTold = error !== null
    return this.#clockTold
  }
}
