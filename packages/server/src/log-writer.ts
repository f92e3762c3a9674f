import { ANSWER_SUPERSEDED } from './event/batch.ts'
import { FLAG, auditTime, decodeEntry, inLog } from './event/entry.ts'
import type { Journalled } from './event/entry.ts'
import type { Numbered } from './event/numbered.ts'
import { SealtrailError } from './errors.ts'
import { LedgerWriter } from './ledger-writer.ts'
import type { ToLedger } from './ledger-writer.ts'
import { crashPoint } from './observe/crash-point.ts'
import type { Position } from './event/position.ts'
import type { Journal } from './journal/journal.ts'
import type { Marks } from './journal/marks.ts'
import type { Standing } from './seal/build.ts'
import type { Committed } from './seal/commit.ts'
import { Sealer } from './seal/sealer.ts'
import type { SealerDeps } from './seal/sealer.ts'
import { Hold } from './sequence/hold.ts'
import type { HoldTimes, Released } from './sequence/hold.ts'
import type { Ledger, LedgerRow } from './sequence/ledger.ts'
import { Sequencer } from './sequence/sequencer.ts'
import type { Sequel } from './sequence/sequencer.ts'
import type { SubjectState } from './sequence/subject.ts'
import type { Place } from './sequence/under-way.ts'

/** setTimeout takes no more; a longer one would end at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export interface LogWriterDeps {
  readonly log: string
  readonly standing: Standing
  readonly hold: HoldTimes
  readonly ledger: Ledger
  readonly journal: Journal
  readonly marks: Marks
  readonly seal: Omit<SealerDeps, 'onCommit' | 'onTrouble' | 'journalPosition' | 'log'>
  /** Monotonic milliseconds, for holding. */
  monotonic(): number
  /** Where entries may begin that are durable and not placed yet: the journal stays from there on. */
  journalEnd(): Position
  /** After each commit, before anybody is answered: hash files, checkpoint file, sizes. Called again when it threw. */
  publish(committed: Committed): void
  /** After the answers: the index and other followers. */
  feed(committed: Committed, items: readonly Numbered[]): void
  sealed(identity: string, index: number, place: Place): void
  settled(identities: readonly string[]): void
  onTrouble(error: SealtrailError): void
}

const RETRY_MS = [50, 200, 1_000]
/** Failures in a row after which nobody waits any longer for what is queued. */
const STUCK = RETRY_MS.length

/** sequence → seal of one log, and what follows a commit. */
export class LogWriter {
  readonly #deps: LogWriterDeps
  readonly #hold: Hold
  readonly #sequencer = new Sequencer()
  readonly #sealer: Sealer
  readonly #ledger: LedgerWriter
  #groups: Journalled[][] = []
  #numbering = false
  #numbered: Array<() => void> = []
  #timer: NodeJS.Timeout | null = null
  #timerMs = 0
  #closed = false
  #broken: SealtrailError | null = null
  #failing: SealtrailError | null = null
  #failures = 0

