import type { Position } from './event/position.ts'
import type { LedgerBatch, LedgerRow } from './sequence/ledger.ts'
import type { SubjectState } from './sequence/subject.ts'

/** What one commit leaves to the ledger. */
export interface ToLedger {
  readonly rows: readonly LedgerRow[]
  readonly subjects: ReadonlyMap<string, SubjectState>
  /** Subject token and journal position of each row. */
  readonly tokens: readonly string[]
  readonly positions: readonly Position[]
  readonly marker: LedgerBatch['marker']
}

export interface LedgerWriterDeps {
  readonly log: string
  /** Writes until it succeeds. @throws when the server closes */
  write(batch: LedgerBatch): Promise<void>
  /** The rows are in the ledger: nobody else need remember them. */
  written(done: ToLedger): Promise<void>
  onFailure(cause: unknown): void
}

/** Rows that are written without waiting for more, and how long fewer of them wait. */
const ENOUGH = 1_000
const WAIT_MS = 20

/**
 * Follows one log's commits with the ledger. It may lag: after a crash the ledger is caught up from the segments, and until
 * it has them identities stay in the flow's table. So the rows of many small commits go into one write.
 */
export class LedgerWriter {
  readonly #deps: LedgerWriterDeps
  #waiting: ToLedger[] = []
  #rows = 0
  #running: Promise<void> | null = null
  #wake: (() => void) | null = null
  #hurry = 0
  #broken = false

  constructor(deps: LedgerWriterDeps) {
    this.#deps = deps
  }

  add(commit: ToLedger): void {
    this.#waiting.push(commit)
    this.#rows += commit.rows.length
    if (this.#rows >= ENOUGH) this.#wake?.()
    this.#running ??= this.#run()
  }

  /** Resolves when everything added before is written, or cannot be. */
  async drained(): Promise<void> {
    this.#hurry++
    this.#wake?.()
    try {
      while (this.#running !== null) await this.#running
    } finally {
      this.#hurry--
    }
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    try {
      while (this.#waiting.length > 0 && !this.#broken) {
        if (this.#rows < ENOUGH && this.#hurry === 0) await this.#pause()
        const commit = joined(this.#waiting)
        this.#waiting = []
        this.#rows = 0
        const { rows, subjects, marker } = commit
        await this.#deps.write({ log: this.#deps.log, rows, subjects, marker })
        await this.#deps.written(commit)
      }
    } catch (cause) {
      this.#broken = true
      this.#deps.onFailure(cause)
    }
    // In the same turn as the last look at what waits: nothing can be added between the two and stay behind.
    this.#running = null
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, WAIT_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Commits in their order as one; of a subject in several of them the last state stands. */
function joined(commits: readonly ToLedger[]): ToLedger {
  if (commits.length === 1) return commits[0] as ToLedger
  const subjects = new Map<string, SubjectState>()
  for (const commit of commits) for (const [token, state] of commit.subjects) subjects.set(token, state)
  return {
    rows: commits.flatMap(({ rows }) => rows),
    subjects,
    tokens: commits.flatMap(({ tokens }) => tokens),
    positions: commits.flatMap(({ positions }) => positions),
    marker: (commits.at(-1) as ToLedger).marker,
  }
}
