import type { Config } from './config.ts'
import { isStricter } from './classes.ts'
import { logsOf } from './logs.ts'
import type { LogPlan } from './logs.ts'

type Retention = Pick<Config, 'trails' | 'tenant'>

/** A log whose retention is another one than before. */
export interface RetentionChange {
  readonly log: string
  readonly before: LogPlan
  readonly now: LogPlan
  /** What is stored is locked longer, or harder, by it; else it concerns only what is sealed from now on. */
  readonly longer: boolean
}

/** What changed of the logs that were there before. @param last as a start sealed it, unchecked; what cannot be read changed nothing */
export function retentionChanges(last: unknown, config: Retention): RetentionChange[] {
  let before: readonly LogPlan[]
  try {
    before = last === null ? [] : logsOf(last as Retention)
  } catch {
    return []
  }
  const changes: RetentionChange[] = []
  for (const now of logsOf(config)) {
    const plan = before.find(({ log }) => log === now.log)
    if (plan === undefined || (plan.mode === now.mode && plan.periodMs === now.periodMs && segmentsMs(plan) === segmentsMs(now))) continue
    changes.push({ log: now.log, before: plan, now, longer: isStricter(now, plan) || segmentsMs(now) > segmentsMs(plan) })
  }
  return changes
}

/** How long segments are locked: in a log with tiers for its detail. */
function segmentsMs({ detailMs, periodMs }: LogPlan): number {
  return detailMs ?? periodMs
}

const DAY_MS = 86_400_000

/** A change as people read it. */
export function toldChange({ log, before, now, longer }: RetentionChange): string {
  const days = (ms: number): string => `${Math.round((ms / DAY_MS) * 10) / 10} days`
  const of = ({ mode, periodMs, detailMs }: LogPlan): string => `${mode} for ${days(periodMs)}${detailMs == null ? '' : ` (detail ${days(detailMs)})`}`
  return longer
    ? `retention of ${log}: ${of(now)}, before ${of(before)}; what is stored is locked as long`
    : `retention of ${log}: ${of(now)}, before ${of(before)}; only for what is sealed from now on, nothing stored is shortened or relaxed`
}
