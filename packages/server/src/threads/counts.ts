import type { Outcome } from '../event/input.ts'
import type { Counter, Metrics } from '../observe/metrics.ts'
import { Tally } from './tally.ts'

export interface Count {
  readonly trail: string
  readonly outcome: Outcome
  readonly inputs: number
}

/** Inputs by trail and outcome on one thread: a metric at once, and handed over for the hourly counts of the system trail. */
export class Counts {
  readonly #metric: Counter
  readonly #tally = new Tally()

  constructor(metrics: Metrics) {
    this.#metric = metrics.counter('sealtrail_inputs_total', 'Inputs by what became of them.', ['trail', 'outcome'])
  }

  add(trail: string, outcome: Outcome, inputs: number): void {
    this.#metric.add(inputs, trail, outcome)
    this.#tally.add(inputs, trail, outcome)
  }

  /** Gives away what came since the last time; kept when the taker fails. */
  handOver(take: (counts: Count[]) => Promise<void>): Promise<void> {
    return this.#tally.handOver((inputs, [trail, outcome]) => ({ trail: trail as string, outcome: outcome as Outcome, inputs }), take)
  }
}
