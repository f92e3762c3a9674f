import type { RecordFields } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { PackStates } from '../pack/pack.ts'
import type { SegmentReader } from '../store/segments.ts'
import type { Lock, Store } from '../store/store.ts'
import type { LeapGuard } from './clock.ts'
import { expireLog, finishExpiry } from './expire.ts'
import type { ExpireDeps } from './expire.ts'
import { flagEvent } from './flag.ts'
import type { Expiries, Flags, Runs, Summaries } from './standing.ts'
import { dayOf, settledBefore } from './summary/days.ts'
import { summariseLog } from './summary/write.ts'
import type { SummaryEvent } from './summary/write.ts'

const DAY_MS = 86_400_000

/** A log whose detail ends before its long period does. */
export interface TieredLog {
  readonly log: string
  /** Where its summaries go. */
  readonly summaries: string
  readonly class: string
  readonly origin: string
  readonly detailMs: number
  readonly periodMs: number
  readonly sequenced: boolean
  readonly states: PackStates
  /** Whether an event asks for its interaction to be kept; null: no such rule. Errs: it does not. */
  readonly keep: ((record: RecordFields) => boolean) | null
}

export interface RetainDeps {
  readonly logs: readonly TieredLog[]
  readonly store: Store
  readonly records: SegmentReader
  readonly standing: {
    readonly flags: Flags
    readonly expiries: Expiries
    readonly summaries: Summaries
    readonly runs: Runs
    catchUp(): Promise<void>
    save(): void
  }
  readonly clock: LeapGuard
  /** Committed size and signed note of a log. */
  committed(log: string): { readonly size: number; readonly root: string; readonly note: string }
  prove(log: string, index: number, size: number): readonly Uint8Array[]
  storeHashes(log: string, to: number): Promise<void>
  longLock(log: string): Lock
  /** Whether a legal hold is on the subject or the record. */
  held(log: string, subject: string, index: number): boolean
  /** Runs removals while no hold is being placed. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** The subject's records below an index, by the index. */
  earlier(log: string, subject: string, before: number): Promise<number[]>
  /** Seals records of the server's own; when it resolves they are in a segment. @throws SealtrailError NOT_DURABLE */
  system(event: { what: string; subject: string; id: string; data: JsonObject }): Promise<void>
  summary(log: string, events: readonly SummaryEvent[]): Promise<void>
  expireDisclosures(auditids: readonly Uint8Array[]): Promise<unknown>
  turnJournal(): void
  /** Told once when a run has had things forgotten. */
  forgotten(): Promise<void>
  forget(log: string, first: number, records: readonly Uint8Array[]): Promise<void>
  now(): number
}

/** What a run did of one log. */
export interface LogRun {
  readonly log: string
  readonly summaries: number
  readonly flagged: number
  readonly segments: number
  readonly records: number
  readonly kept: number
}

/** One run of the duty: sums up the days that are over, flags what is to be kept, then removes what has had its time. */
export class Retention {
  readonly #deps: RetainDeps
  #running: Promise<readonly LogRun[]> | null = null
  #stopping = false

  constructor(deps: RetainDeps) {
    this.#deps = deps
  }

