import type { Log } from '../observe/log.ts'
import type { Counter, Gauge, Metrics } from '../observe/metrics.ts'
import type { Lag } from '../store/replica/filler.ts'

/** A replica is behind by a moment all the time; by more it is told of. */
const TOLD_AFTER_MS = 60_000

/** Tells what becomes of a replica: in metrics, at `/readyz`, and in the log when it changes. */
export class ReplicaWatch {
  readonly #log: Log
  readonly #now: () => number
  readonly #objects: Gauge
  readonly #reads: Counter
  #lag: Lag | null = null
  #trouble: string | null = null
  #put: string | null = null

  constructor(metrics: Metrics, log: Log, now: () => number) {
    this.#log = log
    this.#now = now
    this.#objects = metrics.gauge('sealtrail_store_replica_behind_objects', 'Objects known to be missing from the replica of the store.')
    this.#reads = metrics.counter('sealtrail_store_replica_reads_total', 'Objects had from the replica because the main store did not give them.', ['why'])
  }

  readonly onLag = (lag: Lag): void => {
    this.#lag = lag
    this.#objects.set(lag.objects)
    if (lag.trouble === this.#trouble) return
    this.#trouble = lag.trouble
    if (lag.trouble === null) this.#log.info('the replica of the store is filled again', { objects: lag.objects })
    else this.#log.error('the replica of the store is not filled', { objects: lag.objects, detail: lag.trouble })
  }

  readonly onReplicaRead = (why: string): void => {
    this.#reads.add(1, why)
    this.#log.warn('an object was read from the replica: the main store did not give it', { code: why })
  }

  /** The outcome of each put that both stores must take: null, or what the replica said. */
  readonly onReplicaPut = (failure: string | null): void => {
    if (failure !== null && this.#put === null) this.#log.error('the replica of the store takes nothing: nothing is sealed', { detail: failure })
    this.#put = failure
  }

  /** One line each; none when all is well. */
  notes(): string[] {
    const { objects, sinceMs, comparing, refused, trouble } = this.#lag ?? { objects: 0, sinceMs: null, comparing: false, refused: 0, trouble: null }
    const behindMs = sinceMs === null ? 0 : this.#now() - sinceMs
    const notes: string[] = []
    if (this.#put !== null) notes.push(`replica: nothing is sealed while it takes nothing: ${this.#put}`)
    if (trouble !== null) notes.push(`replica: ${objects} objects behind, not filled: ${trouble}`)
    else if (behindMs > TOLD_AFTER_MS) notes.push(`replica: ${objects} objects behind, the oldest by ${Math.round(behindMs / 1000)} s`)
    else if (comparing && objects > 0) notes.push(`replica: being compared with the main store, ${objects} objects behind so far`)
    if (refused > 0) notes.push(`replica: ${refused} objects could not be copied; sealtrail verify names what is damaged`)
    return notes
  }
}
