import type { JsonObject } from '../event/json.ts'
import type { PackStates } from '../pack/pack.ts'
import { logicalOrder, sessionOf, textAt } from './logical-order.ts'
import type { ReplayRecord } from './logical-order.ts'

/** One party of an interaction, as far as its events tell. */
export interface Participant {
  /** The platform's participant id; the session id where no event names a participant. */
  id: string
  /** customer, acd (a queue), user (an agent), flow, voicemail; null when no event says. */
  purpose: string | null
  userId: string | null
  queueId: string | null
  /** connected, queued, alerting, interacting, held, disconnected, wrapped-up …: the pack's words. */
  state: string | null
  sinceMs: number
  /** How this party handed the interaction on, null when it did not. */
  transfer: { kind: string; atMs: number } | null
  /** The agent whose transfer brought this party in, also by way of a queue; null when none did. */
  transferredFrom: string | null
}

/** What an interaction is at one instant. */
export interface InteractionState {
  /** `closed` once every session that began has ended; else the newest state among the sessions that go on. */
  readonly state: string
  readonly closed: boolean
  /** In order of appearance. */
  readonly participants: ReadonlyArray<Readonly<Participant>>
  /** Of the last record that is part of it. */
  readonly subjectsequence: number
  /** Sessions whose end was seen and whose start was not. */
  readonly endedUnseen: readonly string[]
}

interface Session {
  party: Participant
  state: string | null
  /** Which step of the replay set the state. */
  step: number
  opened: boolean
  closed: boolean
}

/** Agent states as Genesys Cloud names them, in the words of the packs. Others appear in lower case. */
const STATE_WORDS: Readonly<Record<string, string>> = {
  alert: 'alerting',
  interact: 'interacting',
  hold: 'held',
  wrapup: 'wrapping-up',
  contact: 'contacting',
  dial: 'dialing',
}
/** Hand-over to somebody who is on the line already. */
const WARM: ReadonlySet<string> = new Set(['consult', 'conference'])

/**
 * The state at an instant: the replay, in logical order, of all records up to and including it; null before the first.
 * Pure. Records that say nothing of a session (attributes, refusals, quarantined input) count and change no state.
 */
export function stateAt(records: readonly ReplayRecord[], states: PackStates, atMs: number): InteractionState | null {
  const replay = new Replay(states)
  for (const { record, atMs: happened } of logicalOrder(records, states)) {
    if (happened > atMs) break
    replay.apply(record, happened)
  }
  return replay.state()
}

/** The state after each record, in logical order, with the time it began. One object for all: read it before the next. */
export function* statesOf(records: readonly ReplayRecord[], states: PackStates): Generator<{ readonly atMs: number; readonly state: InteractionState }> {
  const replay = new Replay(states)
  for (const { record, atMs } of logicalOrder(records, states)) {
    replay.apply(record, atMs)
    yield { atMs, state: replay.state() as InteractionState }
  }
}

class Replay {
  readonly #states: PackStates
  readonly #parties: Participant[] = []
  readonly #sessions = new Map<string, Session>()
  #sequence: number | null = null
  #step = 0
  /** Who will have brought in the next party to arrive. */
  #handedOnBy: string | null = null

  constructor(states: PackStates) {
    this.#states = states
  }

  apply(record: ReplayRecord, happened: number): void {
    this.#sequence = record.subjectsequence
    this.#step++
    const known = this.#states.byType.get(record.type)
    const sessionId = sessionOf(record.data)
    const party = this.#party(textAt(record.data, 'participantId'), sessionId, happened)
    if (party === null) return
    party.purpose ??= purposeOf(record)
    party.userId = textAt(record.data, 'userId') ?? party.userId
    party.queueId = textAt(record.data, 'queueId') ?? party.queueId
    const state = known?.state ?? stateInData(record.data)
    if (state !== null && state !== party.state) {
      party.state = state
      party.sinceMs = happened
    }
    if (sessionId !== null) this.#advance(sessionId, party, state, known?.effect ?? null)
    const kind = transferOf(record.data)
    if (kind !== null) this.#handOn(party, kind, happened)
  }

  state(): InteractionState | null {
    if (this.#sequence === null) return null
    const all = [...this.#sessions]
    const begun = all.filter(([, session]) => session.opened || session.closed)
    const closed = begun.length > 0 && begun.every(([, session]) => session.closed)
    return {
      state: closed ? 'closed' : newest(all.map(([, session]) => session)),
      closed,
      participants: this.#parties,
      subjectsequence: this.#sequence,
      endedUnseen: all.filter(([, session]) => session.closed && !session.opened).map(([id]) => id),
    }
  }

  /** Whose record this is. A session that no record gave a participant yet stands for one, and is named when one does. */
  #party(participantId: string | null, sessionId: string | null, happened: number): Participant | null {
    const ofSession = sessionId === null ? undefined : this.#sessions.get(sessionId)?.party
    const id = participantId ?? ofSession?.id ?? sessionId
    if (id === null) return null
    const named = this.#parties.find((party) => party.id === id)
    if (named !== undefined) return named
    if (ofSession !== undefined && ofSession.id === sessionId) {
      ofSession.id = id
      return ofSession
    }
    const party: Participant = { id, purpose: null, userId: null, queueId: null, state: null, sinceMs: happened, transfer: null, transferredFrom: null }
    this.#parties.push(party)
    return party
  }

  #advance(id: string, party: Participant, state: string | null, effect: 'opens' | 'closes' | null): void {
    const session = this.#sessions.get(id) ?? { party, state: null, step: 0, opened: false, closed: false }
    this.#sessions.set(id, session)
    if (effect === 'opens' && !session.opened) {
      session.opened = true
      party.transferredFrom ??= this.#handedOnBy
      this.#handedOnBy = null
    }
    if (effect === 'closes') session.closed = true
    if (state === null) return
    session.state = state
    session.step = this.#step
  }

  #handOn(party: Participant, kind: string, happened: number): void {
    party.transfer = { kind, atMs: happened }
    // A queue or a flow passes on what it was handed.
    if (kind === 'routed') this.#handedOnBy = party.transferredFrom
    else if (WARM.has(kind)) {
      const joined = this.#parties.findLast((other) => other !== party && other.purpose === party.purpose)
      if (joined !== undefined && this.#parties.indexOf(joined) > this.#parties.indexOf(party)) joined.transferredFrom ??= party.id
    } else this.#handedOnBy = party.id
  }
}

function newest(sessions: readonly Session[]): string {
  let found: Session | null = null
  for (const session of sessions) {
    if (!session.closed && session.state !== null && (found === null || session.step > found.step)) found = session
  }
  return found?.state ?? 'open'
}

/** `….user.start` → user. Only a start or an end names whose session it is. */
function purposeOf(record: ReplayRecord): string | null {
  const stated = textAt(record.data, 'purpose')
  if (stated !== null) return stated.toLowerCase()
  return /\.([a-z]+)\.(?:start|end)$/.exec(record.type)?.[1] ?? null
}

function stateInData(data: JsonObject): string | null {
  const word = (textAt(data, 'currentState') ?? textAt(data, 'state'))?.toLowerCase() ?? null
  return word === null ? null : (STATE_WORDS[word] ?? word)
}

function transferOf(data: JsonObject): string | null {
  const { transfer } = data
  if (typeof transfer !== 'object' || transfer === null || Array.isArray(transfer)) return null
  return typeof transfer['kind'] === 'string' ? transfer['kind'] : null
}
