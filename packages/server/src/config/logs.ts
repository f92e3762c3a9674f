import { SYSTEM_LOG } from '../threads/system-entry.ts'
import type { Config, RetainConfig } from './config.ts'

/** One log of a server: what is in it, and how long and how hard what is stored of it is locked. */
export interface LogPlan {
  readonly log: string
  /** The trail whose records it holds; `system` of the system log. */
  readonly trail: string
  /** The retention class it is for; null: the trail's own, or none. */
  readonly class: string | null
  /** `records` are events as they were sealed, `summaries` what is left of them later, `system` what the server did. */
  readonly kind: 'records' | 'summaries' | 'system'
  readonly mode: RetainConfig['mode']
  readonly periodMs: number
}

/** Every log of a server, that of each trail in the order of the configuration, `system` last. */
export function logsOf(config: Pick<Config, 'trails'>): readonly LogPlan[] {
  const plans: LogPlan[] = []
  for (const [trail, { retain }] of Object.entries(config.trails)) {
    plans.push({ log: trail, trail, class: null, kind: 'records', mode: retain.mode, periodMs: retain.periodMs })
  }
  // Evidence about all the others: it stays as long as the longest of them.
  const { mode, periodMs } = longestOf(plans)
  return [...plans, { log: SYSTEM_LOG, trail: SYSTEM_LOG, class: null, kind: 'system', mode, periodMs }]
}

/** The plan of one log; of a log that is in no plan (a load test's) that of `system`. */
export function planOf(config: Pick<Config, 'trails'>, log: string): LogPlan {
  const plans = logsOf(config)
  return plans.find((plan) => plan.log === log) ?? (plans.at(-1) as LogPlan)
}

function longestOf(plans: readonly LogPlan[]): Pick<LogPlan, 'mode' | 'periodMs'> {
  return plans.reduce((a, b) => (b.periodMs > a.periodMs ? b : a))
}
