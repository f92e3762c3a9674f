import { auditIdBytes, openDisclosure, parseRecord } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import type { Input, Outcome } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import type { Quarantine } from '../http/ports.ts'
import type { Index } from '../index/index.ts'
import { runQuery } from '../index/query.ts'
import type { QueryDeps } from '../index/query.ts'
import { toInput } from '../source/element.ts'
import type { Vault } from '../vault/vault.ts'
import type { Intake } from './intake.ts'
import { SYSTEM_LOG } from './system-entry.ts'
import type { SystemEvent } from './system-entry.ts'

export interface QuarantineDeps {
  readonly query: QueryDeps
  readonly trails: readonly string[]
  readonly limits: { readonly maxEventBytes: number; readonly maxDepth: number }
  readonly vault: Pick<Vault, 'rows' | 'open'>
  readonly intake: Intake
  /** Whether a pack takes the input now. Pure. */
  takes(input: Input): boolean
  system(event: SystemEvent): Promise<void>
  readonly now: () => number
}

interface Listed {
  readonly log: string
  readonly index: number
  readonly record: RecordFields
}

const OUTCOMES: readonly Outcome[] = ['sealed', 'held', 'duplicate', 'filtered', 'quarantined', 'refused']

/** Quarantined events: listed from the log, replayed from the vault's copy of their bytes. */
export function quarantineOf(deps: QuarantineDeps): Quarantine {
  async function page(trail: string | undefined, limit: number, cursor: string | undefined): Promise<{ listed: Listed[]; next: string | null }> {
    const { entries, next } = await runQuery(
      { logs: trail === undefined ? deps.trails : [trail], type: 'sealtrail.quarantined', limit, ...(cursor === undefined ? {} : { cursor }) },
      deps.query,
    )
    return { listed: entries.map(({ log, index, bytes }) => ({ log, index, record: parseRecord(bytes) })), next }
  }

  return {
    async list({ trail, code, limit, cursor }) {
      const { listed, next } = await page(trail, limit, cursor)
      const records: JsonObject[] = []
      for (const { log, index, record } of listed) {
        if (code !== undefined && record.data['code'] !== code) continue
        records.push({
          auditid: record.auditid,
          log,
          index,
          recordedtime: record.recordedtime,
          code: record.data['code'] ?? null,
          reason: record.data['reason'] ?? null,
          replayed: await replayed(deps.query.index, record),
        })
      }
      return { records, next }
    },

    async replay({ trail, code, auditids }, viewer) {
      const wanted = auditids === undefined ? null : new Set(auditids)
      const totals: Record<string, number> = { total: 0, missing: 0, ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) }
      for (let cursor: string | undefined, more = true; more;) {
        const { listed, next } = await page(trail, 500, cursor)
        for (const item of listed) {
          const { record } = item
          if ((code !== undefined && record.data['code'] !== code) || (wanted !== null && !wanted.has(record.auditid))) continue
          totals['total'] = (totals['total'] as number) + 1
          // Sealed by an earlier replay, perhaps in a trail that another configuration would not choose now.
          if (await replayed(deps.query.index, record)) {
            totals['duplicate'] = (totals['duplicate'] as number) + 1
            continue
          }
          const bytes = await contentOf(deps.vault, record)
          if (bytes === null) {
            totals['missing'] = (totals['missing'] as number) + 1
            continue
          }
          const input = inputOf(deps, bytes, item)
          if (input === null) {
            totals['quarantined'] = (totals['quarantined'] as number) + 1
            continue
          }
          const [result] = await deps.intake.submit([input], { wait: 'sealed', receipts: 'lean' })
          const outcome = result?.outcome ?? 'quarantined'
          // Quarantined again: its record is there already, so the answer says duplicate.
          const final = outcome === 'duplicate' && result?.auditid === record.auditid ? 'quarantined' : outcome
          totals[final] = (totals[final] as number) + 1
          if (final !== 'quarantined') await note(deps, record, final, viewer.name)
        }
        more = next !== null
        cursor = next ?? undefined
      }
      return totals
    },
  }
}

/**
 * The event as it came, with the time it came: its record will say when it was received, not when it was replayed. Sent
 * without a trail it is anybody's, first of all the one's it waits with. Null: still nobody's.
 */
function inputOf(deps: QuarantineDeps, bytes: Uint8Array, { log, record }: Listed): Input | null {
  const limits = { maxBytes: deps.limits.maxEventBytes, maxDepth: deps.limits.maxDepth }
  const arrival = { receivedMs: Date.parse(record.recordedtime), provenance: record.provenance, cloudEvent: false, limits }
  const trails = record.data['trail'] === null ? [log, null] : [log]
  for (const trail of trails) {
    const input = toInput(bytes, { ...arrival, trail })
    if (input.problem === null && deps.takes(input)) return input
  }
  return null
}

/** The bytes kept for a quarantine record, or null when the vault has them no more. */
async function contentOf(vault: QuarantineDeps['vault'], record: RecordFields): Promise<Uint8Array | null> {
  const auditid = auditIdBytes(record.auditid)
  for (const row of await vault.rows(auditid)) {
    for (const opened of await vault.open(row, auditid)) {
      if (opened.state !== 'open' || opened.disclosures[0] === undefined) continue
      const { value } = openDisclosure(opened.disclosures[0])
      if (typeof value === 'string') return Buffer.from(value, 'utf8')
      if (typeof value === 'object' && value !== null && !Array.isArray(value) && typeof value['base64'] === 'string')
        return Buffer.from(value['base64'], 'base64')
    }
  }
  return null
}

async function note(deps: QuarantineDeps, record: RecordFields, outcome: Outcome, by: string): Promise<void> {
  await deps.system({
    what: 'replay',
    subject: record.subject,
    id: `replay/${record.auditid}/${deps.now()}`,
    data: { by, outcome, quarantined: record.auditid },
  })
}

async function replayed(index: Index, record: RecordFields): Promise<boolean> {
  return (await index.subject(SYSTEM_LOG, record.subject, 0, 1)).length > 0
}
