import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { Pin } from '../store/pinned.ts'
import type { SystemEvent } from './system-entry.ts'

export interface PinNotesDeps {
  /** Unique to this run. */
  readonly run: string
  readonly now: () => number
  readonly log: Log
}

/** A system record holds 65,535 bytes at most. */
const MOST_BYTES = 40_000
const MOST_WAITING = 10_000
const AFTER_MS = 1_000

/**
 * Seals in the system trail under which version the store took each object that is no segment: hash packs, time stamps,
 * data that did not fit. Batched; a crash loses the pins of its last second, and none of the objects.
 */
export class PinNotes {
  readonly #deps: PinNotesDeps
  readonly #waiting: Pin[] = []
  #system: ((event: SystemEvent) => Promise<void>) | null = null
  #timer: NodeJS.Timeout | null = null
  #next = 0
  #lost = 0

  constructor(deps: PinNotesDeps) {
    this.#deps = deps
  }

  /** From now on the system trail takes records; objects may have been stored before. */
  start(system: (event: SystemEvent) => Promise<void>): void {
    this.#system = system
    if (this.#waiting.length > 0) this.#later()
  }

  readonly note = (pin: Pin): void => {
    if (this.#waiting.length >= MOST_WAITING) this.#lost++
    else this.#waiting.push(pin)
    this.#later()
  }

  /** Seals what waits; what cannot be sealed now is tried with the next. */
  async handOver(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const system = this.#system
    if (system === null) return
    while (this.#waiting.length > 0) {
      const objects: Pin[] = []
      for (let bytes = 0; this.#waiting.length > 0 && bytes < MOST_BYTES;) {
        const pin = this.#waiting.shift() as Pin
        objects.push(pin)
        bytes += pin.key.length + pin.digest.length + pin.version.length + 40
      }
      const lost = this.#lost
      try {
        await system({
          what: 'stored',
          subject: `stored/${new Date(this.#deps.now()).toISOString().slice(0, 10)}`,
          id: `stored/${this.#deps.run}/${this.#next}`,
          data: { objects: objects.map(({ digest, key, version }) => ({ digest, key, version })), ...(lost > 0 ? { not_noted: lost } : {}) },
        })
        this.#next++
        this.#lost -= lost
      } catch (error) {
        this.#deps.log.warn('versions of stored objects could not be sealed yet', errorFields(error))
        this.#waiting.unshift(...objects)
        this.#later()
        return
      }
    }
  }

  #later(): void {
    if (this.#system !== null) this.#timer ??= setTimeout(() => void this.handOver(), AFTER_MS).unref()
  }
}
