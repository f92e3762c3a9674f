import { ANSWER_LATE, ANSWER_SUPERSEDED, OUTCOME } from '../event/batch.ts'
import type { BatchAnswer } from '../event/batch.ts'
import { FLAG } from '../event/entry.ts'
import type { SealtrailError } from '../errors.ts'

/** What the sequencer decided of a record. */
export interface Place {
  readonly superseded: boolean
  readonly late: boolean
  readonly sequence: number
}

/** One identity between its first sight and its entry in the ledger. Later copies wait on it instead of being written. */
export class UnderWay {
  readonly identity: string
  readonly fingerprint: string
  readonly log: string
  readonly held: boolean
  readonly timeMs: number
  flags: number
  index = -1
  sequence = 0
  durable = false
  failed: SealtrailError | null = null
  /** Under what `SubjectLogs` counts it; null in a trail with one log. */
  home: string | null = null
  #durableWaiters: Waiting[] = []
  #sealedWaiters: Waiting[] = []

  constructor(identity: string, fingerprint: string, log: string, flags: number, timeMs: number) {
    this.identity = identity
    this.fingerprint = fingerprint
    this.log = log
    this.flags = flags
    this.held = (flags & FLAG.held) !== 0
    this.timeMs = timeMs
  }

  /** Counts the waiting batch down once this entry is as far as the batch wants it. */
  await(waiting: Waiting, until: 'sealed' | 'durable'): void {
    if (this.failed !== null) return waiting.fail(this.failed)
    if (until === 'sealed' && !this.held) {
      if (this.index < 0) {
        this.#sealedWaiters.push(waiting)
        waiting.expect()
      }
    } else if (!this.durable) {
      this.#durableWaiters.push(waiting)
      waiting.expect()
    }
  }

  becameDurable(): void {
    this.durable = true
    for (const waiting of this.#durableWaiters) waiting.reached()
    this.#durableWaiters = []
  }

  becameSealed(index: number, { superseded, late, sequence }: Place): void {
    this.index = index
    this.sequence = sequence
    this.flags |= (superseded ? ANSWER_SUPERSEDED : 0) | (late ? ANSWER_LATE : 0)
    for (const waiting of this.#sealedWaiters) waiting.reached()
    this.#sealedWaiters = []
  }

  fail(error: SealtrailError): void {
    this.failed = error
    for (const waiting of [...this.#durableWaiters, ...this.#sealedWaiters]) waiting.fail(error)
    this.#durableWaiters = []
    this.#sealedWaiters = []
  }
}

/** One batch waiting for its entries; resolves once, when the last of them is where the batch wants it, or at its deadline. */
export class Waiting {
  readonly #entries: Array<UnderWay | null>
  readonly #outcomes: Uint8Array
  readonly #indexes: Float64Array
  readonly #flags: Uint8Array
  readonly #times: Float64Array
  readonly #sequences: Float64Array
  #open = 1
  #resolve!: (answer: Omit<BatchAnswer, 'checkpoints'>) => void
  #reject!: (error: SealtrailError) => void
  readonly done: Promise<Omit<BatchAnswer, 'checkpoints'>>

  constructor(count: number) {
    this.#entries = new Array<UnderWay | null>(count).fill(null)
    this.#outcomes = new Uint8Array(count)
    this.#indexes = new Float64Array(count).fill(-1)
    this.#flags = new Uint8Array(count)
    this.#times = new Float64Array(count)
    this.#sequences = new Float64Array(count)
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Entry i was sealed before, by an earlier request. */
  known(i: number, outcome: number, standing: { readonly index: number; readonly flags: number; readonly timeMs: number }): void {
    this.#outcomes[i] = outcome
    this.#indexes[i] = standing.index
    this.#flags[i] = standing.flags
    this.#times[i] = standing.timeMs
  }

  /** Entry i is under way, by this batch or by an earlier one (`outcome` says which). */
  follow(i: number, entry: UnderWay, outcome: number, until: 'sealed' | 'durable'): void {
    this.#entries[i] = entry
    this.#outcomes[i] = outcome
    entry.await(this, until)
  }

  expect(): void {
    this.#open++
  }

  reached(): void {
    if (--this.#open === 0) this.#finish()
  }

  /** Answers with what is known now: the rest is durable and will be sealed (`held`). A batch that is not durable yet goes on waiting. */
  expire(): void {
    if (this.#open > 0 && this.#entries.every((entry) => entry === null || entry.durable)) this.#finish()
  }

  fail(error: SealtrailError): void {
    this.#open = -1
    this.#reject(error)
  }

  #finish(): void {
    this.#open = -1
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i]
      if (entry === null || entry === undefined) continue
      this.#indexes[i] = entry.index
      this.#flags[i] = entry.flags
      this.#times[i] = entry.timeMs
      this.#sequences[i] = entry.sequence
      if (this.#outcomes[i] === OUTCOME.sealed && entry.index < 0) this.#outcomes[i] = OUTCOME.held
    }
    this.#resolve({ outcomes: this.#outcomes, indexes: this.#indexes, flags: this.#flags, times: this.#times, sequences: this.#sequences })
  }
}
