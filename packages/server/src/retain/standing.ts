import { EXPIRY_TYPE, readExpiry } from '@sealtrail/evidence'
import type { ExpiredRange, RecordFields } from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { FoldPart } from './fold.ts'

export const FLAG_TYPE = 'sealtrail.system.flag'
export const EXPIRED_TYPE = 'sealtrail.system.expired'
export const SUMMARISED_TYPE = 'sealtrail.system.summarised'
export const RETENTION_TYPE = 'sealtrail.system.retention'

/** A flag that stands, as it was sealed. */
export interface StandingFlag {
  readonly log: string
  readonly subject: string
  readonly reason: string
  readonly untilMs: number
}

/** Subjects whose detail is kept beyond the others'. */
export class Flags implements FoldPart {
  readonly name = 'flags'
  readonly version = 1
  readonly types: readonly string[] = [FLAG_TYPE]
  readonly #flags = new Map<string, StandingFlag>()

  take({ data }: RecordFields): void {
    const { log, subject, reason, until } = data
    if (typeof log !== 'string' || typeof subject !== 'string' || typeof until !== 'string') return
    const untilMs = Date.parse(until)
    const known = this.#flags.get(keyOf(log, subject))
    if (Number.isNaN(untilMs) || (known !== undefined && known.untilMs >= untilMs)) return
    this.#flags.set(keyOf(log, subject), { log, subject, reason: typeof reason === 'string' ? reason : '', untilMs })
  }

  save(): JsonValue {
    return [...this.#flags.values()].map((flag) => ({ ...flag }))
  }

  load(saved: JsonValue | null): void {
    this.#flags.clear()
    for (const flag of (saved ?? []) as unknown as StandingFlag[]) this.#flags.set(keyOf(flag.log, flag.subject), flag)
  }

  /** The flag of a subject that stands at this time, or null. */
  of(log: string, subject: string, nowMs: number): StandingFlag | null {
    const flag = this.#flags.get(keyOf(log, subject))
    return flag !== undefined && flag.untilMs > nowMs ? flag : null
  }

  all(nowMs: number): StandingFlag[] {
    return [...this.#flags.values()].filter(({ untilMs }) => untilMs > nowMs)
  }
}

function keyOf(log: string, subject: string): string {
  return `${log}\n${subject}`
}

/** What has expired, as it was announced and done. */
export class Expiries implements FoldPart {
  readonly name = 'expiries'
  readonly version = 1
  readonly types: readonly string[] = [EXPIRY_TYPE, EXPIRED_TYPE]
  #ranges: ExpiredRange[] = []
  #done = new Set<string>()

  take(record: RecordFields): void {
    if (record.type === EXPIRED_TYPE) {
      const { log, from, to } = record.data
      this.#done.add(`${String(log)} ${String(from)} ${String(to)}`)
      return
    }
    const range = readExpiry(record)
    if (range !== null) this.#ranges.push(range)
  }

  save(): JsonValue {
    return { done: [...this.#done], ranges: this.#ranges.map((range) => ({ ...range, kept: [...range.kept] })) }
  }

  load(saved: JsonValue | null): void {
    const { done, ranges } = (saved ?? { done: [], ranges: [] }) as { done: string[]; ranges: unknown }
    this.#done = new Set(done)
    this.#ranges = [...(ranges as ExpiredRange[])]
  }

  /** The ranges of a log, in order of their first record. */
  of(log: string): ExpiredRange[] {
    return this.#ranges.filter((range) => range.log === log).sort((a, b) => a.from - b.from)
  }

  /** Announced, and not said to be done: a run that was cut off. */
  unfinished(): ExpiredRange[] {
    return this.#ranges.filter(({ log, from, to }) => !this.#done.has(`${log} ${from} ${to}`))
  }
}

/** How far a log has been summed up. */
export interface Summarised {
  /** Every record below is in a summary. */
  readonly from: number
  /** Records below were looked at for triggers. */
  readonly size: number
  /** The last day, `YYYY-MM-DD`, or null. */
  readonly day: string | null
}

export class Summaries implements FoldPart {
  readonly name = 'summaries'
  readonly version = 1
  readonly types: readonly string[] = [SUMMARISED_TYPE]
  readonly #logs = new Map<string, Summarised>()

  take({ data }: RecordFields): void {
    const { log, from, size, day } = data
    if (typeof log !== 'string' || typeof from !== 'number' || typeof size !== 'number') return
    this.#logs.set(log, { from, size, day: typeof day === 'string' ? day : (this.#logs.get(log)?.day ?? null) })
  }

  save(): JsonValue {
    return Object.fromEntries([...this.#logs].map(([log, at]) => [log, { ...at }]))
  }

  load(saved: JsonValue | null): void {
    this.#logs.clear()
    for (const [log, at] of Object.entries((saved ?? {}) as JsonObject)) this.#logs.set(log, at as unknown as Summarised)
  }

  of(log: string): Summarised {
    return this.#logs.get(log) ?? { from: 0, size: 0, day: null }
  }
}

/** When a retention run was completed last, by the server's clock, which was then found plausible. */
export class Runs implements FoldPart {
  readonly name = 'runs'
  readonly version = 1
  readonly types: readonly string[] = [RETENTION_TYPE]
  lastMs: number | null = null

  take({ time }: RecordFields): void {
    const ms = time === null ? Number.NaN : Date.parse(time)
    if (!Number.isNaN(ms)) this.lastMs = Math.max(this.lastMs ?? 0, ms)
  }

  save(): JsonValue {
    return this.lastMs
  }

  load(saved: JsonValue | null): void {
    this.lastMs = saved as number | null
  }
}
