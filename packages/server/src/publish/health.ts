import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'

interface Seen {
  /** Milliseconds since the epoch; null: not since the start. */
  lastSuccess: number | null
  failures: number
  /** Not asked before this time. */
  notBefore: number
}

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000
const LONGEST_RETRY_AFTER_MS = 300_000

/** How publishing goes, per witness and log: for metrics, for the log, and for when to ask again. */
export class WitnessHealth {
  readonly #log: Log
  readonly #now: () => number
  readonly #seen = new Map<string, Seen>()
  readonly #unmet = new Set<string>()
  readonly #published = new Map<string, number>()
  readonly #metrics

  constructor(metrics: Metrics, log: Log, now: () => number) {
    this.#log = log
    this.#now = now
    const witness = ['log', 'witness']
    this.#metrics = {
      age: metrics.gauge('sealtrail_witness_success_age_seconds', 'Time since the witness last cosigned; -1: not since the start.', witness),
      size: metrics.gauge('sealtrail_witness_size', 'Records of the log that the witness has cosigned since the start.', witness),
      failures: metrics.counter('sealtrail_witness_failures_total', 'Requests a witness did not answer with a cosignature, by reason.', [...witness, 'reason']),
      published: metrics.gauge('sealtrail_published_size', 'Records under the published checkpoint.', ['log']),
      lag: metrics.gauge('sealtrail_published_lag_records', 'Records committed and not published.', ['log']),
      unmet: metrics.gauge('sealtrail_witness_policy_unmet', '1 while too few witnesses cosign the newest checkpoint.', ['log']),
      forked: metrics.gauge('sealtrail_forked', '1 while a fork alarm stands and the log does not seal.', ['log']),
    }
  }

  cosigned(log: string, witness: string, size: number): void {
    const seen = this.#of(log, witness)
    if (seen.failures > 0) this.#log.info('a witness cosigns again', { log, witness })
    Object.assign(seen, { lastSuccess: this.#now(), failures: 0, notBefore: 0 })
    this.#metrics.size.set(size, log, witness)
  }

  failed(log: string, witness: string, code: string, retryAfterMs: number | null): void {
    const seen = this.#of(log, witness)
    // Once per outage, not once per try.
    if (seen.failures === 0) this.#log.warn('a witness does not cosign', { log, witness, code })
    this.#metrics.failures.add(1, log, witness, code)
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(seen.failures, 10), LONGEST_PAUSE_MS)
    seen.failures++
    seen.notBefore = this.#now() + Math.max(pause, Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS))
  }

  /** Whether a witness that failed may be asked again. */
  isDue(log: string, witness: string): boolean {
    const { notBefore } = this.#of(log, witness)
    // A clock set back would put it off for ever.
    return this.#now() >= notBefore || notBefore - this.#now() > LONGEST_RETRY_AFTER_MS
  }

  published(log: string, size: number): void {
    this.#metrics.published.set(size, log)
    this.#published.set(log, size)
  }

  met(log: string, size: number): void {
    this.#metrics.unmet.set(0, log)
    if (this.#unmet.delete(log)) this.#log.info('the witness policy is met again', { log, size })
  }

  /** Says so once per outage, however many rounds it lasts. */
  unmet(log: string, message: string): void {
    this.#metrics.unmet.set(1, log)
    if (this.#unmet.has(log)) return
    this.#unmet.add(log)
    this.#log.error(message, { log })
  }

  observe(log: string, committed: number, forked: boolean): void {
    for (const [key, { lastSuccess }] of this.#seen) {
      const [of, witness] = key.split('\0') as [string, string]
      if (of === log) this.#metrics.age.set(lastSuccess === null ? -1 : Math.max(0, this.#now() - lastSuccess) / 1000, log, witness)
    }
    this.#metrics.forked.set(forked ? 1 : 0, log)
    this.#metrics.lag.set(Math.max(0, committed - (this.#published.get(log) ?? 0)), log)
  }

  #of(log: string, witness: string): Seen {
    const key = `${log}\0${witness}`
    let seen = this.#seen.get(key)
    if (seen === undefined) this.#seen.set(key, (seen = { lastSuccess: null, failures: 0, notBefore: 0 }))
    return seen
  }
}
