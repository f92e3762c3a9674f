import type { RecordFields } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonValue } from '../event/json.ts'
import { atLeast, isAtLeast } from '../store/lock.ts'
import type { Lock, Store } from '../store/store.ts'
import type { FoldPart } from './fold.ts'
import { objectsOf } from './hold-objects.ts'
import type { HoldGround } from './hold-objects.ts'

interface Entry {
  readonly log: string
  readonly subject: string
  readonly lock: Lock
  /** What was stored before is locked as long. */
  readonly done: boolean
}

/**
 * Subjects whose records are to be locked longer than their log: a later event asked for a longer class. Logs with tiers are
 * not among them, there the records are copied before their segment expires.
 */
export class Longer implements FoldPart {
  readonly name = 'longer'
  readonly version = 1
  readonly types: readonly string[] = ['sealtrail.system.flag']
  readonly #modeOf: (log: string, asked: string | null) => Lock['mode'] | null
  readonly #entries = new Map<string, Entry>()

  /** @param modeOf how hard the class asked for locks; null where this does not concern the log */
  constructor(modeOf: (log: string, asked: string | null) => Lock['mode'] | null) {
    this.#modeOf = modeOf
  }

  take({ data }: RecordFields): void {
    const { log, subject, reason, class: asked, until } = data
    if (reason === 'class' && typeof log === 'string' && typeof subject === 'string' && typeof until === 'string')
      this.add(log, subject, typeof asked === 'string' ? asked : null, Date.parse(until))
  }

  /** The same before it is read from the log, so that the event which asks for it is locked as long by its own put. */
  add(log: string, subject: string, asked: string | null, untilMs: number): void {
    const mode = this.#modeOf(log, asked)
    if (mode === null || !Number.isFinite(untilMs)) return
    const known = this.#entries.get(keyOf(log, subject))
    const lock = atLeast(known?.lock ?? null, { mode, retainUntilMs: untilMs })
    if (known !== undefined && isAtLeast(known.lock, lock)) return
    this.#entries.set(keyOf(log, subject), { log, subject, lock, done: false })
  }

  /** How a record of the subject is to be locked besides its log's own lock, or null. */
  of(log: string, subject: string): Lock | null {
    return this.#entries.size === 0 ? null : (this.#entries.get(keyOf(log, subject))?.lock ?? null)
  }

  /** Something of the subject was stored that is not locked as long. */
  again(log: string, subject: string): void {
    const known = this.#entries.get(keyOf(log, subject))
    if (known !== undefined) this.#entries.set(keyOf(log, subject), { ...known, lock: { ...known.lock }, done: false })
  }

  pending(): Entry[] {
    return [...this.#entries.values()].filter(({ done }) => !done)
  }

  done({ log, subject, lock }: Entry): void {
    if (this.#entries.get(keyOf(log, subject))?.lock === lock) this.#entries.set(keyOf(log, subject), { log, subject, lock, done: true })
  }

  save(): JsonValue {
    return [...this.#entries.values()] as unknown as JsonValue
  }

  load(saved: JsonValue | null): void {
    this.#entries.clear()
    for (const entry of (saved ?? []) as unknown as Entry[]) this.#entries.set(keyOf(entry.log, entry.subject), entry)
  }
}

/**
 * Locks what is stored of these subjects as long as they ask, where it is not yet. Doing it twice changes nothing.
 * @throws SealtrailError INDEX_BEHIND, NOT_DURABLE, STORE_NOT_LOCKED, STORE_UNREADABLE, NOT_READY when it was told to stop
 */
export async function lockLonger(longer: Longer, store: Pick<Store, 'held' | 'extend'>, ground: HoldGround, stopping: () => boolean): Promise<void> {
  for (const entry of longer.pending()) {
    for await (const { key } of objectsOf({ kind: 'subject', subject: entry.subject }, { ...ground, logs: [entry.log] })) {
      if (stopping()) throw new SealtrailError('NOT_READY', 'the server is closing')
      const held = await store.held(key)
      if (held !== null && !isAtLeast(held.lock, entry.lock)) await store.extend(key, entry.lock)
    }
    longer.done(entry)
  }
}

function keyOf(log: string, subject: string): string {
  return `${log}\n${subject}`
}
