import { SealtrailError } from '../errors.ts'
import type { Numbered } from '../event/numbered.ts'
import type { Position } from '../event/position.ts'
import type { Standing } from './build.ts'
import { commit, prepare } from './commit.ts'
import type { CommitDeps, Committed, Prepared } from './commit.ts'

export interface SealerDeps extends CommitDeps {
  readonly maxDelayMs: number
  readonly maxRecords: number
  readonly maxBytes: number
  /** The journal's low-water mark, written into each segment header. */
  journalPosition(): Position
  /** Why nothing may be sealed for now, or null. What is queued waits, and stays in the journal. */
  refusal(): SealtrailError | null
  /** Called after each commit, in order, before the next one starts. */
  onCommit(committed: Committed, items: readonly Numbered[]): Promise<void>
  /** Called when a commit failed and will be tried again, and when the log stops for good. */
  onTrouble(error: SealtrailError): void
}

const RETRY_MS = [50, 200, 1_000, 2_000, 5_000]
/** How often it is asked whether sealing may go on. */
const ASK_MS = 500

/** The one writer of one log: takes what the sequencer placed, group-commits it, never two commits at once. */
export class Sealer {
  readonly #deps: SealerDeps
  #standing: Standing
  #queue: Numbered[] = []
  #queuedBytes = 0
  #running: Promise<void> | null = null
  #stopped: SealtrailError | null = null
  #closing = false
  #wake: (() => void) | null = null
  #collecting = false
  #waiting = false

  constructor(standing: Standing, deps: SealerDeps) {
    this.#standing = standing
    this.#deps = deps
  }

  /** The committed head and its checkpoint. */
  get standing(): Standing {
    return this.#standing
  }

  get queued(): number {
    return this.#queue.length
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Why the log stopped sealing, or null. */
  get stopped(): SealtrailError | null {
    return this.#stopped
  }

  /** Whether it waits until it may seal. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** Adds entries in their final order. They are durable in the journal already; sealing is tried until it succeeds or the log stops. */
  enqueue(items: readonly Numbered[]): void {
    for (const item of items) {
      this.#queue.push(item)
      this.#queuedBytes += item.entry.record.length
    }
    if (this.#running === null && this.#queue.length > 0 && this.#stopped === null) {
      this.#running = this.#run().finally(() => {
        this.#running = null
        if (this.#queue.length > 0 && this.#stopped === null && !this.#closing) this.enqueue([])
      })
    } else if (this.#collecting && this.#full()) this.#wake?.()
  }

  /** Stops sealing for good: a commit under way is finished, nothing new is begun. What is queued stays in the journal. */
  stop(error: SealtrailError): void {
    this.#stopped ??= error
    this.#wake?.()
  }

  /** Resolves when everything queued is sealed, or the log has stopped. */
  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  /** Ends retries; what is not sealed stays in the journal. */
  async close(): Promise<void> {
    this.#closing = true
    this.#wake?.()
    await this.drained()
  }

  async #run(): Promise<void> {
    try {
      await this.#commitAll()
    } catch (cause) {
      // Neither the disk nor a rival: something this program did not expect. What is queued stays in the journal.
      this.#stopped = new SealtrailError('INTERNAL', 'a commit could not be made or published', { cause, stopsLog: true })
      this.#deps.onTrouble(this.#stopped)
    }
  }

  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0 && this.#stopped === null && !this.#closing) {
      if (this.#deps.maxDelayMs > 0 && !this.#full()) {
        this.#collecting = true
        await this.#pause(this.#deps.maxDelayMs)
        this.#collecting = false
        if (this.#stopped !== null) return
      }
      if (this.#deps.refusal() !== null && !(await this.#allowed())) return
      const items = this.#take()
      if (items.length === 0) return
      const prepared = await this.#prepare(items)
      const committed = prepared === null ? null : await this.#persist(prepared)
      if (committed === null) return
      this.#standing = { origin: this.#standing.origin, head: committed.next, checkpoint: committed.checkpoint, frontier: committed.built.frontier }
      await this.#deps.onCommit(committed, items)
    }
  }

  /** Builds the next segment; null when the server is closing, or the log stopped, before it could be signed. */
  async #prepare(items: readonly Numbered[]): Promise<Prepared | null> {
    const again = this.#patience()
    for (;;) {
      try {
        return await prepare(this.#standing, items, this.#deps.journalPosition(), this.#deps)
      } catch (error) {
        // A key service that is away, or has not the key now, comes back; anything else was not expected.
        if (!isOfKeys(error)) throw error
        if (!(await again(error))) return null
      }
    }
  }

  /** Tells of a failure and waits, longer each time; false when the log stopped or the server is closing. */
  #patience(): (error: SealtrailError) => Promise<boolean> {
    let attempt = 0
    return async (error) => {
      this.#deps.onTrouble(error)
      if (this.#stopped === null && !this.#closing) await this.#pause(RETRY_MS[Math.min(attempt++, RETRY_MS.length - 1)] as number)
      return this.#stopped === null && !this.#closing
    }
  }

  /** Tries one prepared segment until it is committed; null when the log stopped or the server is closing. */
  async #persist(prepared: Prepared): Promise<Committed | null> {
    for (let attempt = 0; ; attempt++) {
      // A store that answered once that it does not lock is not asked again before its lock was seen.
      if (this.#deps.refusal() !== null && !(await this.#allowed())) return null
      try {
        const again = this.#patience()
        return await commit(prepared, this.#deps, async (error) => isOfKeys(error) && (await again(error)))
      } catch (cause) {
        // It is committed and not signed, and the server ends: signed at the next start.
        if (isOfKeys(cause)) return null
        const error = cause instanceof SealtrailError ? cause : new SealtrailError('INTERNAL', 'a commit failed', { cause, stopsLog: true })
        if (error.stopsLog) this.#stopped = error
        this.#deps.onTrouble(error)
        if (error.stopsLog || this.#closing) return null
        await this.#pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] as number)
      }
    }
  }

  /** Waits until sealing is allowed; false when the log stopped or the server is closing. */
  async #allowed(): Promise<boolean> {
    while (this.#deps.refusal() !== null && this.#stopped === null && !this.#closing) {
      this.#waiting = true
      await this.#pause(ASK_MS)
    }
    this.#waiting = false
    return this.#stopped === null && !this.#closing
  }

  #take(): Numbered[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < this.#deps.maxRecords && (count === 0 || bytes < this.#deps.maxBytes)) {
      bytes += (this.#queue[count] as Numbered).entry.record.length
      count++
    }
    this.#queuedBytes -= bytes
    if (count === this.#queue.length) {
      const all = this.#queue
      this.#queue = []
      return all
    }
    return this.#queue.splice(0, count)
  }

  #full(): boolean {
    return this.#queue.length >= this.#deps.maxRecords || this.#queuedBytes >= this.#deps.maxBytes
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function isOfKeys(error: unknown): error is SealtrailError {
  return error instanceof SealtrailError && (error.code === 'KEY_UNAVAILABLE' || error.code === 'KEY_UNKNOWN')
}
