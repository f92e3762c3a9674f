import { SealtrailError } from '../errors.ts'
import { StoreAround } from './around.ts'
import type { Operation } from './around.ts'
import type { About, Assurance, Lock, Store, Stored } from './store.ts'

export interface WatchedEnv {
  /** What was last observed of the store's lock; `none` when nothing was. */
  observed(): Assurance
  /** Told when the store took an object, or a longer lock for one, and does not show it. */
  unlocked(operation: 'put' | 'extend'): void
  now(): number
}

/** What a store has not done for a while. */
export interface StoreTrouble {
  readonly code: string
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
}

/** An outage, not an answer: anything else says something of one object. */
const OUTAGES: readonly string[] = ['NOT_DURABLE', 'STORE_UNREADABLE']

/** A store of which is said what was seen of it: a put is as sure as the last observation, no surer. */
export class WatchedStore extends StoreAround {
  readonly #env: WatchedEnv
  readonly #putting = new Set<{ readonly sinceMs: number }>()
  #trouble: StoreTrouble | null = null

  constructor(inner: Store, env: WatchedEnv) {
    super(inner)
    this.#env = env
  }

  /** What went wrong since the store last did what it was asked, or null. */
  get trouble(): StoreTrouble | null {
    return this.#trouble
  }

  /** How long the oldest put under way has waited for the store. */
  waitingMs(nowMs: number): number {
    let longest = 0
    for (const { sinceMs } of this.#putting) longest = Math.max(longest, nowMs - sinceMs)
    return longest
  }

  override async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    const waiting = { sinceMs: this.#env.now() }
    this.#putting.add(waiting)
    try {
      const stored = await super.put(key, bytes, lock, about)
      if (stored.assurance === 'none') this.#env.unlocked('put')
      return { ...stored, assurance: stored.assurance === 'none' ? 'none' : this.#assurance(lock) }
    } finally {
      this.#putting.delete(waiting)
    }
  }

  /** Probes attack COMPLIANCE. A right of its own sets GOVERNANCE aside: of such an object nobody saw that it is held. */
  #assurance({ mode }: Lock): Assurance {
    const observed = this.#env.observed()
    return observed === 'store-enforced' && mode === 'GOVERNANCE' ? 'declared' : observed
  }

  protected override async pass<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    try {
      const result = await run()
      this.#trouble = null
      return result
    } catch (error) {
      const code = error instanceof SealtrailError ? error.code : 'INTERNAL'
      this.#trouble = OUTAGES.includes(code) ? { code, sinceMs: this.#trouble?.sinceMs ?? this.#env.now() } : null
      // A hold that is not shown is told to whoever placed it; it says nothing of dates.
      if (code === 'STORE_NOT_LOCKED' && (operation === 'put' || operation === 'extend')) this.#env.unlocked(operation)
      throw error
    }
  }
}
