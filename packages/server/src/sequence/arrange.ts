import { NO_SESSION } from '../event/entry.ts'
import { compareKeys, orderKey } from './order.ts'
import type { OrderKey, Sequenced } from './order.ts'
import { effectiveKey } from './subject.ts'
import type { SessionState } from './subject.ts'

interface Placed<T> {
  readonly item: T
  readonly event: Sequenced
  readonly own: OrderKey
  /** Its own key, raised to the highest of the session's events it must follow. */
  key: OrderKey
}

/**
 * The events of one subject in their logical order: within one session lower phases first whatever their time says (start,
 * end, after-call work), else by time (none: last), then rank, then identity. Deterministic and independent of the order
 * given. An event whose clock contradicts its session moves directly behind what it must follow; nothing else moves. So
 * the result is always one of the orders the sessions allow (no cycle can arise).
 * @param read what sequencing reads of an item.
 * @param sealed what is sealed of the subject's sessions already, which counts as standing before.
 */
export function arrange<T>(items: readonly T[], read: (item: T) => Sequenced, sealed: readonly SessionState[] = []): T[] {
  if (items.length < 2) return [...items]
  const placed: Placed<T>[] = items.map((item) => {
    const event = read(item)
    const own = orderKey(event)
    return { item, event, own, key: own }
  })
  const sessions = new Map<string, Placed<T>[]>()
  for (const item of placed) {
    if (item.event.phase === 0 || item.event.session === NO_SESSION) continue
    const members = sessions.get(item.event.session)
    if (members === undefined) sessions.set(item.event.session, [item])
    else members.push(item)
  }
  for (const [token, members] of sessions) {
    raise(
      members,
      sealed.find((session) => session.token === token),
    )
  }
  // Equal keys: one event owns the key, the others were raised to it; all are of one session.
  placed.sort((a, b) => compareKeys(a.key, b.key) || a.event.phase - b.event.phase || compareKeys(a.own, b.own))
  return placed.map(({ item }) => item)
}

function raise<T>(members: Placed<T>[], sealed: SessionState | undefined): void {
  members.sort((a, b) => a.event.phase - b.event.phase || compareKeys(a.own, b.own))
  let highest: OrderKey | null = null
  for (const item of members) {
    item.key = effectiveKey(item.own, item.event, sealed)
    if (highest !== null && compareKeys(highest, item.key) > 0) item.key = highest
    highest = item.key
  }
}
