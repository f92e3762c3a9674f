import { SealtrailError } from '../../errors.ts'
import type { Store } from '../store.ts'
import { compared } from './compare.ts'
import { type Copied, copyObject } from './copy.ts'

/** How far the replica is behind, as far as is known. */
export interface Lag {
  /** Objects known to be missing from it. */
  readonly objects: number
  /** When the oldest of these was put or found missing, ms since the epoch; null when there is none. */
  readonly sinceMs: number | null
  /** Whether the two stores are still being compared: more may be missing. */
  readonly comparing: boolean
  /** Objects the replica does not take, or whose original is damaged: passed over, for `verify` to name. */
  readonly refused: number
  /** Why nothing is copied at the moment, or null. */
  readonly trouble: string | null
}

export interface FillerDeps {
  readonly main: Store
  readonly replica: Store
  now(): number
  /** Resolves after this long, or at once when the signal is aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>
  onLag(lag: Lag): void
}

/** Keys kept waiting; a replica that misses more is compared again once these are copied. */
const MOST_WAITING = 10_000
/** What trying again does not mend. */
const NEVER = new Set(['ALREADY_WRITTEN', 'DATA_CORRUPT'])
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

interface Job {
  readonly key: string
  readonly sinceMs: number
  readonly done: () => void
}

/**
 * Copies to the replica what it lacks, and back to the main store what only the replica has. One object after the other,
 * in the order of the log: whatever the replica has is then a log up to some size, without a hole. Nothing is written
 * down: what is missing is found again by comparing the lists, at every start.
 */
export class Filler {
  readonly #deps: FillerDeps
  readonly #stop = new AbortController()
  readonly #waiting: Job[] = []
  /** Put while the stores are being compared: they come behind what is older. */
  readonly #later: Job[] = []
  #comparing = true
  /** More was put than is kept waiting. */
  #missed = false
  #trouble: string | null = null
  #refused = 0
  #wake: (() => void) | null = null
  #under: { readonly key: string; readonly ended: Promise<void> } | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(deps: FillerDeps) {
    this.#deps = deps
  }

  /** Begins: first what is missing from before, then what is put. */
  start(): void {
    this.#running = this.#run()
  }

  get lag(): Lag {
    const oldest = this.#waiting[0] ?? this.#later[0]
    return {
      objects: this.#waiting.length + this.#later.length,
      sinceMs: oldest?.sinceMs ?? null,
      comparing: this.#comparing || this.#missed,
      refused: this.#refused,
      trouble: this.#trouble,
    }
  }

  /** Something was put in the main store and is to be copied. */
  put(key: string): void {
    const into = this.#comparing ? this.#later : this.#waiting
    if (this.#waiting.length + this.#later.length >= MOST_WAITING) this.#missed = true
    else into.push({ key, sinceMs: this.#deps.now(), done: () => {} })
    this.#told()
  }

  /** Copies nothing of this key any more; resolves when none of it is under way. */
  async forget(key: string): Promise<void> {
    for (const list of [this.#waiting, this.#later]) {
      const at = list.findIndex((job) => job.key === key)
      if (at >= 0) list.splice(at, 1)[0]?.done()
    }
    if (this.#under?.key === key) await this.#under.ended
  }

  /** Ends without waiting for what is missing: the next start finds it. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake?.()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const copying = this.#copyAll()
    while (!signal.aborted) {
      await this.#patiently(() => this.#compare())
      this.#comparing = false
      this.#waiting.push(...this.#later.splice(0))
      this.#told()
      // Until more was put than could be kept waiting; by then what is missing is only known to the lists.
      while (!this.#missed && !signal.aborted) await this.#sleep()
      while (this.#waiting.length > 0 && !signal.aborted) await this.#sleep()
      this.#missed = false
      this.#comparing = true
    }
    await copying
  }

  async #compare(): Promise<void> {
    const { main, replica, now } = this.#deps
    for await (const { key, in: where } of compared(main, replica, '')) {
      if (this.#stop.signal.aborted) return
      if (where === 'main') {
        // No more at once than fit: the list waits.
        await new Promise<void>((resolve) => {
          this.#waiting.push({ key, sinceMs: now(), done: resolve })
          if (this.#waiting.length < MOST_WAITING / 2) resolve()
          this.#told()
        })
      } else if (where === 'replica') await this.#copy(() => copyObject(replica, main, key, now()))
    }
  }

  async #copyAll(): Promise<void> {
    const { main, replica, now } = this.#deps
    while (!this.#stop.signal.aborted) {
      const job = this.#waiting[0]
      if (job === undefined) {
        await this.#sleep()
        continue
      }
      await this.#patiently(async () => {
        const copying = this.#copy(() => copyObject(main, replica, job.key, now()))
        this.#under = { key: job.key, ended: copying.then(noop, noop) }
        await copying
      })
      this.#under = null
      if (this.#waiting[0] === job) this.#waiting.shift()
      job.done()
      this.#told()
    }
  }

  /** One object that cannot be copied keeps no other back. @throws SealtrailError when it may be possible later */
  async #copy(copying: () => Promise<Copied>): Promise<void> {
    try {
      if ((await copying()) === 'damaged') this.#refused++
    } catch (error) {
      if (!(error instanceof SealtrailError) || !NEVER.has(error.code)) throw error
      this.#refused++
    }
  }

  /** Tries until it is done or closed, ever more slowly. */
  async #patiently(work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stop
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await work()
        this.#trouble = null
        return
      } catch (error) {
        this.#trouble = error instanceof SealtrailError ? `${error.code}: ${error.message}` : 'INTERNAL'
        this.#told()
        await this.#deps.pause(pauseMs, signal)
      }
    }
  }

  async #sleep(): Promise<void> {
    await new Promise<void>((resolve) => {
      const before = this.#wake
      this.#wake = () => {
        before?.()
        resolve()
      }
    })
  }

  #told(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
    this.#deps.onLag(this.lag)
  }
}

function noop(): void {}
