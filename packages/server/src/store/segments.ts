import { hash } from 'node:crypto'
import { isSegmentSigned, parseObjectKey, type Segment, segmentKey, segmentRecord, splitSegment } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { Store } from './store.ts'
import { SegmentTable } from './table.ts'
import { unpackSync } from './unpack.ts'

const SEARCH_STEPS = 4
const CACHE_BYTES = 16 * 1024 * 1024

/** A segment read from the store: its frame has the digest its key names, and its lines are counted. */
export interface StoredSegment {
  readonly key: string
  /** SHA-256 of the frame, lower-case hex. */
  readonly digest: string
  readonly segment: Segment
}

/** Records whose segments were removed. */
export interface Expired {
  /** Where the range ends in which the record expired, or null when it did not: then a hole is damage. */
  end(log: string, index: number): Promise<number | null>
  /** The record's copy that outlives its segment, or null when there is none. */
  kept(log: string, index: number): Promise<Uint8Array | null>
  /** All such copies of a range, ascending. */
  keptWithin(log: string, from: number, to: number): Promise<ReadonlyArray<{ readonly index: number; readonly record: Uint8Array }>>
}

/** Stands in a range for a record that has expired. */
export const EXPIRED_RECORD: Uint8Array = new Uint8Array(0)

export interface SegmentReaderOptions {
  /** Store key of the last committed segment of a log ('' or null: none). Asked only when the store holds rivals for the last place. */
  lastSegment(log: string): string | null
  /** What is known of records whose segments are gone because their time was over; without it every hole is damage. */
  readonly expired?: Expired
  /** Unpacked segments kept, in bytes; 16 MiB unless given. */
  readonly cacheBytes?: number
}

/**
 * Reads committed records of any log, on any thread. Which segments are committed is not written in the store: a writer
 * that lost the head's swap leaves its frame beside the winner's, with the same first index. Only one of them goes on:
 * every segment that begins where they end was written upon the committed head and names its digest, whoever wrote it;
 * and the last one is named by the head itself. So a second look is needed only where two segments claim one index.
 *
 * attacker: who can write to the store can plant objects; they are refused, or the records they give fail the proof
 * that goes with every answer.
 */
export class SegmentReader {
  readonly #store: Store
  readonly #options: SegmentReaderOptions
  readonly #tables = new Map<string, SegmentTable>()
  readonly #cache = new Map<string, StoredSegment>()
  readonly #loading = new Map<string, Promise<StoredSegment | null>>()
  #cached = 0

  constructor(store: Store, options: SegmentReaderOptions) {
    this.#store = store
    this.#options = options
  }

