import { FLAG, NO_SESSION } from '../event/entry.ts'
import { compareKeys, orderKey } from './order.ts'
import type { OrderKey, Sequenced } from './order.ts'
import { supersedes } from './precedence.ts'

/** What is sealed of one session of a subject. */
export interface SessionState {
  /** 8 bytes, latin1. */
  readonly token: string
  /** Highest phase sealed, 0 if none had one. */
  readonly phase: number
  readonly opened: boolean
  readonly closed: boolean
  /** Highest place in the order taken by an event with a phase; null if none had both phase and time. */
  readonly last: OrderKey | null
}

/** What is sealed of one subject: all that placing its next record needs. Immutable; derived from the log, and rebuilt from it. */
export interface SubjectState {
  /** Records sealed; the next has `subjectsequence` count + 1. */
  readonly count: number
  /** Highest place in the order, null while no event with a time was sealed in order. */
  readonly last: OrderKey | null
  /** Rank of the current status, 0 if none, and the `subjectsequence` of the record that holds it. */
  readonly statusRank: number
  readonly statusSequence: number
  /** Newest last; at most MAX_SESSIONS, closed ones forgotten first. */
  readonly sessions: readonly SessionState[]
}

/** Sessions remembered per subject. A forgotten session only loses its phase constraint across releases: time still orders. */
export const MAX_SESSIONS = 64

export const NO_RECORDS: SubjectState = { count: 0, last: null, statusRank: 0, statusSequence: 0, sessions: [] }

/** How an event fits behind what is sealed of its subject. */
export interface Placing {
  readonly state: SubjectState
  /** Belongs before a record sealed earlier: by order where events are held, by precedence where they have a status. */
  readonly late: boolean
}

/** Takes the next record of a subject. Pure, and the same whether it is being sealed now or was found in a segment. */
export function place(state: SubjectState, event: Sequenced): Placing {
  const count = state.count + 1
  if ((event.flags & FLAG.held) === 0) {
    if (event.statusRank === 0) return { state: { ...state, count }, late: false }
    if (!supersedes(event.statusRank, state.statusRank)) return { state: { ...state, count }, late: true }
    return { state: { ...state, count, statusRank: event.statusRank, statusSequence: count }, late: false }
  }
  const known = state.sessions.find((session) => session.token === event.session)
  const session = event.session === NO_SESSION ? undefined : known
  const key = effectiveKey(orderKey(event), event, session)
  const late = isLate(key, event, state, session)
  const last = late || key.timeMs === Infinity || (state.last !== null && compareKeys(key, state.last) < 0) ? state.last : key
  return { state: { ...state, count, last, sessions: withSession(state.sessions, known, event, key) }, late }
}

/** An event cannot stand before the earlier phases of its own session, whatever its clock said. */
export function effectiveKey(own: OrderKey, event: Pick<Sequenced, 'phase'>, session: SessionState | undefined): OrderKey {
  if (event.phase === 0 || session === undefined || session.last === null || session.phase > event.phase) return own
  return compareKeys(session.last, own) > 0 ? session.last : own
}

function isLate(key: OrderKey, event: Sequenced, state: SubjectState, session: SessionState | undefined): boolean {
  if (event.phase > 0 && session !== undefined && session.phase > event.phase) return true
  // Compared without the tie: at equal time and rank neither belongs before the other.
  return state.last !== null && (key.timeMs < state.last.timeMs || (key.timeMs === state.last.timeMs && key.rank < state.last.rank))
}

function withSession(sessions: readonly SessionState[], known: SessionState | undefined, event: Sequenced, key: OrderKey): readonly SessionState[] {
  const opens = (event.flags & FLAG.opens) !== 0
  const closes = (event.flags & FLAG.closes) !== 0
  const phase = event.session === NO_SESSION ? 0 : event.phase
  if (phase === 0 && !opens && !closes) return sessions
  const raised = phase > 0 && key.timeMs !== Infinity && (known?.last == null || compareKeys(key, known.last) > 0)
  const next: SessionState = {
    token: event.session,
    phase: Math.max(known?.phase ?? 0, phase),
    opened: opens || (known?.opened ?? false),
    closed: closes || (known?.closed ?? false),
    last: raised ? key : (known?.last ?? null),
  }
  const others = sessions.filter((session) => session !== known)
  if (others.length >= MAX_SESSIONS) {
    const ended = others.findIndex((session) => session.opened && session.closed)
    others.splice(Math.max(ended, 0), 1)
  }
  return [...others, next]
}
