import type { ExpiredRange } from '@sealtrail/evidence'
import type { AuditLogOptions } from './audit-log.ts'
import { isSummaryLog } from './summaries.ts'

const SYSTEM_LOG = 'system'

/** The logs with those first that speak of others: `system` says what has expired, logs of summaries what they are made of. */
export function announcingFirst(logs: readonly string[]): string[] {
  const rank = (log: string): number => (log === SYSTEM_LOG ? 0 : isSummaryLog(log) ? 1 : 2)
  return logs.toSorted((a, b) => rank(a) - rank(b))
}

/** Whether a log is audited although it was not asked for, because others cannot be without it. */
export function isAnnouncing(log: string): boolean {
  return log === SYSTEM_LOG || isSummaryLog(log)
}

/** What logs say of others, gathered while they are audited, for the audits that follow. */
export class Announced {
  readonly #ranges: ExpiredRange[] = []
  readonly #claims = new Map<string, NonNullable<AuditLogOptions['summaries']>[number][]>()

  of(log: string): Pick<AuditLogOptions, 'expired' | 'onExpiry' | 'summaries' | 'onSummaries'> {
    return {
      expired: this.#ranges.filter((range) => range.log === log),
      ...(log === SYSTEM_LOG ? { onExpiry: (range) => void this.#ranges.push(range) } : {}),
      summaries: this.#claims.get(log) ?? [],
      onSummaries: (claims) => {
        // attacker: a log of summaries may speak of any log; it is believed of none, and held against each.
        for (const claim of claims) {
          const known = this.#claims.get(claim.log)
          if (known === undefined) this.#claims.set(claim.log, [claim])
          else known.push(claim)
        }
      },
    }
  }
}
