import { trailReading } from '../index/trails.ts'
import type { TrailReading } from '../index/trails.ts'
import { SYSTEM_LOG } from '../threads/system-entry.ts'
import { classLog, isStricter } from './classes.ts'
import type { Config, RetainConfig } from './config.ts'
import type { OpenPacks } from './open-packs.ts'

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

/** Every log of a server: of each trail, in the order of the configuration, its own and those of its classes; `system` last. */
export function logsOf(config: Pick<Config, 'trails' | 'tenant'>): readonly LogPlan[] {
  const plans: LogPlan[] = []
  for (const [trail, { retain }] of Object.entries(config.trails)) {
    plans.push({ log: trail, trail, class: null, kind: 'records', mode: retain.mode, periodMs: retain.periodMs })
    for (const { name, mode, periodMs } of retain.classes)
      plans.push({ log: classLog(config.tenant, trail, name), trail, class: name, kind: 'records', mode, periodMs })
  }
  // Evidence about all the others: it stays as long as the longest of them.
  const { mode, periodMs } = longestOf(plans)
  return [...plans, { log: SYSTEM_LOG, trail: SYSTEM_LOG, class: null, kind: 'system', mode, periodMs }]
}

/** The plan of one log; of a log that is in no plan (a load test's) that of `system`. */
export function planOf(config: Pick<Config, 'trails' | 'tenant'>, log: string): LogPlan {
  const plans = logsOf(config)
  return plans.find((plan) => plan.log === log) ?? (plans.at(-1) as LogPlan)
}

/** How each log with records is read, in the order of the logs: a class's by the packs of its trail. */
export function readingsOf(config: Pick<Config, 'trails' | 'tenant'>, packs: Pick<OpenPacks, 'of'>): TrailReading[] {
  return logsOf(config)
    .filter(({ kind }) => kind === 'records')
    .map(({ log, trail }) => trailReading(log, packs.of(trail), trail))
}

function longestOf(plans: readonly LogPlan[]): Pick<LogPlan, 'mode' | 'periodMs'> {
  return plans.reduce((a, b) => (isStricter(b, a) ? b : a))
}