  /** Runs, or waits for the run under way. @throws SealtrailError CLOCK_LEAPT: nothing was removed; NOT_DURABLE, DATA_CORRUPT */
  run(): Promise<readonly LogRun[]> {
    return (this.#running ??= this.#run().finally(() => (this.#running = null)))
  }

  /** Lets a run under way end after the segment it is at; the next one goes on from there. */
  stop(): void {
    this.#stopping = true
  }

  /** Why nothing would expire now, or null. */
  refusal(): string | null {
    return this.#deps.clock.check(this.#deps.now())
  }

  async #run(): Promise<readonly LogRun[]> {
    const { logs, standing, now } = this.#deps
    const leapt = this.refusal()
    if (leapt !== null) throw new SealtrailError('CLOCK_LEAPT', leapt)
    await standing.catchUp()
    // The journal still holds what it was given until its file is full: it must not be the last copy of what expires.
    this.#deps.turnJournal()
    const done: LogRun[] = []
    for (const tiered of logs) done.push(await this.#one(tiered))
    if (done.some(({ records }) => records > 0)) await this.#deps.forgotten()
    const at = now()
    // Sealed last: a run that was cut off does not count as one, and the next does what is left.
    await this.#deps.system({
      what: 'retention',
      subject: `retention/${dayOf(at)}`,
      id: `retention/${at}`,
      data: { logs: done.map((each) => ({ ...each })) },
    })
    await standing.catchUp()
    standing.save()
    return done
  }

  async #one(tiered: TieredLog): Promise<LogRun> {
    const { standing } = this.#deps
    const { log } = tiered
    for (const range of standing.expiries.unfinished()) if (range.log === log) await this.#deps.alone(() => finishExpiry(this.#expiring(tiered), range))
    const before = standing.summaries.of(log)
    const { size } = this.#deps.committed(log)
    const { summaries, flagged } = size > before.from || size > before.size ? await this.#sumUp(tiered, size) : { summaries: 0, flagged: 0 }
    await standing.catchUp()
    const removed = await this.#deps.alone(() => expireLog(this.#expiring(tiered), 0))
    return { log, summaries, flagged, ...removed }
  }

  async #sumUp(tiered: TieredLog, size: number): Promise<{ summaries: number; flagged: number }> {
    const { log, origin, sequenced, states, keep } = tiered
    const { standing, records, committed, now } = this.#deps
    const before = standing.summaries.of(log)
    const { root } = committed(log)
    const toFlag = new Map<string, number>()
    const progress = await summariseLog(
      {
        log,
        origin,
        sequenced,
        states,
        checkpoint: { size, root },
        scan: (from, to) => indexed(records.range(log, from, to), from),
        earlier: async (subject, below) => {
          const found = []
          for (const index of await this.#deps.earlier(log, subject, below)) {
            const bytes = await records.record(log, index)
            if (bytes !== null) found.push({ index, bytes })
          }
          return found
        },
        onRecord(index, record) {
          if (index >= before.size && keep !== null && keep(record)) toFlag.set(record.subject, Date.parse(record.recordedtime))
        },
        seal: (events) => this.#deps.summary(tiered.summaries, events),
      },
      before.from,
      settledBefore(now()),
    )
    for (const [subject, recordedMs] of toFlag) {
      // From the record's own day on, so that looking at it again makes the same flag.
      const untilMs = Math.ceil((recordedMs + tiered.periodMs) / DAY_MS) * DAY_MS
      await this.#deps.system(flagEvent({ log, subject, reason: 'retain.keep', class: null, untilMs, by: 'sealtrail' }))
    }
    await this.#deps.system({
      what: 'summarised',
      subject: `summarised/${log}`,
      id: `summarised/${log}/${progress.from}-${size}-${settledBefore(now())}`,
      data: { day: progress.day, from: progress.from, log, size, summaries: progress.summaries },
    })
    return { summaries: progress.summaries, flagged: toFlag.size }
  }

  #expiring({ log, origin, class: name }: TieredLog): ExpireDeps {
    const { store, records, standing, now } = this.#deps
    const { size, note } = this.#deps.committed(log)
    const nowMs = now()
    return {
      log,
      origin,
      class: name,
      store,
      records,
      size,
      checkpoint: note,
      prove: (index, of) => this.#deps.prove(log, index, of),
      storeHashes: (to) => this.#deps.storeHashes(log, to),
      longLock: this.#deps.longLock(log),
      summarised: standing.summaries.of(log).from,
      keeps: (subject, index) => standing.flags.of(log, subject, nowMs) !== null || this.#deps.held(log, subject, index),
      system: (event) => this.#deps.system(event),
      expireDisclosures: (auditids) => this.#deps.expireDisclosures(auditids),
      forget: (...what) => this.#deps.forget(...what),
      stopping: () => this.#stopping,
      nowMs,
    }
  }
}

async function* indexed(range: AsyncIterable<Uint8Array>, from: number): AsyncGenerator<{ index: number; bytes: Uint8Array }> {
  let index = from
  for await (const bytes of range) {
    // One that has expired without a copy says nothing any more.
    if (bytes.length > 0) yield { index, bytes }
    index++
  }
}
