import { SealtrailError } from '../errors.ts'
import type { Fields } from './fields.ts'
import { readFields } from './fields.ts'
import type { Index } from './index.ts'
import type { Records } from './records.ts'

/** Records [from, to) of a log: committed, and not in the index yet. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A record of the tail, with what it says. */
export interface TailRecord {
  readonly index: number
  readonly bytes: Uint8Array
  readonly fields: Fields
}

export interface TailOptions {
  /** How long to wait for the index to catch up before the segments are read instead. */
  readonly waitMs: number
  readonly pollMs: number
  /** The longest tail that is read. */
  readonly maxRecords: number
  readonly sleep: (ms: number) => Promise<void>
}

/** So that an answer 201 is never followed by a 404: what the index does not hold yet is read from the segments. */
export class Tail {
  readonly #index: Index
  readonly #records: Records
  readonly #options: TailOptions

  constructor(index: Index, records: Records, options: TailOptions) {
    this.#index = index
    this.#records = records
    this.#options = options
  }

  /**
   * What is missing in the index of the records committed by now, after waiting a little for it to catch up.
   * @throws SealtrailError INDEX_BEHIND when more is missing than can be read for one question
   */
  async of(log: string): Promise<Span> {
    const { waitMs, pollMs, maxRecords, sleep } = this.#options
    const to = this.#records.size(log)
    let from = this.#index.size(log)
    for (let waited = 0; from < to && waited < waitMs; waited += pollMs) {
      await sleep(pollMs)
      from = this.#index.size(log)
    }
    if (to - from > maxRecords) throw new SealtrailError('INDEX_BEHIND', `the index is ${to - from} records behind`)
    return { from: Math.min(from, to), to }
  }

  /** The readable records of the span, in order. */
  async *read(log: string, span: Span): AsyncIterableIterator<TailRecord> {
    if (span.from >= span.to) return
    let index = span.from
    for await (const bytes of this.#records.range(log, span.from, span.to)) {
      const fields = readFields(bytes)
      if (fields !== null) yield { index, bytes, fields }
      index++
    }
  }
}
