import type { JsonObject } from '../event/json.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { Count } from './counts.ts'
import { HitTotals, shownHit } from './hit-counts.ts'
import type { HitCount } from './hit-counts.ts'
import type { SystemEvent } from './system-entry.ts'

export interface HourlyCountsDeps {
  system(event: SystemEvent): Promise<void>
  readonly now: () => number
  readonly log: Log
  readonly startedMs: number
}

const HOUR_MS = 3_600_000

/**
 * How many inputs of each trail ended how, and what detection found in which fields, sealed once an hour and at a quiet
 * close, so that a filter cannot be narrowed unseen, and nobody can say a pack's gaps were not known. A crash loses the running hour's counts; the records themselves are counted by the log.
 */
export class HourlyCounts {
  readonly #deps: HourlyCountsDeps
  #hour: number
  #trails = new Map<string, Map<string, number>>()
  #hits = new HitTotals()
  readonly #since = new HitTotals()

  constructor(deps: HourlyCountsDeps) {
    this.#deps = deps
    this.#hour = Math.floor(deps.startedMs / HOUR_MS)
  }

  add(counts: readonly Count[]): void {
    for (const { trail, outcome, inputs } of counts) {
      let outcomes = this.#trails.get(trail)
      if (outcomes === undefined) this.#trails.set(trail, (outcomes = new Map()))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + inputs)
    }
  }

  addHits(counts: readonly HitCount[]): void {
    this.#hits.add(counts)
    this.#since.add(counts)
  }

  /** What detection found since the start. */
  detected(): HitCount[] {
    return this.#since.list()
  }

  /** To be called every second: seals the hour that has ended. */
  async beat(): Promise<void> {
    const hour = Math.floor(this.#deps.now() / HOUR_MS)
    if (hour > this.#hour) {
      const ended = this.#hour
      this.#hour = hour
      await this.#seal(ended)
    }
  }

  async close(): Promise<void> {
    await this.#seal(this.#hour)
  }

  async #seal(hour: number): Promise<void> {
    if (this.#trails.size === 0) return
    const trails = this.#trails
    const hits = this.#hits.list()
    this.#trails = new Map()
    this.#hits = new HitTotals()
    const name = new Date(hour * HOUR_MS).toISOString().slice(0, 13)
    const data: JsonObject = { hour: name }
    for (const [trail, outcomes] of trails) {
      const received = [...outcomes.values()].reduce((a, b) => a + b, 0)
      const detected = hits.filter((hit) => hit.trail === trail).map((hit) => ({ ...shownHit(hit), pack: hit.pack }))
      data[trail === '' ? 'unknown' : trail] = { received, ...Object.fromEntries(outcomes), ...(detected.length === 0 ? {} : { detected }) }
    }
    try {
      await this.#deps.system({ what: 'counts', subject: `counts/${name}`, id: `counts/${name}/${this.#deps.now()}`, data })
    } catch (error) {
      this.#deps.log.error('the hourly counts could not be sealed', errorFields(error))
    }
  }
}
