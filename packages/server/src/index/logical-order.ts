import type { JsonObject, JsonValue } from '../event/json.ts'
import type { PackStates } from '../pack/pack.ts'

/** A sealed record as the replay reads it. */
export interface ReplayRecord {
  readonly subjectsequence: number
  readonly type: string
  /** Event time, receive time when the event has none. */
  readonly timeMs: number
  readonly data: JsonObject
}

/** A record at its place in the logical order. */
export interface Ordered<T extends ReplayRecord> {
  readonly record: T
  /** Its own time, raised to that of the events of its session it must follow: from then on it is part of the state. */
  readonly atMs: number
}

interface Key {
  readonly timeMs: number
  readonly rank: number
  readonly sequence: number
}

const LAST_RANK = 65_535

/**
 * Records of one subject in the order in which things happened, those sealed late in their place: within one session start
 * before end before after-call work whatever their clocks say, else by time, then the pack's order of types, then as sealed.
 * For records that are not late this is the order of `subjectsequence`. Deterministic, whatever the order given.
 */
export function logicalOrder<T extends ReplayRecord>(records: readonly T[], states: PackStates): Array<Ordered<T>> {
  const placed = records.map((record) => {
    const known = states.byType.get(record.type)
    const own: Key = { timeMs: record.timeMs, rank: known?.rank ?? LAST_RANK, sequence: record.subjectsequence }
    return { record, own, key: own, phase: known?.phase ?? 0, session: sessionOf(record.data) }
  })
  const sessions = new Map<string, typeof placed>()
  for (const item of placed) {
    if (item.phase === 0 || item.session === null) continue
    const members = sessions.get(item.session)
    if (members === undefined) sessions.set(item.session, [item])
    else members.push(item)
  }
  for (const members of sessions.values()) {
    members.sort((a, b) => a.phase - b.phase || compare(a.own, b.own))
    let highest: Key | null = null
    for (const item of members) {
      if (highest !== null && compare(highest, item.key) > 0) item.key = highest
      highest = item.key
    }
  }
  placed.sort((a, b) => compare(a.key, b.key) || a.phase - b.phase || compare(a.own, b.own))
  return placed.map(({ record, key }) => ({ record, atMs: key.timeMs }))
}

/** The session an event belongs to, where the built-in shapes have it: `sessionId`, or `payload.sessionId`. */
export function sessionOf(data: JsonObject): string | null {
  return textAt(data, 'sessionId')
}

/** A text of the data or, in the plain shape, of its payload. */
export function textAt(data: JsonObject, name: string): string | null {
  const own = data[name]
  if (typeof own === 'string') return own
  const payload: JsonValue | undefined = data['payload']
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return null
  const inner = payload[name]
  return typeof inner === 'string' ? inner : null
}

function compare(a: Key, b: Key): number {
  return a.timeMs - b.timeMs || a.rank - b.rank || a.sequence - b.sequence
}
