import type { Position } from '../event/position.ts'
import { FLAG } from '../event/entry.ts'
import type { Sequenced } from './order.ts'
import type { SubjectState } from './subject.ts'

/** How long events of one subject wait for each other, in ms. */
export interface HoldTimes {
  /** After the final state. */
  readonly settleMs: number
  /** Without news, when the final state is not reached. */
  readonly quietMs: number
  /** At most, from the first event held. */
  readonly holdMs: number
}

/** A held event: what orders it, and where the journal keeps the rest. */
export interface Held extends Sequenced {
  readonly position: Position
}

/** All held events of one subject, as they are released together, in order of arrival. */
export interface Released {
  readonly subjectToken: string
  readonly events: readonly Held[]
}

const OPENED = 1
const CLOSED = 2

class Subject {
  readonly token: string
  readonly firstMs: number
  events: Held[] = []
  /** Slot of the wheel this subject is due in; a reference to it in any other slot is stale. */
  slot = -1
  dueMs = 0
  readonly #sessions: string[] = []
  readonly #bits: number[] = []
  #unfinished = 0

  constructor(token: string, nowMs: number) {
    this.token = token
    this.firstMs = nowMs
  }

  see(session: string, bits: number): void {
    let i = this.#sessions.indexOf(session)
    if (i < 0) {
      i = this.#sessions.push(session) - 1
      this.#bits.push(0)
      this.#unfinished++
    }
    const before = this.#bits[i] as number
    this.#bits[i] = before | bits
    if (before !== (OPENED | CLOSED) && (before | bits) === (OPENED | CLOSED)) this.#unfinished--
  }

  /** Every session that started has ended, and none ended whose start was not seen. */
  get final(): boolean {
    return this.#sessions.length > 0 && this.#unfinished === 0
  }
}

/**
 * Holds events per subject until it is likely that all of them are there. Pure: time is an argument. It must be monotonic
 * (a wall clock set back would hold everything for as long).
 *
 * A wheel of slots: a subject stands in the slot of the time it is due; news that only delays it leaves it there, and it
 * is put further on when that slot comes up. So an event costs one map look-up, whatever the number of subjects.
 */
export class Hold {
  readonly #times: HoldTimes
  readonly #slotMs: number
  readonly #subjects = new Map<string, Subject>()
  readonly #slots = new Map<number, Subject[]>()
  /** No slot before this one holds anything. */
  #cursor = Number.POSITIVE_INFINITY
  #events = 0

  constructor(times: HoldTimes) {
    this.#times = times
    this.#slotMs = Math.max(1, Math.min(100, Math.floor(Math.min(times.settleMs, times.quietMs, times.holdMs) / 4)))
  }

  /** Events held, for metrics. */
  get events(): number {
    return this.#events
  }

  /** Subjects held, for metrics. */
  get subjects(): number {
    return this.#subjects.size
  }

  /**
   * Holds one event. Of `event` only what sequencing needs is kept.
   * @param sealed what is sealed of the subject, so that a session opened in an earlier release is not "ended unseen".
   */
  add(event: Sequenced, position: Position, nowMs: number, sealed: SubjectState | null = null): void {
    let subject = this.#subjects.get(event.subjectToken)
    if (subject === undefined) {
      subject = new Subject(event.subjectToken, nowMs)
      this.#subjects.set(event.subjectToken, subject)
      for (const session of sealed?.sessions ?? []) {
        if (session.opened || session.closed) subject.see(session.token, (session.opened ? OPENED : 0) | (session.closed ? CLOSED : 0))
      }
    }
    const { identity, subjectToken, session, timeMs, rank, phase, flags, statusRank } = event
    subject.events.push({ identity, subjectToken, session, timeMs, rank, phase, flags, statusRank, position })
    this.#events++
    const bits = (flags & FLAG.opens ? OPENED : 0) | (flags & FLAG.closes ? CLOSED : 0)
    if (bits !== 0) subject.see(session, bits)
    subject.dueMs = Math.min(subject.firstMs + this.#times.holdMs, nowMs + (subject.final ? this.#times.settleMs : this.#times.quietMs))
    const slot = this.#slotOf(subject.dueMs)
    // Later than where it stands: it is moved when that slot comes up.
    if (subject.slot < 0 || slot < subject.slot) this.#put(subject, slot)
  }

  /** Removes and returns each subject that is due, nothing that is not. Whoever stops early finds the rest next time. */
  *due(nowMs: number): Generator<Released> {
    const last = Math.floor(nowMs / this.#slotMs)
    while (this.#cursor <= last) {
      const at = this.#cursor
      const slot = this.#slots.get(at) ?? []
      let done = 0
      try {
        for (const subject of slot) {
          done++
          if (subject.slot !== at) continue
          const slotNow = this.#slotOf(subject.dueMs)
          if (slotNow > at) this.#put(subject, slotNow)
          else yield this.#take(subject)
        }
      } finally {
        slot.splice(0, done)
      }
      this.#slots.delete(at)
      if (this.#slots.size === 0) this.#cursor = Number.POSITIVE_INFINITY
      else if (this.#cursor === at) this.#cursor++
    }
  }

  /** When `due` may next have something, or null when nothing is held. Never later than the earliest due subject's slot. */
  nextDueMs(): number | null {
    if (this.#subjects.size === 0) return null
    while (!this.#slots.has(this.#cursor)) this.#cursor++
    return this.#cursor * this.#slotMs
  }

  /** Removes and returns everything held, whether due or not. */
  *flush(): Generator<Released> {
    for (const subject of this.#subjects.values()) yield this.#take(subject)
    this.#slots.clear()
    this.#cursor = Number.POSITIVE_INFINITY
  }

  #take(subject: Subject): Released {
    this.#subjects.delete(subject.token)
    subject.slot = -1
    this.#events -= subject.events.length
    const released = { subjectToken: subject.token, events: subject.events }
    // A stale reference in the wheel may outlive the subject; it shall not keep its events.
    subject.events = []
    return released
  }

  /** Rounded up: a subject is never released before its time. */
  #slotOf(ms: number): number {
    return Math.ceil(ms / this.#slotMs)
  }

  #put(subject: Subject, slot: number): void {
    subject.slot = slot
    const list = this.#slots.get(slot)
    if (list === undefined) this.#slots.set(slot, [subject])
    else list.push(subject)
    if (slot < this.#cursor) this.#cursor = slot
  }
}
