import { SealtrailError } from '../errors.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { Log } from '../observe/log.ts'
import type { Probe } from '../store/store.ts'
import type { Gate } from './gate.ts'
import type { StoreHealth } from './health.ts'
import type { Notebook, Why } from './notebook.ts'
import { brokenIn, observationOf, sawTheSame } from './observation.ts'
import type { Observation } from './observation.ts'
import { probeRecord } from './record.ts'
import type { ProbeRecord } from './record.ts'

export interface ProberDeps {
  readonly intervalMs: number
  readonly gate: Gate
  readonly notebook: Notebook
  readonly health: StoreHealth
  /** Tries the lock, beside everything else. Whatever it throws: there was no probe. */
  probe(): Promise<Probe>
  /** Seals a record in `system`; rejects while that log takes none. */
  seal(record: ProbeRecord): Promise<void>
  readonly log: Log
  now(): number
  /** Milliseconds that do not follow the clock when it is set. */
  monotonic(): number
}

/** After a probe that could not be made, or that keeps events out: doubled each time, up to the longest. */
const SOON_MS = 60_000
const LONGEST_SOON_MS = 15 * 60_000
const DAY_MS = 86_400_000

/** Probes one store at start and at intervals, and sees that what was seen takes effect, is remembered, and is sealed. */
export class Prober {
  readonly #deps: ProberDeps
  #dueMs: number
  #soon = 0
  #isFirst = true
  #closing = false
  /** The observation that was told as old. */
  #oldMs: number | null = null
  #probing: Promise<void> | null = null
  #sealing: Promise<void> | null = null

  constructor(deps: ProberDeps) {
    this.#deps = deps
    this.#dueMs = deps.monotonic()
    deps.gate.listen((observation) => {
      deps.log.error('the store took an object and not its lock', { code: 'STORE_NOT_LOCKED', store: observation.store })
      this.#took(observation)
      // The probe says whether it was this object or all.
      this.#again()
    })
  }

  /** Called every second or so: probes when it is time, and seals what is not sealed yet. Resolves when both are done. */
  async beat(): Promise<void> {
    if (this.#closing) return
    this.#noteOld()
    const { monotonic } = this.#deps
    if (monotonic() >= this.#dueMs) await this.look()
    else await this.#sealAll()
  }

  /** Probes now, or waits for the probe under way. The first verdict is sealed, a later one if it says something new, and one a day. */
  look(): Promise<void> {
    this.#probing ??= this.#look().finally(() => {
      this.#probing = null
    })
    return this.#probing
  }

  /** Begins nothing more; resolves when nothing is under way. A probe that is broken off for it is no failure. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#probing
    await this.#sealing
  }

  async #look(): Promise<void> {
    const { gate, health, log, probe, monotonic, intervalMs } = this.#deps
    this.#dueMs = monotonic() + intervalMs
    let observation: Observation
    try {
      observation = observationOf(gate.store, await probe())
    } catch (error) {
      if (this.#closing) return
      // Not a verdict: the last one stands, with its date.
      const code = error instanceof SealtrailError ? error.code : 'INTERNAL'
      if (health.failed(code)) log.warn('the lock of the store could not be probed', { store: gate.store, code, detail: detailOf(error) })
      this.#again()
      await this.#sealAll()
      return
    }
    if (health.probed()) log.info('the lock of the store can be probed again', { store: gate.store })
    const before = gate.refusal()
    gate.observe(observation)
    const { assurance } = observation
    const fields = { store: gate.store, assurance, broken: brokenIn(observation).join(', ') || undefined }
    if (gate.refusal() !== null) log.error('the lock of the store does not hold: nothing is accepted or sealed', fields)
    else if (!gate.kept) log.warn('the lock of the store does not hold: going on as store.unlocked says', fields)
    else log.info(before === null ? 'the lock of the store was probed' : 'the lock of the store holds: events are accepted', fields)
    if (gate.refusal() === null) this.#soon = 0
    else this.#again()
    this.#took(observation)
    await this.#sealAll()
  }

  /** Once for each: that nobody could look for so long is evidence, too. */
  #noteOld(): void {
    const { gate, health } = this.#deps
    if (gate.last === null || !health.isOld() || this.#oldMs === gate.last.observedMs) return
    this.#oldMs = gate.last.observedMs
    this.#note(gate.last, 'old')
  }

  #took(observation: Observation): void {
    this.#note(observation, this.#whyOf(observation))
  }

  /** Remembers it, and whether it is to be sealed. */
  #note(observation: Observation, why: Why | null): void {
    const { notebook, log } = this.#deps
    try {
      notebook.note(observation, why)
      crashPoint('assure:noted')
    } catch (error) {
      // The disk is full: a restart knows what it knew before, and probes.
      log.warn('what was observed of the store cannot be remembered', { code: error instanceof SealtrailError ? error.code : 'INTERNAL' })
    }
  }

  #whyOf(observation: Observation): Why | null {
    const { sealed } = this.#deps.notebook.notes
    const isFirst = this.#isFirst
    this.#isFirst = false
    if (isFirst) return 'start'
    if (sealed === null || !sawTheSame(sealed, observation)) return 'changed'
    return Math.abs(observation.observedMs - sealed.observedMs) >= DAY_MS ? 'daily' : null
  }

  /** Seals what is noted, oldest first. What `system` does not take now is tried at the next beat. */
  #sealAll(): Promise<void> {
    this.#sealing ??= this.#sealEach().finally(() => {
      this.#sealing = null
    })
    return this.#sealing
  }

  async #sealEach(): Promise<void> {
    const { notebook, gate, seal } = this.#deps
    try {
      for (let first = notebook.notes.unsealed[0]; first !== undefined; first = notebook.notes.unsealed[0]) {
        await seal(probeRecord(first, gate, notebook.notes.leftOut))
        crashPoint('assure:sealed')
        // Dying here: noted as unsealed, and sealed again under the same id, which is the same record.
        notebook.sealedFirst()
      }
    } catch {
      // The log is stopped, or the disk full: both are told elsewhere.
    }
  }

  #again(): void {
    const { intervalMs, monotonic } = this.#deps
    const pause = Math.min(SOON_MS * 2 ** this.#soon, LONGEST_SOON_MS, intervalMs)
    this.#soon = Math.min(this.#soon + 1, 10)
    this.#dueMs = monotonic() + pause
  }
}

function detailOf(error: unknown): string | undefined {
  return error instanceof SealtrailError ? error.message.slice(0, 300) : undefined
}
