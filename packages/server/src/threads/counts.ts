import type { Outcome } from '../event/input.ts'
import type { Counter, Metrics } from '../observe/metrics.ts'

export interface Count {
  readonly trail: string
  readonly outcome: Outcome
  readonly inputs: number
}

/** Inputs by trail and outcome on one thread: a metric at once, and handed over for the hourly counts of the system trail. */
export class Counts {
  readonly #metric: Counter
  #since = new Map<string, number>()

  constructor(metrics: Metrics) {
    this.#metric = metrics.counter('sealtrail_inputs_total', 'Inputs by what became of them.', ['trail', 'outcome'])
  }

  add(trail: string, outcome: Outcome, inputs: number): void {
    this.#metric.add(inputs, trail, outcome)
    const key = trail + '\n' + outcome
    this.#since.set(key, (this.#since.get(key) ?? 0) + inputs)
  }

  /** Gives away what came since the last time; kept when the taker fails. */
  async handOver(take: (counts: Count[]) => Promise<void>): Promise<void> {
    if (this.#since.size === 0) return
    const taken = this.#since
    this.#since = new Map()
    try {
      await take([...taken].map(([key, inputs]) => ({ trail: key.split('\n')[0] as string, outcome: key.split('\n')[1] as Outcome, inputs })))
    } catch (error) {
      for (const [key, inputs] of taken) this.#since.set(key, (this.#since.get(key) ?? 0) + inputs)
      throw error
    }
  }
}