  constructor(deps: LogWriterDeps) {
    this.#deps = deps
    this.#hold = new Hold(deps.hold)
    this.#ledger = new LedgerWriter({
      log: deps.log,
      write: (batch) => this.#untilDone('the ledger state cannot be written', () => deps.ledger.write(batch)),
      written: (done) => this.#inLedger(done),
      onFailure: (cause) => {
        this.#broken = new SealtrailError('NOT_DURABLE', 'the ledger state cannot be written', { cause, stopsLog: true })
        deps.onTrouble(this.#broken)
      },
    })
    this.#sealer = new Sealer(deps.standing, {
      ...deps.seal,
      log: deps.log,
      journalPosition: () => deps.marks.low(deps.journalEnd()),
      onCommit: (committed, items) => this.#committed(committed, items as readonly Sequel[]),
      onTrouble: (error) => this.#failed(error),
    })
  }

  get standing(): Standing {
    return this.#sealer.standing
  }

  get held(): number {
    return this.#hold.events
  }

  get queuedBytes(): number {
    return this.#sealer.queuedBytes
  }

  /** Why nothing more can be sealed, or null. */
  get stopped(): SealtrailError | null {
    return this.#sealer.stopped ?? this.#broken
  }

  /** What is being tried again since it failed, or null: a full disk, mostly. Nothing is lost by it. */
  get failing(): SealtrailError | null {
    return this.#failing
  }

  /** Takes durable entries: held ones wait for their subject's other events, the rest is numbered and sealed at once. */
  place(entries: readonly Journalled[]): void {
    const now = this.#deps.monotonic()
    for (const item of entries) {
      this.#deps.marks.add(item.position)
      const { entry } = item
      if ((entry.flags & FLAG.held) === 0) this.#groups.push([item])
      else {
        this.#hold.add(entry, item.position, now, this.#sequencer.state(entry.subjectToken) ?? null)
        item.batch?.done()
      }
    }
    this.#schedule()
    void this.#number()
  }

  /** Releases everything held, whether due or not. */
  flush(): void {
    for (const released of this.#hold.flush()) this.#release(released)
    void this.#number()
  }

  /** Stops the log for good, for a reason seen from outside: nothing more is sealed, what is accepted stays in the journal. */
  stop(error: SealtrailError): void {
    this.#broken ??= error
    this.#sealer.stop(error)
    this.#deps.onTrouble(error)
  }

  /** Resolves when nothing is being numbered or sealed, or when it keeps failing or may not; held events stay held. */
  async drained(): Promise<void> {
    let quiet = false
    const all = this.#quiet().then(() => {
      quiet = true
    })
    while (!quiet && this.#failures < STUCK && !this.#sealer.waiting) await Promise.race([all, pause(50)])
  }

  async #quiet(): Promise<void> {
    await this.#numberedAll()
    await this.#sealer.drained()
    await this.#ledger.drained()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#numberedAll()
    await this.#sealer.close()
    await this.#ledger.drained()
  }

  #schedule(): void {
    const due = this.#closed ? null : this.#hold.nextDueMs()
    if (due === null || (this.#timer !== null && this.#timerMs <= due)) return
    // The event that completes a subject brings its release forward.
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerMs = due
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        for (const released of this.#hold.due(this.#deps.monotonic())) this.#release(released)
        void this.#number()
        this.#schedule()
      },
      Math.min(Math.max(1, due - this.#deps.monotonic()), LONGEST_TIMER_MS),
    )
  }

  /** Held events are only references: their bytes come back from the journal, where the page cache still has them. */
  #release(released: Released): void {
    try {
      const { journal, log } = this.#deps
      // Its subject may have been found in another log than the one it was journalled for.
      this.#groups.push(released.events.map(({ position }) => ({ entry: inLog(decodeEntry(asBuffer(journal.read(position))), log), position })))
    } catch (cause) {
      this.#broken = new SealtrailError('DATA_CORRUPT', 'a held event cannot be read back from the journal', { cause, stopsLog: true })
      this.#deps.onTrouble(this.#broken)
    }
  }

  /** Numbers what is waiting, in order of arrival, one call at a time. */
  async #number(): Promise<void> {
    if (this.#numbering) return
    this.#numbering = true
    try {
      while (this.#groups.length > 0 && this.stopped === null) {
        const groups = this.#groups
        this.#groups = []
        const missing = this.#sequencer.reserve(groups.map((group) => (group[0] as Journalled).entry.subjectToken))
        if (missing.length > 0) this.#sequencer.load(missing, await this.#deps.ledger.subjects(missing))
        for (const group of groups) this.#sealer.enqueue(this.#sequencer.number(group))
      }
    } catch (cause) {
      this.#broken = cause instanceof SealtrailError ? cause : new SealtrailError('INTERNAL', 'numbering failed', { cause, stopsLog: true })
      this.#deps.onTrouble(this.#broken)
    }
    // In the same turn as the last look at the queue: nothing can arrive between the two.
    this.#numbering = false
    for (const resolve of this.#numbered.splice(0)) resolve()
  }

  #numberedAll(): Promise<void> {
    return this.#numbering ? new Promise((resolve) => this.#numbered.push(resolve)) : Promise.resolve()
  }

  async #committed(committed: Committed, items: readonly Sequel[]): Promise<void> {
    const first = committed.expected.size
    // Dying from here on: sealed. Hash files, checkpoint file and ledger are made to fit at the next start.
    await this.#untilDone('a commit could not be published', async () => this.#deps.publish(committed))
    crashPoint('publish:after')
    const rows: LedgerRow[] = []
    const subjects = new Map<string, SubjectState>()
    items.forEach(({ entry, late, sequence, state }, i) => {
      const superseded = late && entry.statusRank > 0
      this.#deps.sealed(entry.identity, first + i, { superseded, late, sequence })
      rows.push({
        identity: entry.identity,
        index: first + i,
        fingerprint: entry.fingerprint,
        flags: entry.flags | (superseded ? ANSWER_SUPERSEDED : 0),
        timeMs: auditTime(entry.timeMs),
      })
      subjects.set(entry.subjectToken, state)
    })
    this.#deps.feed(committed, items)
    for (const { batch } of items) batch?.done()
    // The ledger may lag: it is caught up from the segments at the next start.
    const { size, root } = committed.next
    const tokens = items.map(({ entry }) => entry.subjectToken)
    this.#ledger.add({ rows, subjects, tokens, positions: items.map(({ position }) => position), marker: { size, root } })
  }

  async #inLedger({ rows, tokens, positions }: ToLedger): Promise<void> {
    const { journal, marks } = this.#deps
    crashPoint('ledger:after')
    this.#sequencer.written(tokens)
    this.#deps.settled(rows.map(({ identity }) => identity))
    for (const position of positions) marks.done(position)
    // What cannot be deleted now is deleted after a later commit.
    await journal.release(marks.low(this.#deps.journalEnd())).catch((error: SealtrailError) => this.#deps.onTrouble(error))
    crashPoint('release:after')
  }

  /** Tries until it succeeds or the server closes: a disk that is full for a while costs time, not the log. @throws the last failure, when closing */
  async #untilDone(what: string, run: () => Promise<void>): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await run()
        this.#failing = null
        this.#failures = 0
        return
      } catch (cause) {
        this.#failed(new SealtrailError('NOT_DURABLE', `${what} and is tried again`, { cause }))
        if (this.#closed) throw cause
        await pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] as number)
      }
    }
  }

  #failed(error: SealtrailError): void {
    this.#failing = error
    this.#failures++
    this.#deps.onTrouble(error)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
