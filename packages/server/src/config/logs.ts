import { trailReading } from '../index/trails.ts'
import type { TrailReading } from '../index/trails.ts'
import { SUMMARY } from './tiers.ts'
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
  /** How long what is stored of it is locked; of a log with tiers what is left of it in the end. */
  readonly periodMs: number
  /** How long segments, and the objects their records name, are locked where that is shorter: the log's detail expires then. */
  readonly detailMs: number | null
}

/** Every log of a server: of each trail, in the order of the configuration, its own and those of its classes; `system` last. */
export function logsOf(config: Pick<Config, 'trails' | 'tenant'>): readonly LogPlan[] {
  const plans: LogPlan[] = []
  for (const [trail, { retain }] of Object.entries(config.trails)) {
    const { mode, periodMs, detailMs } = retain
    plans.push({ log: trail, trail, class: null, kind: 'records', mode, periodMs, detailMs })
    if (detailMs !== null) plans.push({ log: classLog(config.tenant, trail, SUMMARY), trail, class: null, kind: 'summaries', mode, periodMs, detailMs: null })
    for (const { name, mode, periodMs } of retain.classes)
      plans.push({ log: classLog(config.tenant, trail, name), trail, class: name, kind: 'records', mode, periodMs, detailMs: null })
  }
  // Evidence about all the others: it stays as long as the longest of them.
  const { mode, periodMs } = longestOf(plans)
  return [...plans, { log: SYSTEM_LOG, trail: SYSTEM_LOG, class: null, kind: 'system', mode, periodMs, detailMs: null }]
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
    .map(({ log, trail, detailMs }) => ({
      ...trailReading(log, packs.of(trail), trail),
      summaries: detailMs === null ? null : classLog(config.tenant, trail, SUMMARY),
    }))
}

/** Logs whose detail expires before they do. */
export function tieredOf(plans: readonly LogPlan[]): ReadonlySet<string> {
  return new Set(plans.filter(({ detailMs }) => detailMs !== null).map(({ log }) => log))
}

function longestOf(plans: readonly LogPlan[]): Pick<LogPlan, 'mode' | 'periodMs'> {
  return plans.reduce((a, b) => (isStricter(b, a) ? b : a))
}
