import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { Refusal } from './authority.ts'

/** An authority began or ended to fail: sealed in the system trail. */
export interface AuthorityEvent {
  readonly is: 'failing' | 'recovered'
  readonly authority: string
  /** RFC 3339: when it began to fail. */
  readonly since: string
  /** Of the first failure: `TIMEOUT`, `NOT_GRANTED`, `TIMESTAMP_…`, … */
  readonly code: string
}

interface State {
  failing: { readonly sinceMs: number; readonly code: string; readonly detail: string } | null
  failures: number
  offsetMs: number | null
  /** By log. */
  readonly last: Map<string, { readonly size: number; readonly atMs: number }>
}

const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 15 * 60_000
/** An authority's clock and ours may differ so much before somebody is told. */
const CLOCK_MS = 5 * 60_000

/** How time-stamping goes, per authority and log: for metrics, the log, readiness and the system trail. */
export class TimestampHealth {
  readonly #states = new Map<string, State>()
  readonly #log: Log
  readonly #now: () => number
  readonly #tell: (event: AuthorityEvent) => void
  readonly #metrics

  constructor(names: readonly string[], env: { metrics: Metrics; log: Log; now: () => number; tell: (event: AuthorityEvent) => void }) {
    const { metrics } = env
    this.#log = env.log
    this.#now = env.now
    this.#tell = env.tell
    const both = ['authority', 'log']
    this.#metrics = {
      age: metrics.gauge('sealtrail_timestamp_success_age_seconds', 'Time since the authority last stamped the log; -1: never.', both),
      lag: metrics.gauge('sealtrail_timestamp_lag_records', 'Records under the checkpoint to be stamped that the last stamp does not cover.', both),
      failing: metrics.gauge('sealtrail_timestamp_failing', '1 while the authority does not give valid tokens, or they cannot be stored.', ['authority']),
      offset: metrics.gauge('sealtrail_timestamp_clock_offset_seconds', 'Time of the last token less the time here when it was asked for.', ['authority']),
      failures: metrics.counter('sealtrail_timestamp_failures_total', 'Rounds that ended without a token, by reason.', ['authority', 'reason']),
      stamps: metrics.counter('sealtrail_timestamps_total', 'Tokens verified and stored.', both),
    }
    for (const name of names) this.#states.set(name, { failing: null, failures: 0, offsetMs: null, last: new Map() })
  }

  /** Size the authority stamped last of a log, 0 for none. */
  size(authority: string, log: string): number {
    return this.#of(authority).last.get(log)?.size ?? 0
  }

  isFailing(authority: string): boolean {
    return this.#of(authority).failing !== null
  }

  /** A stamp that was there at the start. */
  known(authority: string, log: string, size: number, atMs: number): void {
    const { last } = this.#of(authority)
    if ((last.get(log)?.size ?? -1) < size) last.set(log, { size, atMs })
  }

  stamped(authority: string, log: string, size: number, offsetMs: number): void {
    const state = this.#of(authority)
    state.last.set(log, { size, atMs: this.#now() })
    this.#metrics.stamps.add(1, authority, log)
    if (Math.abs(offsetMs) > CLOCK_MS && Math.abs(state.offsetMs ?? 0) <= CLOCK_MS)
      this.#log.warn('the clocks of a time-stamp authority and of this machine differ', { authority, seconds: Math.round(offsetMs / 1000) })
    state.offsetMs = offsetMs
  }

  /** A whole round went well. */
  succeeded(authority: string): void {
    const state = this.#of(authority)
    if (state.failing !== null) {
      this.#log.info('a time-stamp authority works again', { authority })
      this.#tell({ is: 'recovered', authority, since: iso(state.failing.sinceMs), code: state.failing.code })
    }
    state.failing = null
    state.failures = 0
  }

  failed(authority: string, { code, detail }: Refusal): void {
    const state = this.#of(authority)
    this.#metrics.failures.add(1, authority, code)
    state.failures++
    if (state.failing !== null) return
    // Once per outage, not once per try.
    this.#log.error('a time-stamp authority fails: checkpoints are not stamped', { authority, code, detail })
    state.failing = { sinceMs: this.#now(), code, detail }
    this.#tell({ is: 'failing', authority, since: iso(this.#now()), code })
  }

  /** How long until the authority is asked again. */
  pause(authority: string, intervalMs: number): number {
    const { failing, failures } = this.#of(authority)
    return failing === null ? intervalMs : Math.min(intervalMs, LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10))
  }

  /** What stands between the logs and trusted time, one line each; nothing of it keeps events out. */
  notes(): string[] {
    return [...this.#states].flatMap(([authority, { failing, offsetMs }]) => [
      ...(failing === null ? [] : [`time-stamp authority ${authority} fails since ${iso(failing.sinceMs)}: ${failing.detail} (${failing.code})`]),
      ...(Math.abs(offsetMs ?? 0) > CLOCK_MS
        ? [`the clocks of time-stamp authority ${authority} and of this machine differ by ${Math.round((offsetMs ?? 0) / 1000)} s`]
        : []),
    ])
  }

  /** Brings the gauges up to the moment they are read. @param sizes of the checkpoints to be stamped */
  observe(sizes: ReadonlyMap<string, number>): void {
    for (const [authority, { failing, offsetMs, last }] of this.#states) {
      this.#metrics.failing.set(failing === null ? 0 : 1, authority)
      if (offsetMs !== null) this.#metrics.offset.set(offsetMs / 1000, authority)
      for (const [log, size] of sizes) {
        const stamp = last.get(log)
        this.#metrics.age.set(stamp === undefined ? -1 : Math.max(0, (this.#now() - stamp.atMs) / 1000), authority, log)
        this.#metrics.lag.set(Math.max(0, size - (stamp?.size ?? 0)), authority, log)
      }
    }
  }

  #of(authority: string): State {
    return this.#states.get(authority) as State
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
