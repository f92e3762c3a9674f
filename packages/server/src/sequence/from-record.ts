import type { RecordFields } from '@sealtrail/evidence'
import { ANSWER_SUPERSEDED } from '../event/batch.ts'
import { FLAG, NO_SESSION, auditTime } from '../event/entry.ts'
import { subjectToken } from '../event/subject-token.ts'
import type { Sealed } from './catch-up.ts'

/** What a record alone does not say. */
export interface RecordLore {
  /** HMAC of tenant, trail and id: the identity, 32 bytes latin1. */
  identity(id: string): string
  /** Fingerprint from the record's vault row, 16 bytes latin1; '' when the row is gone, and then any content counts as the same. */
  fingerprint(record: RecordFields): Promise<string>
  /** Rank and phase of a type in its trail's packs, or null; `held` when the trail is sequenced. */
  order(type: string): { readonly rank: number; readonly phase: number } | null
  held(): boolean
  statusRank(status: string): number
}

const OWN_TYPES: Readonly<Record<string, number>> = { 'sealtrail.quarantined': FLAG.quarantined, 'sealtrail.refused': FLAG.refused }

/**
 * What the sequencer knew of a record when it was sealed, read back from the segment. Sessions are not in the record, so
 * after a rebuild they order events only by time.
 */
export async function fromRecord(log: string, index: number, record: RecordFields, lore: RecordLore): Promise<Sealed> {
  const own = /^sealtrail\.(?:system|summary)\./.test(record.type) ? FLAG.system : (OWN_TYPES[record.type] ?? 0)
  const held = own === 0 || own === FLAG.refused ? lore.held() : false
  const order = lore.order(record.type)
  const status = record.data['delivery_status']
  const timeMs = record.time === null ? NaN : Date.parse(record.time)
  const identity = lore.identity(record.id)
  const flags = own | (held ? FLAG.held : 0)
  const statusRank = own === 0 && typeof status === 'string' ? lore.statusRank(status) : 0
  return {
    event: {
      identity,
      subjectToken: subjectToken(log, record.subject),
      session: NO_SESSION,
      timeMs,
      rank: order?.rank ?? 0,
      phase: order?.phase ?? 0,
      flags,
      statusRank,
    },
    row: {
      identity,
      index,
      fingerprint: await lore.fingerprint(record),
      flags: flags | (statusRank > 0 && record.late ? ANSWER_SUPERSEDED : 0),
      timeMs: auditTime(timeMs),
    },
    sequence: record.subjectsequence,
  }
}
