import { parseObjectKey } from '@sealtrail/evidence'
import { isRawLog } from '../event/raw-log.ts'
import { parseKey } from '../store/key.ts'
import { isAtLeast } from '../store/lock.ts'
import type { Held, Lock, Store } from '../store/store.ts'
import { type Frame, segmentIn } from './frames.ts'
import { type SealedStart, startsIn, storedIn } from './starts.ts'
import { type FoundProblem, type LockSummary, type LogVerdict, problem } from './verdict.ts'

/** How an object had to be locked when it was written. */
export interface AskedLock {
  readonly mode: Lock['mode']
  readonly periodMs: number
}

/** What retention asked for, by configuration or by what was sealed of it. */
export interface AskedLocks {
  /** Told of each start of a server, in the order of the log `system`. */
  hear(start: SealedStart): void
  /** @param kind of object, as in its key. @param atMs when it was written, null when nobody knows. Null: nothing is known to have been asked for. */
  asked(log: string, kind: string, atMs: number | null): AskedLock | null
}

/** Objects asked about at once. */
const AT_ONCE = 24
const MOST_PROBLEMS = 1_000
const SYSTEM_LOG = 'system'

/** Checks what holds every object of a store against what was asked for it. */
export class LockAudit {
  readonly #store: Pick<Store, 'list' | 'held'>
  readonly #asked: AskedLocks
  /** By log: first indexes of its segments, ascending, when each was made, and the version that its successor names. */
  readonly #made = new Map<string, { firsts: number[]; created: number[] }>()
  /** Versions that headers, heads and the log `system` name, by key. */
  readonly #pinned = new Map<string, string>()
  /** The segment taken last, of each log. */
  readonly #last = new Map<string, { readonly key: string; readonly digest: string }>()

  constructor(store: Pick<Store, 'list' | 'held'>, asked: AskedLocks) {
    this.#store = store
    this.#asked = asked
  }

  /** Takes a segment as the log's audit meets it; `system` before the others. */
  take(log: string, frame: Frame): void {
    const segment = segmentIn(frame)
    if (segment === null) return
    const { segment: before, version } = segment.header.previous
    const last = this.#last.get(log)
    if (version !== undefined && last?.digest === before) this.pin(last.key, version)
    this.#last.set(log, { key: frame.key, digest: frame.digest })
    let made = this.#made.get(log)
    if (made === undefined) this.#made.set(log, (made = { firsts: [], created: [] }))
    made.firsts.push(segment.header.first)
    made.created.push(Date.parse(segment.header.created))
    if (log !== SYSTEM_LOG) return
    for (const start of startsIn(segment.bytes)) this.#asked.hear(start)
    for (const { key, version } of storedIn(segment.bytes)) this.pin(key, version)
  }

  /** Says which version a header or head names as the one that carries an object. */
  pin(key: string, version: string): void {
    this.#pinned.set(key, version)
  }

  /** The verdict with what was found of the locks of the log's objects. */
  async finish(verdict: LogVerdict): Promise<LogVerdict> {
    const problems: FoundProblem[] = []
    let more = 0
    const seen: Seen = { objects: 0, holds: 0, earliestMs: null, modes: new Set(), moved: [], pinned: 0 }
    const report = (found: FoundProblem): void => {
      if (problems.length < MOST_PROBLEMS) problems.push(found)
      else more++
    }
    const running = new Set<Promise<void>>()
    for await (const { key } of this.#store.list(`${verdict.log}/`)) {
      const one: Promise<void> = this.#look(verdict.log, key, seen, report).finally(() => running.delete(one))
      running.add(one)
      if (running.size >= AT_ONCE) await Promise.race(running)
    }
    await Promise.all(running)
    // A copy of a store has other versions throughout; one of many is another matter.
    const copied = seen.moved.length > 1 && seen.moved.length === seen.pinned
    for (const key of copied ? [] : seen.moved) report(problem('OBJECT_VERSION', key, indexOf(key)))
    const notes = copied
      ? [{ object: verdict.log, message: `its objects have other versions than the log names, all ${seen.pinned} of them: this store is a copy` }]
      : []
    problems.sort((a, b) => (a.object < b.object ? -1 : a.object > b.object ? 1 : 0))
    const all = [...verdict.problems, ...problems]
    return { ...verdict, ok: all.length === 0, problems: all, more: verdict.more + more, notes: [...verdict.notes, ...notes], locks: summaryOf(seen) }
  }

  async #look(log: string, key: string, seen: Seen, report: (found: FoundProblem) => void): Promise<void> {
    seen.objects++
    const index = indexOf(key)
    let held: Held | null
    try {
      held = await this.#store.held(key)
    } catch {
      return report(problem('LOCK_UNREADABLE', key, index))
    }
    if (held === null) return report(problem('LOCK_MISSING', key, index, 'the store lists the object and has nothing of it'))
    const { lock, legalHold, others, version } = held
    if (legalHold) seen.holds++
    if (others > 0) report(problem('OBJECT_OVERWRITTEN', key, index, `${others} beside it`))
    const pinned = this.#pinned.get(key)
    if (pinned !== undefined && version !== null) {
      seen.pinned++
      if (version !== pinned) seen.moved.push(key)
    }
    if (lock === null) return report(problem('LOCK_MISSING', key, index))
    seen.modes.add(lock.mode)
    seen.earliestMs = Math.min(seen.earliestMs ?? Infinity, lock.retainUntilMs)
    if (isRawLog(log)) return
    const atMs = index === null ? null : this.#madeAt(log, index)
    const asked = this.#asked.asked(log, parseKey(key)?.kind ?? '', atMs)
    if (asked === null) return
    if (asked.mode === 'COMPLIANCE' && lock.mode !== 'COMPLIANCE') report(problem('LOCK_WEAK', key, index))
    if (atMs === null) return
    const wanted = { mode: lock.mode, retainUntilMs: atMs + asked.periodMs }
    if (!isAtLeast(lock, wanted)) report(problem('LOCK_SHORT', key, index, `until ${iso(lock.retainUntilMs)}, not ${iso(wanted.retainUntilMs)}`))
  }

  /** When the segment with this record was made; an object named by its first record was made then or later. */
  #madeAt(log: string, index: number): number | null {
    const made = this.#made.get(log)
    if (made === undefined) return null
    let low = 0
    let high = made.firsts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((made.firsts[middle] as number) <= index) low = middle + 1
      else high = middle
    }
    return low === 0 ? null : (made.created[low - 1] as number)
  }
}

interface Seen {
  objects: number
  holds: number
  earliestMs: number | null
  readonly modes: Set<Lock['mode']>
  /** Objects whose version the log names, and those of them that lie under another. */
  pinned: number
  readonly moved: string[]
}

function summaryOf({ objects, holds, earliestMs, modes }: Seen): LockSummary {
  return { objects, modes: [...modes].sort(), earliest: earliestMs === null ? null : iso(earliestMs), holds }
}

function indexOf(key: string): number | null {
  try {
    return parseObjectKey(key).first
  } catch {
    return null
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
