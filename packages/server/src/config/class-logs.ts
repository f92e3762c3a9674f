import { SealtrailError } from '../errors.ts'
import { flagEvent } from '../retain/flag.ts'
import { Longer } from '../retain/longer.ts'
import type { Ledger } from '../sequence/ledger.ts'
import { SubjectLogs } from '../sequence/subject-logs.ts'
import type { SystemEvent } from '../threads/system-entry.ts'
import { isStricter } from './classes.ts'
import type { Config } from './config.ts'
import type { LogPlan } from './logs.ts'
import { logsOf } from './logs.ts'
import { SUMMARY } from './tiers.ts'

const DAY_MS = 86_400_000
/** Flags remembered as sealed, so that a busy subject does not ask for each of its events. */
const MOST_REMEMBERED = 10_000

/** Which log of its trail a subject is in; null when no trail has more than one, and nothing need be asked. */
export function homesOf(plans: readonly LogPlan[], ledger: Pick<Ledger, 'subjects'>): SubjectLogs | null {
  const siblings = new Map<string, readonly string[]>()
  const byLog = new Map(plans.map((plan) => [plan.log, plan]))
  for (const { log, trail, kind } of plans) {
    const logs = plans.filter((other) => other.trail === trail && other.kind === 'records').map((other) => other.log)
    if (kind === 'records' && logs.length > 1) siblings.set(log, logs)
  }
  if (siblings.size === 0) return null
  return new SubjectLogs(
    {
      logsWith: (log) => siblings.get(log) ?? null,
      isStricter: (asked, standing) => isStricter(byLog.get(asked) as LogPlan, byLog.get(standing) as LogPlan),
    },
    ledger,
  )
}

/** Seals that a subject is to be kept as long as the class its later event asks for; `Flow` waits for it. */
export function keptLonger(
  plans: readonly LogPlan[],
  {
    system,
    now,
    add,
  }: { system(event: SystemEvent): Promise<void>; now(): number; add(log: string, subject: string, asked: string | null, untilMs: number): void },
): (subject: string, log: string, asked: string) => Promise<void> {
  const sealed = new Set<string>()
  return async (subject, log, asked) => {
    const plan = plans.find((each) => each.log === asked) as LogPlan
    // Whole days, so that the events of one subject ask for the same; never a day less than the class promises.
    const untilMs = Math.ceil((now() + plan.periodMs) / DAY_MS) * DAY_MS
    const event = flagEvent({ log, subject, reason: 'class', class: plan.class, untilMs, by: 'sealtrail' })
    if (sealed.has(event.id)) return
    await system(event)
    add(log, subject, plan.class, untilMs)
    if (sealed.size >= MOST_REMEMBERED) sealed.clear()
    sealed.add(event.id)
  }
}

/** What is to be locked longer than its log: not in logs with tiers, whose records are copied instead. */
export function longerOf(plans: readonly LogPlan[]): Longer {
  return new Longer((log, asked) => {
    const standing = plans.find((plan) => plan.log === log)
    if (standing === undefined || standing.detailMs !== null) return null
    return plans.find((plan) => plan.trail === standing.trail && plan.kind === 'records' && plan.class === asked)?.mode ?? standing.mode
  })
}

/** @throws SealtrailError CONFIG_INVALID when records stand in the log of a class that the configuration no longer has: nobody would find them */
export function assertClasses(config: Pick<Config, 'trails' | 'tenant'>, standing: readonly string[]): void {
  const known = new Set(logsOf(config).map(({ log }) => log))
  for (const trail of Object.keys(config.trails)) {
    const lost = standing.find((log) => log.startsWith(`${config.tenant}.${trail}.`) && !known.has(log))
    if (lost === undefined) continue
    const name = lost.slice(config.tenant.length + trail.length + 2)
    if (name === SUMMARY)
      throw new SealtrailError(
        'CONFIG_INVALID',
        `trails.${trail}.retain.detail: the log ${lost} holds summaries; put detail back, as long as you like short of period`,
      )
    throw new SealtrailError(
      'CONFIG_INVALID',
      `trails.${trail}.retain.classes: the log ${lost} holds records; put the class ${name} back (with a tag nothing has, and nothing new goes there)`,
    )
  }
}
