import type { JsonObject } from '../event/json.ts'
import type { Gone } from './records.ts'
import { attributesOf, proveAll, receiptOf } from './reading.ts'
import type { ReadingDeps } from './reading.ts'
import type { TrailReading } from './trails.ts'

/** What is left of an interaction when its records have expired. */
export interface StandingSummary {
  /** The data of the sealed record. */
  readonly data: JsonObject
  /** As it stands in answers: that data, with the receipt that proves it. */
  readonly body: JsonObject
  /** The records it is about: numbers `from` to `through`. */
  readonly from: number
  readonly through: number
  /** What has expired of the log, the last of it. */
  readonly gone: Gone
}

const TYPE = 'sealtrail.summary.interaction'

/** The newest summary of a subject of which records have expired; null when nothing of the log has, or there is none. @throws as `proveAll` */
export async function summaryOf(trail: TrailReading, subject: string, deps: ReadingDeps): Promise<StandingSummary | null> {
  if (trail.summaries === null) return null
  const gone = (await deps.records.gone(trail.log)).at(-1)
  if (gone === undefined) return null
  const found = await proveAll(await deps.finder.bySubject(trail.summaries, subject), trail.summaries, deps)
  let newest: StandingSummary | null = null
  for (const record of found) {
    if (record.fields === null || record.fields.type !== TYPE || record.proven.problems.length > 0) continue
    const { auditid, data } = attributesOf(record)
    const { part, from, through } = data
    if (part !== 1 || typeof from !== 'number' || typeof through !== 'number' || through < (newest?.through ?? 0)) continue
    newest = { data, body: { ...data, auditid, receipt: receiptOf(record, deps) }, from, through, gone }
  }
  return newest
}

/** How the numbers of records that expired stand among the gaps. */
export function expiredGap({ gone }: StandingSummary, from: number, to: number): JsonObject {
  return { kind: 'expired', from, to, class: gone.class, on: gone.on }
}
