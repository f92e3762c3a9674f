import type { Metrics } from '../observe/metrics.ts'
import type { Assurance } from '../store/store.ts'
import type { StoreState } from '../store/verdict.ts'
import type { StoreTrouble } from '../store/watched.ts'
import type { Gate } from './gate.ts'
import { brokenIn, told } from './observation.ts'

const ASSURANCES: readonly Assurance[] = ['store-enforced', 'declared', 'none']
/** A put that takes longer is told: a store under load answers in tenths of a second. */
const SLOW_MS = 10_000

/** What passes through the store beside probes. */
export interface Passing {
  readonly trouble: StoreTrouble | null
  waitingMs(nowMs: number): number
}

export interface HealthDeps {
  readonly gate: Gate
  readonly intervalMs: number
  readonly passing: Passing
  readonly metrics: Metrics
  now(): number
}

/** What is told of a store's lock and of the store itself. */
export class StoreHealth {
  readonly #deps: HealthDeps
  readonly #metrics
  #failing: { readonly code: string; readonly sinceMs: number } | null = null

  constructor(deps: HealthDeps) {
    const { metrics } = deps
    this.#deps = deps
    this.#metrics = {
      assurance: metrics.gauge('sealtrail_store_assurance', '1 for what was last observed of the store’s lock.', ['store', 'assurance']),
      kept: metrics.gauge('sealtrail_store_promise_kept', '1 while the store’s lock is observed to be what the configuration promises.', ['store']),
      stops: metrics.gauge('sealtrail_store_stops', '1 while no event is accepted because of the store’s lock.', ['store']),
      age: metrics.gauge('sealtrail_store_observed_age_seconds', 'Since the store’s lock was last observed; -1: never.', ['store']),
      checks: metrics.gauge('sealtrail_store_checks', 'Checks of the last probe, by result.', ['store', 'result']),
      broken: metrics.gauge('sealtrail_store_decisive_broken', 'Decisive checks of the last probe that did not hold.', ['store']),
      failures: metrics.counter('sealtrail_store_probe_failures_total', 'Probes that could not be made, by code.', ['store', 'code']),
      waiting: metrics.gauge('sealtrail_store_put_waiting_seconds', 'How long the oldest put under way has waited.', ['store']),
    }
  }

  /** A probe could not be made. Returns whether this is news. */
  failed(code: string): boolean {
    this.#metrics.failures.add(1, this.#deps.gate.name, code)
    const news = this.#failing === null
    this.#failing = { code, sinceMs: this.#failing?.sinceMs ?? this.#deps.now() }
    return news
  }

  /** A probe was made. Returns whether it could not be before. */
  probed(): boolean {
    const news = this.#failing !== null
    this.#failing = null
    return news
  }

  state(): StoreState {
    const { gate } = this.#deps
    const { last, name } = gate
    return {
      store: name,
      assurance: last?.assurance ?? 'unknown',
      promised: gate.promised,
      observed: last === null ? null : new Date(last.observedMs).toISOString(),
      old: this.isOld(),
      broken: last === null ? [] : brokenIn(last),
      stops: gate.refusal() !== null,
    }
  }

  /** What is degraded and keeps no event out, one line each; what does is the gate's refusal. */
  notes(): string[] {
    const { gate, intervalMs, passing, now } = this.#deps
    const { last, name } = gate
    const notes: string[] = []
    const since = (ms: number): string => new Date(ms).toISOString()
    if (last !== null && !gate.kept && gate.refusal() === null) {
      const broken = brokenIn(last)
      notes.push(`store ${name}: not ${gate.promised} as configured but ${told(last)}${broken.length > 0 ? ` (${broken.join(', ')})` : ''}; going on`)
    }
    if (last?.checks.some((check) => check.name === 'replica' && check.result === 'broken') === true)
      notes.push(`store ${name}: the lock of its replica does not hold; sealtrail doctor says which checks`)
    if (this.isOld()) notes.push(`store ${name}: the last observation is old (${told(last!)}; probed every ${intervalMs / 1000} s)`)
    if (this.#failing !== null) notes.push(`store ${name}: the lock could not be probed since ${since(this.#failing.sinceMs)}: ${this.#failing.code}`)
    if (passing.trouble !== null) notes.push(`store ${name}: in trouble since ${since(passing.trouble.sinceMs)}: ${passing.trouble.code}`)
    const waiting = passing.waitingMs(now())
    if (waiting > SLOW_MS) notes.push(`store ${name}: an object has waited ${Math.floor(waiting / 1000)} s to be stored`)
    return notes
  }

  /** Sets the gauges, before they are asked for. */
  observe(): void {
    const { gate, passing, now } = this.#deps
    const { last, name } = gate
    for (const each of ASSURANCES) this.#metrics.assurance.set(last?.assurance === each ? 1 : 0, name, each)
    this.#metrics.kept.set(last !== null && gate.kept ? 1 : 0, name)
    this.#metrics.stops.set(gate.refusal() === null ? 0 : 1, name)
    this.#metrics.age.set(last === null ? -1 : Math.max(0, now() - last.observedMs) / 1000, name)
    for (const result of ['held', 'broken', 'skipped'] as const)
      this.#metrics.checks.set(last?.checks.filter((check) => check.result === result).length ?? 0, name, result)
    this.#metrics.broken.set(last === null ? 0 : brokenIn(last).length, name)
    this.#metrics.waiting.set(Math.max(0, passing.waitingMs(now())) / 1000, name)
  }

  /** Whether no probe has succeeded for two intervals. */
  isOld(): boolean {
    const { gate, intervalMs, now } = this.#deps
    return gate.last !== null && now() - gate.last.observedMs > 2 * intervalMs
  }
}
