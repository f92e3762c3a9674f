import type { Entry } from '../event/entry.ts'

/** What sequencing reads of an entry: small, no record bytes, safe to keep for as long as the event is held. */
export type Sequenced = Pick<Entry, 'identity' | 'subjectToken' | 'session' | 'timeMs' | 'rank' | 'phase' | 'flags' | 'statusRank'>

/** Where an event stands in time among the events of its subject. A total order: `tie` is unique. */
export interface OrderKey {
  /** +Infinity for an event without time: nothing says it is earlier than another. */
  readonly timeMs: number
  readonly rank: number
  /** First 8 bytes of the identity, latin1: keyed, so that a sender cannot choose who goes first. */
  readonly tie: string
}

/** The event's own key, whatever its session says. */
export function orderKey(event: Pick<Sequenced, 'timeMs' | 'rank' | 'identity'>): OrderKey {
  return { timeMs: Number.isNaN(event.timeMs) ? Infinity : event.timeMs, rank: event.rank, tie: event.identity.slice(0, 8) }
}

/** Negative when `a` goes before `b`: by time, then rank, then identity. */
export function compareKeys(a: OrderKey, b: OrderKey): number {
  if (a.timeMs !== b.timeMs) return a.timeMs < b.timeMs ? -1 : 1
  if (a.rank !== b.rank) return a.rank - b.rank
  return a.tie === b.tie ? 0 : a.tie < b.tie ? -1 : 1
}
