import type { AskedLock, AskedLocks } from '../verify/locks.ts'
import type { SealedStart } from '../verify/starts.ts'
import type { Config } from './config.ts'
import { logsOf, type LogPlan } from './logs.ts'

type Retention = Pick<Config, 'trails' | 'tenant'>

/** What a configuration asks of every object, whenever it was written. */
export function askedByConfig(config: Retention): AskedLocks {
  const plans = logsOf(config)
  return { hear() {}, asked: (log, kind) => askedIn(plans, log, kind) }
}

/**
 * What was asked when each object was written, as the servers sealed it at their starts. Of an object nobody knows the
 * time of, the least that was ever asked for its log.
 */
export function askedBySealed(): AskedLocks {
  const starts: { readonly atMs: number; readonly plans: readonly LogPlan[] }[] = []
  return {
    hear({ atMs, config }: SealedStart) {
      try {
        starts.push({ atMs, plans: logsOf(config as unknown as Retention) })
      } catch {
        // attacker: a start record of another form asks for nothing; its log's audit says what it is.
      }
    },
    asked(log, kind, atMs) {
      if (atMs !== null) return askedIn(starts.findLast((start) => start.atMs <= atMs)?.plans ?? [], log, kind)
      const all = starts.flatMap(({ plans }) => askedIn(plans, log, kind) ?? [])
      return all.length === 0
        ? null
        : { mode: all.some(({ mode }) => mode === 'GOVERNANCE') ? 'GOVERNANCE' : 'COMPLIANCE', periodMs: Math.min(...all.map(({ periodMs }) => periodMs)) }
    },
  }
}

function askedIn(plans: readonly LogPlan[], log: string, kind: string): AskedLock | null {
  const plan = plans.find((each) => each.log === log)
  if (plan === undefined || !Number.isFinite(plan.periodMs)) return null
  // Of a start before there were tiers nothing is said of detail.
  const detailMs = kind === 'segment' || kind === 'object' ? (plan.detailMs ?? null) : null
  return { mode: plan.mode, periodMs: detailMs ?? plan.periodMs }
}
