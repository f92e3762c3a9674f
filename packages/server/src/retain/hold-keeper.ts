import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { Log } from '../observe/log.ts'
import type { Store } from '../store/store.ts'
import type { Fold } from './fold.ts'
import type { Hold } from './hold.ts'
import { objectsOf } from './hold-objects.ts'
import type { HoldGround } from './hold-objects.ts'
import type { Holds } from './holds.ts'

export interface HoldKeeperDeps {
  readonly holds: Holds
  readonly fold: Pick<Fold, 'catchUp'>
  readonly store: Pick<Store, 'held' | 'hold'>
  /** Opens what records are found with, for as long as the work lasts. */
  open<T>(work: (ground: HoldGround) => Promise<T>): Promise<T>
  /** Seals in the system log; resolves when it is sealed. */
  seal(event: { readonly what: string; readonly subject: string; readonly id: string; readonly data: JsonObject }): Promise<void>
  readonly log: Log
  readonly retryMs: number
}

/**
 * Brings the objects of the store to what the sealed holds say, again and again until they are: what stands is on every
 * object with a record of it, what was released is on none that no other hold covers. Doing it twice changes nothing, so a
 * start does it once more for all that stand.
 */
export class HoldKeeper {
  readonly #deps: HoldKeeperDeps
  /** Holds to be looked at, and whether also when it is sealed that their objects were seen to. */
  readonly #waiting = new Map<string, boolean>()
  /** Objects written since, and whether they are to be held. */
  readonly #fresh = new Map<string, boolean>()
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #trouble: string | null = null
  #closed = false

  constructor(deps: HoldKeeperDeps) {
    this.#deps = deps
  }

  /** Why a hold is not on all its objects yet, or null. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** Looks at every hold: those that stand, and those whose release is not done. */
  start(): void {
    for (const { id, released, let: done } of this.#deps.holds.all()) if (released === null || done === null) this.#waiting.set(id, true)
    this.#run()
  }

  /** Resolves when the hold's objects are as they are to be, or that could not be done now and is tried again. */
  async bring(id: string): Promise<void> {
    this.look(id)
    await this.idle()
  }

  /** Something was sealed of the hold. */
  look(id: string): void {
    if (!this.#waiting.has(id)) this.#waiting.set(id, false)
    this.#run()
  }

  /** Objects that were just written, with records of a hold, or as if they were and the hold was released meanwhile. */
  written(keys: readonly string[], held: boolean): void {
    for (const key of keys) this.#fresh.set(key, held)
    if (keys.length > 0) this.#run()
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.idle()
  }

  #run(): void {
    if (this.#running !== null || this.#closed) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#running = this.#all()
      .then(() => {
        this.#trouble = null
      })
      .catch((error: unknown) => {
        if (this.#closed) return
        this.#trouble = error instanceof SealtrailError ? `${error.code}: ${error.message}` : 'INTERNAL'
        this.#deps.log.warn('a legal hold is not on all its objects yet; it is tried again', {
          code: error instanceof SealtrailError ? error.code : 'INTERNAL',
          detail: error instanceof Error ? error.message : '',
        })
        this.#timer = setTimeout(() => this.#run(), this.#deps.retryMs)
        this.#timer.unref()
      })
      .finally(() => {
        this.#running = null
        if (this.#timer === null && this.#waiting.size + this.#fresh.size > 0) this.#run()
      })
  }

  async #all(): Promise<void> {
    for (const [key, held] of this.#fresh) {
      this.#fresh.delete(key)
      try {
        await (held ? this.#hold(key) : this.#let(key))
      } catch (error) {
        if (!this.#fresh.has(key)) this.#fresh.set(key, held)
        throw error
      }
    }
    for (const [id, again] of this.#waiting) {
      this.#waiting.delete(id)
      try {
        const hold = this.#deps.holds.get(id)
        if (hold?.released === null) {
          if (again || hold.held === null) await this.#place(hold)
        } else if (hold !== null && hold.let === null) await this.#release(hold)
      } catch (error) {
        this.#waiting.set(id, again)
        throw error
      }
    }
  }

  async #place(hold: Hold): Promise<void> {
    const { open } = this.#deps
    const done = new Set<string>()
    await open(async (ground) => {
      for await (const { key } of objectsOf(hold.target, ground)) {
        this.#assertOpen()
        // Dying between two objects: the sealed hold is found at the next start, and every object looked at again.
        if (!done.has(key) && (await this.#hold(key))) done.add(key)
        crashPoint('hold:object')
      }
    })
    crashPoint('hold:objects')
    // Dying here: all are held, and are looked at once more.
    if (hold.held === null) await this.#applied(hold, 'place', done.size)
  }

  async #release(hold: Hold): Promise<void> {
    const { open, holds } = this.#deps
    const done = new Set<string>()
    await open(async (ground) => {
      let others: Set<string> | null = null
      for await (const { key, records } of objectsOf(hold.target, ground)) {
        this.#assertOpen()
        if (done.has(key)) continue
        if (records === null) others ??= await this.#heldBesides(hold, ground)
        const covered = records === null ? others?.has(key) === true : records.some(({ log, index, subject }) => holds.covers(log, index, subject) !== null)
        if (covered) continue
        // Dying between two objects: the sealed release is found at the next start, and goes on.
        await this.#let(key)
        done.add(key)
        crashPoint('hold:let')
      }
    })
    crashPoint('hold:released')
    await this.#applied(hold, 'release', done.size)
  }

  /** Objects without records of their own that other holds need. */
  async #heldBesides(hold: Hold, ground: HoldGround): Promise<Set<string>> {
    const keys = new Set<string>()
    for (const other of this.#deps.holds.all()) {
      if (other.id === hold.id || other.released !== null) continue
      for await (const { key, records } of objectsOf(other.target, ground)) if (records === null) keys.add(key)
    }
    return keys
  }

  /** True when the object is there and the store shows it held. */
  async #hold(key: string): Promise<boolean> {
    const { store } = this.#deps
    const standing = await store.held(key)
    if (standing === null) return false
    if (!standing.legalHold) await store.hold(key, true)
    return true
  }

  async #let(key: string): Promise<void> {
    const { store } = this.#deps
    if ((await store.held(key))?.legalHold === true) await store.hold(key, false)
  }

  async #applied({ id }: Hold, op: 'place' | 'release', objects: number): Promise<void> {
    const { seal, fold } = this.#deps
    await seal({ what: 'hold-applied', subject: `hold/${id}`, id: `hold/${id}/applied/${op}`, data: { hold: id, objects, op } })
    await fold.catchUp()
  }

  #assertOpen(): void {
    if (this.#closed) throw new SealtrailError('NOT_READY', 'the server is closing')
  }
}
