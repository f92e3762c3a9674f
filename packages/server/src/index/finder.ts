import { SealtrailError } from '../errors.ts'
import type { Fields } from './fields.ts'
import { readFields } from './fields.ts'
import type { Index, Token } from './index.ts'
import { goneAt } from './records.ts'
import type { Gone, Records } from './records.ts'
import type { Tail } from './tail.ts'

/** A place the index or the tail names, with what stands there. */
export interface FoundRecord {
  readonly log: string
  readonly index: number
  /** Null when the store does not give them. */
  readonly bytes: Uint8Array | null
  /** Null when the bytes are no record. */
  readonly fields: Fields | null
  /** Where there are no bytes because the record has expired: what it expired with. */
  readonly gone?: Gone
}

export interface FinderDeps {
  readonly index: Index
  readonly records: Records
  readonly tail: Tail
  tokens(auditids: readonly string[]): Promise<ReadonlyArray<readonly Token[]>>
}

/** Records of one subject that are read for one answer at most; an interaction has some dozens. */
const MAX_SUBJECT_RECORDS = 10_000
const MAX_TOKEN_RECORDS = 1_000
const AUDITID_AT = 12 // `{"auditid":"` comes first in a canonical record

/** Finds records by what identifies them, in the index and in the tail it lacks. What stands at a place is the caller's to judge. */
export class Finder {
  readonly #deps: FinderDeps

  constructor(deps: FinderDeps) {
    this.#deps = deps
  }

  /** Places of an audit id: usually one. */
  async byAuditid(auditid: string): Promise<FoundRecord[]> {
    const { index, records, tail } = this.#deps
    const places = await index.auditid(auditid)
    if (places.length > 0) return Promise.all(places.map((place) => this.at(place.log, place.index)))
    const found: FoundRecord[] = []
    for (const log of records.logs()) {
      const span = await tail.of(log)
      if (span.from === span.to) {
        // The index may have caught up while we waited.
        const late = (await index.auditid(auditid)).find((place) => place.log === log)
        if (late !== undefined) found.push(await this.at(log, late.index))
        continue
      }
      let at = span.from
      for await (const bytes of records.range(log, span.from, span.to)) {
        if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).latin1Slice(AUDITID_AT, AUDITID_AT + 26) === auditid)
          found.push({ log, index: at, bytes, fields: readFields(bytes) })
        at++
      }
    }
    return found
  }

  /** Every place of a subject in a log, by `subjectsequence`. @throws SealtrailError TOO_LARGE beyond 10,000. */
  async bySubject(log: string, subject: string): Promise<FoundRecord[]> {
    const { index, tail } = this.#deps
    const span = await tail.of(log)
    const places = await index.subject(log, subject, -1, MAX_SUBJECT_RECORDS + 1)
    if (places.length > MAX_SUBJECT_RECORDS)
      throw new SealtrailError('TOO_LARGE', `the subject has over ${MAX_SUBJECT_RECORDS} records; page through /api/v1/records`)
    const found: FoundRecord[] = []
    for (const place of places) if (place.index < span.from) found.push(await this.at(log, place.index))
    for await (const record of tail.read(log, span)) if (record.fields.subject === subject) found.push({ log, ...record })
    return found
  }

  /** The newest records that carry one of the tokens, newest first, at most 1,000. */
  async byToken(log: string, tokens: readonly Uint8Array[], carrier: string | null): Promise<FoundRecord[]> {
    const { index, tail } = this.#deps
    const span = await tail.of(log)
    const indexes = new Set<number>()
    for (const token of tokens)
      for (const at of await index.token(log, token, { after: -1, limit: MAX_TOKEN_RECORDS, newest: true })) if (at < span.from) indexes.add(at)
    const found: FoundRecord[] = []
    const unindexed: FoundRecord[] = []
    for await (const record of tail.read(log, span)) unindexed.push({ log, ...record })
    const known = unindexed.length === 0 ? [] : await this.#deps.tokens(unindexed.flatMap((record) => record.fields?.auditid ?? []))
    unindexed.forEach((record, i) => {
      const carries = (known[i] ?? []).some((each) => tokens.some((token) => Buffer.compare(token, each.token) === 0))
      if (carries || (carrier !== null && record.fields?.carrier === carrier)) found.push(record)
    })
    found.reverse()
    for (const at of [...indexes].sort((a, b) => b - a).slice(0, MAX_TOKEN_RECORDS - found.length)) found.push(await this.at(log, at))
    return found
  }

  /** What stands at a place; a damaged segment is bytes that cannot be had, not a failure of the question. */
  async at(log: string, index: number): Promise<FoundRecord> {
    const bytes = await readAt(this.#deps.records, log, index)
    if (bytes !== null) return { log, index, bytes, fields: readFields(bytes) }
    const gone = await goneAt(this.#deps.records, log, index)
    return { log, index, bytes, fields: null, ...(gone === null ? {} : { gone }) }
  }
}

/** The record's bytes, null when the store does not give them or the segment is damaged. */
export async function readAt(records: Records, log: string, index: number): Promise<Uint8Array | null> {
  try {
    return await records.record(log, index)
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'DATA_CORRUPT') return null
    throw error
  }
}
