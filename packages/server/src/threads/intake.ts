import { auditId } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { ANSWER_LATE, ANSWER_SUPERSEDED, OUTCOME } from '../event/batch.ts'
import type { Batch, BatchAnswer } from '../event/batch.ts'
import type { Draft } from '../event/draft.ts'
import { FLAG } from '../event/entry.ts'
import type { Input, InputResult, Outcome, Receipt, RecordResult } from '../event/input.ts'
import { encrypt, take } from '../flow.ts'
import type { TakeSteps } from '../flow.ts'
import type { SubmitOptions } from '../http/ports.ts'

export interface IntakeDeps {
  readonly steps: TakeSteps
  readonly trails: ReadonlySet<string>
  /** The sealing thread's `Flow.accept`. */
  accept(batch: Batch): Promise<BatchAnswer>
  /** Hash, proof and checkpoint of a sealed record; `fresh` when its bytes are at hand because this request sealed it. */
  receipt(log: string, index: number, auditid: string, checkpoint: string, fresh: Fresh | null): Promise<Receipt>
  /** Told the outcome of every input, for metrics and the hourly counts. */
  onOutcome(trail: string, outcome: Outcome, inputs: number): void
}

/** A record this thread made and the sealing thread has placed. */
export interface Fresh {
  /** Its entry (event/entry.ts). */
  readonly entry: Uint8Array
  readonly late: boolean
  readonly sequence: number
}

/** Inputs in, results out: `take` on this thread, then the sealing thread, then an answer per input. */
export class Intake {
  readonly #deps: IntakeDeps

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  /** One result per input, in order. @throws SealtrailError UNKNOWN_TRAIL, NOT_DURABLE, OVERLOADED, LOG_STOPPED, NOT_READY, PERSON_ERASED */
  async submit(inputs: readonly Input[], options: SubmitOptions): Promise<InputResult[]> {
    for (const { trail } of inputs) {
      if (trail !== null && !this.#deps.trails.has(trail)) throw new SealtrailError('UNKNOWN_TRAIL', `the trails are ${[...this.#deps.trails].join(', ')}`)
    }
    const { batch, drafts, dropped, trails } = await take(inputs, this.#deps.steps)
    const records: RecordResult[][] = inputs.map(() => [])
    const messages: Array<string | null> = inputs.map(() => null)
    if (drafts.length > 0) {
      const answer = await this.#accept(batch, drafts, options.wait)
      for (let i = 0; i < drafts.length; i++) {
        const draft = drafts[i] as Draft
        const { position, trail } = draft
        const log = answer.elsewhere?.get(i) ?? draft.log
        const result = resultOf(draft, log, answer, i)
        if (options.receipts === 'full' && result.receipt !== undefined) {
          const { auditid, index } = result.receipt
          result.receipt = await this.#deps.receipt(log, index, auditid, answer.checkpoints.get(log) as string, freshOf(draft, answer, i))
        }
        ;(records[position] as RecordResult[]).push(result)
        messages[position] ??= draft.message
        trails[position] = trail
      }
    }
    const counts = new Map<string, Map<Outcome, number>>()
    const results = inputs.map((_, i) => {
      const result = summarize(records[i] as RecordResult[], messages[i] ?? null, dropped[i] as number)
      const trail = trails[i] as string
      let ofTrail = counts.get(trail)
      if (ofTrail === undefined) counts.set(trail, (ofTrail = new Map()))
      ofTrail.set(result.outcome, (ofTrail.get(result.outcome) ?? 0) + 1)
      return result
    })
    for (const [trail, ofTrail] of counts) for (const [outcome, count] of ofTrail) this.#deps.onOutcome(trail, outcome, count)
    return results
  }

  /** When the key of a person is destroyed meanwhile, nothing was written: once more with the keys of whoever they are now. */
  async #accept(batch: Omit<Batch, 'wait'>, drafts: readonly Draft[], wait: Batch['wait']): Promise<BatchAnswer> {
    try {
      return await this.#deps.accept({ ...batch, wait })
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'PERSON_ERASED') throw error
      this.#deps.steps.forget()
      return this.#deps.accept({ ...(await encrypt(drafts, this.#deps.steps)), wait })
    }
  }
}

/** Null for a duplicate: the record that stands may say other things than the draft, its `recordedtime` at least. */
function freshOf({ entry }: Draft, { outcomes, sequences, flags }: BatchAnswer, i: number): Fresh | null {
  if (outcomes[i] !== OUTCOME.sealed || sequences[i] === 0) return null
  return { entry, late: ((flags[i] as number) & ANSWER_LATE) !== 0, sequence: sequences[i] as number }
}

/** What became of draft `i`, with a lean receipt when it is sealed. */
function resultOf(draft: Draft, log: string, answer: BatchAnswer, i: number): RecordResult {
  const index = answer.indexes[i] as number
  const flags = answer.flags[i] as number
  const kind = answer.outcomes[i] as number
  // A duplicate is answered with the record that stands; its audit id may hold another event time.
  const auditid = kind === OUTCOME.sealed ? draft.auditid : auditId(answer.times[i] as number, draft.identity)
  const result: RecordResult = { outcome: outcomeOf(kind, flags), auditid }
  if (flags & ANSWER_SUPERSEDED) result.superseded = true
  if (kind === OUTCOME.conflict) result.code = 'IDENTITY_CONFLICT'
  else if (draft.code !== null) result.code = draft.code
  if (index >= 0) result.receipt = { auditid, log, index }
  return result
}

function outcomeOf(kind: number, flags: number): Outcome {
  if (kind === OUTCOME.conflict || flags & FLAG.refused) return 'refused'
  if (kind === OUTCOME.duplicate) return 'duplicate'
  if (flags & FLAG.quarantined) return 'quarantined'
  return kind === OUTCOME.held ? 'held' : 'sealed'
}

/** Strongest first: an input that fanned out counts once, as new if any of its records is new. */
const ORDER: readonly Outcome[] = ['sealed', 'held', 'quarantined', 'refused', 'duplicate']

function summarize(records: readonly RecordResult[], message: string | null, dropped: number): InputResult {
  if (records.length === 0) return { outcome: 'filtered' }
  if (records.length === 1 && dropped === 0) return message === null ? (records[0] as RecordResult) : { ...(records[0] as RecordResult), message }
  const leading = ORDER.map((outcome) => records.find((record) => record.outcome === outcome)).find((record) => record !== undefined) as RecordResult
  return { ...leading, ...(message === null ? {} : { message }), records: [...records] }
}
