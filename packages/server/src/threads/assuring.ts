import { StoreHealth } from '../assure/health.ts'
import { Prober } from '../assure/prober.ts'
import type { Config } from '../config/config.ts'
import type { Sealing } from '../config/open-sealing.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Probe } from '../store/store.ts'
import type { StoreState } from '../store/verdict.ts'
import { ColdRule } from './cold-rule.ts'

/** The store's lock, observed beside the sealing. */
export interface Assuring {
  /** Probes now. */
  look(): Promise<void>
  /** To be called every second or so. */
  beat(): Promise<void>
  states(): readonly StoreState[]
  /** What is degraded and keeps no event out, one line each. */
  notes(): readonly string[]
  /** Sets the gauges, before the metrics are asked for. */
  observe(): void
  /** Begins nothing more, and resolves when nothing is under way. */
  close(): Promise<void>
}

export interface AssuringEnv {
  readonly log: Log
  readonly metrics: Metrics
  now(): number
  monotonic(): number
  probe(): Promise<Probe>
}

/** Joins the duty to a sealing side: what it observes takes effect there, and is sealed in `system`. */
export function assuringOf(config: Config, { gate, notebook, store, system }: Sealing, env: AssuringEnv): Assuring {
  const intervalMs = config.store.probeMs
  const health = new StoreHealth({ gate, intervalMs, passing: store, metrics: env.metrics, now: () => env.now() })
  const cold = new ColdRule({ cold: config.store.cold, store, log: env.log, system })
  const prober = new Prober({
    intervalMs,
    gate,
    notebook,
    health,
    async probe() {
      const probe = await env.probe()
      // Not waited for: the verdict takes effect at once.
      cold.begin(probe)
      return probe
    },
    seal: (record) => system(record),
    log: env.log,
    now: () => env.now(),
    monotonic: () => env.monotonic(),
  })
  return {
    look: () => prober.look().then(() => cold.done()),
    beat: () => prober.beat(),
    states: () => [health.state()],
    notes: () => [...health.notes(), ...cold.notes()],
    observe: () => health.observe(),
    close: () => prober.close().then(() => cold.done()),
  }
}
