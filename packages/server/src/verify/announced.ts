import type { ExpiredRange } from '@sealtrail/evidence'
import type { AuditLogOptions } from './audit-log.ts'
import type { LogVerdict } from './verdict.ts'
import type { Store } from '../store/store.ts'
import { SealedErasures } from './erasures.ts'
import { logKeysIn } from './log-keys.ts'
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

  readonly erasures: SealedErasures = new SealedErasures()
  readonly #logKeys: Set<string>

  /** @param own raw public keys of the logs, where their keyring is at hand */
  constructor(own: readonly Uint8Array[] = []) {
    this.#logKeys = new Set(own.map((key) => Buffer.from(key).toString('base64')))
  }

  /** The verdict on a log; on `system` with what is wrong with the certificates it names. Before the audits of the others. */
  async heard(verdict: LogVerdict, store: Pick<Store, 'get'>): Promise<LogVerdict> {
    if (verdict.log !== SYSTEM_LOG) return verdict
    const { problems, notes } = await this.erasures.check(store)
    return { ...verdict, ok: verdict.ok && problems.length === 0, problems: [...verdict.problems, ...problems], notes: [...verdict.notes, ...notes] }
  }

  #take(ndjson: Uint8Array): void {
    this.erasures.take(ndjson)
    for (const key of logKeysIn(ndjson)) this.#logKeys.add(key)
  }

  of(log: string): Pick<AuditLogOptions, 'expired' | 'onExpiry' | 'onSound' | 'logKeys' | 'summaries' | 'onSummaries'> {
    return {
      expired: this.#ranges.filter((range) => range.log === log),
      ...(log === SYSTEM_LOG ? { onExpiry: (range) => void this.#ranges.push(range), onSound: (ndjson) => this.#take(ndjson) } : {}),
      logKeys: () => [...this.#logKeys],
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