  /**
   * The bytes of a committed record, unverified but for the segment's digest, or null when no stored segment holds it.
   * The caller has been told that `index` is committed.
   * @throws SealtrailError DATA_CORRUPT when the segment is damaged.
   */
  async record(log: string, index: number): Promise<Uint8Array | null> {
    // A segment read before it expired is no copy of it.
    const expired = await this.#options.expired?.end(log, index)
    const stored = expired === null || expired === undefined ? await this.segmentOf(log, index) : null
    if (stored === null) return (await this.#options.expired?.kept(log, index)) ?? null
    return segmentRecord(stored.segment, index - stored.segment.header.first)
  }

  /**
   * Committed records [from, to) in order; of one that has expired its copy, or `EXPIRED_RECORD` when it has none.
   * @throws SealtrailError DATA_CORRUPT when a segment is damaged or missing.
   */
  async *range(log: string, from: number, to: number): AsyncGenerator<Uint8Array> {
    let at = from
    for await (const { segment } of this.segments(log, from, to)) {
      const { first } = segment.header
      for (; at < first; at++) yield (await this.#options.expired?.kept(log, at)) ?? EXPIRED_RECORD
      const end = Math.min(segment.trailer.size, to)
      for (; at < end; at++) yield segmentRecord(segment, at - first)
    }
    for (; at < to; at++) yield (await this.#options.expired?.kept(log, at)) ?? EXPIRED_RECORD
  }

  /** The committed segments that hold records [from, to), in order; those that expired are passed over. @throws SealtrailError DATA_CORRUPT when one is damaged or missing. */
  async *segments(log: string, from: number, to: number): AsyncGenerator<StoredSegment> {
    for (let index = from; index < to;) {
      const stored = await this.segmentOf(log, index)
      if (stored === null) {
        const end = (await this.#options.expired?.end(log, index)) ?? null
        if (end === null) throw new SealtrailError('DATA_CORRUPT', `log ${log}: no stored segment holds index ${index}`)
        index = end
        continue
      }
      yield stored
      index = stored.segment.trailer.size
    }
  }

  /** The committed segment that holds the record, or null when none does. @throws SealtrailError DATA_CORRUPT when it is damaged. */
  async segmentOf(log: string, index: number): Promise<StoredSegment | null> {
    const table = this.#table(log)
    let fresh = false
    if (table.length === 0) {
      await this.#refresh(log, table)
      fresh = true
    }
    for (;;) {
      const found = await this.#search(log, table, index)
      if (found !== null || fresh) return found
      // Sealed since this thread last looked.
      await this.#refresh(log, table)
      fresh = true
    }
  }

  /**
   * Every whole, correctly signed segment that continues the log from exactly this head; for rolling the head forward.
   * None: the head is the end. More than one: rivals, and no program can tell which of them was promised to somebody.
   */
  async extensions(log: string, head: { readonly size: number; readonly digest: string }): Promise<StoredSegment[]> {
    const found: StoredSegment[] = []
    for await (const { key } of this.#store.list(segmentKey(log, head.size, ''))) {
      const frame = await this.#store.get(key)
      const stored = frame === null ? null : open(key, frame)
      if (stored === null) continue
      const { header } = stored.segment
      if (header.first === head.size && header.previous.segment === head.digest && isSegmentSigned(stored.segment)) found.push(stored)
    }
    return found
  }

  /** Walks back a little from where the greatest first index not above `index` stands: a planted object may begin within a segment. */
  async #search(log: string, table: SegmentTable, index: number): Promise<StoredSegment | null> {
    let failure: unknown = null
    let at = table.lower(index + 1) - 1
    for (let step = 0; step < SEARCH_STEPS && at >= 0; step++, at = table.lower(table.first(at)) - 1) {
      try {
        const stored = await this.#committed(log, table, table.first(at))
        if (stored !== null && index < stored.segment.trailer.size) return stored
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== null) throw failure
    return null
  }

  /** The committed segment among those that begin at `first`, or null when that is not known (yet). */
  async #committed(log: string, table: SegmentTable, first: number): Promise<StoredSegment | null> {
    const from = table.lower(first)
    const to = table.lower(first + 1)
    const keys: string[] = []
    for (let at = from; at < to; at++) keys.push(segmentKey(log, first, table.digest(at)))
    if (keys.length === 1) return await this.#load(keys[0]!)
    const last = to === table.length
    const wanted = last ? this.#options.lastSegment(log) : await this.#named(log, table, to, first)
    const key = keys.find((candidate) => candidate === wanted)
    return key === undefined ? null : await this.#load(key)
  }

  /** The store key that the segments beginning next name as the one before them. */
  async #named(log: string, table: SegmentTable, at: number, first: number): Promise<string | null> {
    const next = table.first(at)
    for (; at < table.length && table.first(at) === next; at++) {
      const stored = await this.#load(segmentKey(log, next, table.digest(at))).catch(() => null)
      if (stored !== null) return segmentKey(log, first, stored.segment.header.previous.segment)
    }
    return null
  }

  async #load(key: string): Promise<StoredSegment | null> {
    const cached = this.#cache.get(key)
    if (cached !== undefined) {
      // Most recently used last.
      this.#cache.delete(key)
      this.#cache.set(key, cached)
      return cached
    }
    let loading = this.#loading.get(key)
    if (loading === undefined) {
      loading = this.#read(key).finally(() => this.#loading.delete(key))
      this.#loading.set(key, loading)
    }
    return await loading
  }

  async #read(key: string): Promise<StoredSegment | null> {
    const frame = await this.#store.get(key)
    if (frame === null) return null
    const stored = open(key, frame)
    if (stored === null) throw new SealtrailError('DATA_CORRUPT', `${key} is damaged`)
    this.#cache.set(key, stored)
    this.#cached += stored.segment.bytes.length
    for (const [oldest, { segment }] of this.#cache) {
      if (this.#cached <= (this.#options.cacheBytes ?? CACHE_BYTES) || oldest === key) break
      this.#cache.delete(oldest)
      this.#cached -= segment.bytes.length
    }
    return stored
  }

  #table(log: string): SegmentTable {
    let table = this.#tables.get(log)
    if (table === undefined) this.#tables.set(log, (table = new SegmentTable()))
    return table
  }

  async #refresh(log: string, table: SegmentTable): Promise<void> {
    // From the last first index on, not the last key: a rival's digest may sort before the one already known.
    const after = table.length === 0 ? '' : segmentKey(log, table.first(table.length - 1), '')
    for await (const { key, size } of this.#store.list(`${log}/segment/`, after)) {
      const { first, digest } = parseObjectKey(key)
      if (table.find(first, digest).length === 0) table.add(first, digest, size, 0)
    }
  }
}

/** Unpacks a frame, or null when it is not the segment its key names. attacker: whoever holds the store. */
function open(key: string, frame: Uint8Array): StoredSegment | null {
  try {
    const { first, digest: named } = parseObjectKey(key)
    const digest = hash('sha256', frame, 'hex')
    if (!digest.startsWith(named)) return null
    const segment = splitSegment(unpackSync(frame))
    return segment.header.first === first ? { key, digest, segment } : null
  } catch {
    return null
  }
}
