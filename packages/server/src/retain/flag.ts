import { createHash } from 'node:crypto'
import { canonicalize } from '@sealtrail/evidence'
import type { JsonObject } from '../event/json.ts'

/** That every record of a subject is kept in full until a time, also those sealed later. docs/format.md 15.1. */
export interface Flag {
  readonly log: string
  readonly subject: string
  /** Why: `class` where a later event of the subject asks for a class that keeps longer, else the words of whoever flagged it. */
  readonly reason: string
  /** The class asked for; null for other reasons. */
  readonly class: string | null
  /** Milliseconds since the epoch. */
  readonly untilMs: number
  /** Name of the token; `sealtrail` for what the server does by itself. */
  readonly by: string
}

/** The record of a flag. The same flag is the same record, however often it is made. */
export function flagEvent(flag: Flag): { what: 'flag'; subject: string; id: string; data: JsonObject } {
  const { log, subject, reason, class: asked, untilMs, by } = flag
  const data = { by, class: asked, log, reason, subject, until: new Date(untilMs).toISOString() }
  const id = createHash('sha256').update(canonicalize(data)).digest('hex').slice(0, 32)
  return { what: 'flag', subject: `flag/${id}`, id: `flag/${id}`, data: { ...data, flag: id } }
}
