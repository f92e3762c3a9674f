import { SealtrailError } from '../errors.ts'
import type { Assurance } from '../store/store.ts'
import { brokenIn, told, unlockedObject } from './observation.ts'
import type { Observation } from './observation.ts'

export interface GateOptions {
  /** Short, for metrics and `/readyz`: the store's type. */
  readonly name: string
  /** The store as one would write it in an address. */
  readonly store: string
  /** What the configuration promises of it. */
  readonly promised: Assurance
  readonly unlocked: 'stop' | 'go-on'
  /** What was observed before this start; null: nothing. */
  readonly last: Observation | null
  now(): number
}

/**
 * Whether the store's lock is what the configuration promises, by the last observation: a failed probe changes nothing.
 * While it is not, and `store.unlocked` does not say `go-on`, no event is accepted and none is sealed.
 */
export class Gate {
  readonly #options: GateOptions
  #last: Observation | null
  #listener: (observation: Observation) => void = () => {}

  constructor(options: GateOptions) {
    this.#options = options
    this.#last = options.last
  }

  get name(): string {
    return this.#options.name
  }

  get store(): string {
    return this.#options.store
  }

  get promised(): Assurance {
    return this.#options.promised
  }

  /** What is done with a store that does not keep the promise. */
  get otherwise(): 'stop' | 'go-on' {
    return this.#options.unlocked
  }

  get last(): Observation | null {
    return this.#last
  }

  /** `none` until something was observed. */
  get assurance(): Assurance {
    return this.#last?.assurance ?? 'none'
  }

  /** Whether the promise is kept by what was last seen. */
  get kept(): boolean {
    return this.promised === 'declared' ? this.assurance !== 'none' : this.assurance === this.promised
  }

  /** Why no event is accepted and none sealed, or null. */
  refusal(): SealtrailError | null {
    if (this.promised !== 'store-enforced' || this.otherwise === 'go-on' || this.kept) return null
    const { name } = this.#options
    // Without the address: nobody needs a token to read it.
    if (this.#last === null) return new SealtrailError('NOT_READY', `whether the store (${name}) locks what it is given has not been observed yet`)
    const what = this.#last.assurance === 'none' ? 'does not hold' : 'is not seen to hold'
    return new SealtrailError('STORE_NOT_LOCKED', `the lock of the store (${name}) ${what}: ${told(this.#last)} (${brokenIn(this.#last).join(', ')})`)
  }

  /** Who is told of what is observed without a probe. */
  listen(listener: (observation: Observation) => void): void {
    this.#listener = listener
  }

  /** A newer observation counts from now on. */
  observe(observation: Observation): void {
    this.#last = observation
  }

  /** The store took an object, or a longer lock, and does not show the lock: that is an observation, and needs no probe. */
  unlocked(operation: 'put' | 'extend'): void {
    if (this.#last?.assurance === 'none') return
    this.#last = unlockedObject(this.store, operation, this.#options.now())
    this.#listener(this.#last)
  }
}
