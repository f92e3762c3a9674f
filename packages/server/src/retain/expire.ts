import { auditIdBytes, expiryData, objectDigest, parseRecord } from '@sealtrail/evidence'
import type { ExpiredRange, RecordFields } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { crashPoint } from '../observe/crash-point.ts'
import { endsAfter } from '../store/lock.ts'
import { objectKey } from '../store/objects.ts'
import { openKept } from '../store/kept.ts'
import { EXPIRED_RECORD } from '../store/segments.ts'
import type { SegmentReader, StoredSegment } from '../store/segments.ts'
import type { Lock, Store } from '../store/store.ts'
import { keepRecords } from './keeping.ts'
import type { ToKeep } from './keeping.ts'

export interface ExpireDeps {
  readonly log: string
  readonly origin: string
  /** Name of the class in records and answers. */
  readonly class: string
  readonly store: Store
  readonly records: SegmentReader
  /** Committed; the segment it names last never expires. */
  readonly size: number
  /** The signed note of that size. */
  readonly checkpoint: string
  prove(index: number, size: number): readonly Uint8Array[]
  /** Makes the leaf hashes of records [0, to) durable and locked in packs and tails. */
  storeHashes(to: number): Promise<void>
  /** For what is kept: the long period, from now on. */
  readonly longLock: Lock
  /** Records below have been summed up: no other expires. */
  readonly summarised: number
  /** Whether the record outlives its segment: its subject is flagged or held. */
  keeps(subject: string, index: number): boolean
  /** Seals in the log `system`, durably. */
  system(event: { what: string; subject: string; id: string; data: JsonObject }): Promise<void>
  /** Deletes the disclosures of these records. */
  expireDisclosures(auditids: readonly Uint8Array[]): Promise<unknown>
  /** Has the index forget what it knows of these records. */
  forget(log: string, first: number, records: readonly Uint8Array[]): Promise<void>
  /** Whether the server is closing. */
  stopping(): boolean
  readonly nowMs: number
}

/** What one call did. */
export interface Expiry {
  readonly segments: number
  readonly records: number
  readonly kept: number
}

const DAY_MS = 86_400_000
/** An object is locked a little longer than the segment that names it, and perhaps by another record for much longer: it is waited for so long. */
const OBJECTS_WAIT_MS = 2 * DAY_MS
/** Records of one announcement: their kept objects' names must fit a record, and their segments memory. */
const MAX_RECORDS = 50_000
const MAX_SEGMENTS = 20_000

/**
 * Removes the segments of one log whose lock has ended and whose records are summed up, oldest first. In this order, so
 * that dying between any two steps loses nothing: leaf hashes locked, records that stay copied and read back, the removal
 * announced in `system`, then removed, then its completion sealed.
 * @throws SealtrailError DATA_CORRUPT when a segment cannot be read: what cannot be read is not removed
 */
export async function expireLog(deps: ExpireDeps, from: number): Promise<Expiry> {
  const total = { segments: 0, records: 0, kept: 0 }
  for (let at = from; ;) {
    const run = await dueFrom(deps, at)
    if (run.segments.length > 0) {
      const done = await expireRun(deps, run.segments)
      total.segments += done.segments
      total.records += done.records
      total.kept += done.kept
    }
    if (run.next === null) return total
    at = run.next
  }
}

/** The next run of segments, one after the other, that are due. `next`: where to look on, or null when there is no more. */
async function dueFrom(deps: ExpireDeps, from: number): Promise<{ segments: StoredSegment[]; next: number | null }> {
  const segments: StoredSegment[] = []
  let records = 0
  let at = from
  for await (const stored of deps.records.segments(deps.log, from, Math.min(deps.summarised, deps.size))) {
    const { header, trailer } = stored.segment
    // The head's own segment is what a next commit stands on.
    if (trailer.size >= deps.size || trailer.size > deps.summarised) return { segments, next: null }
    if (!(await isDue(deps, stored))) {
      // A longer lock or a hold on this one: others may be due behind it.
      if (segments.length > 0) return { segments, next: trailer.size }
      at = trailer.size
      continue
    }
    if (segments.length > 0 && (header.first !== at || records >= MAX_RECORDS || segments.length >= MAX_SEGMENTS)) return { segments, next: header.first }
    segments.push(stored)
    records += header.count
    at = trailer.size
  }
  return { segments, next: null }
}

async function isDue({ log, store, nowMs }: ExpireDeps, stored: StoredSegment): Promise<boolean> {
  const held = await store.held(stored.key)
  if (held === null || held.legalHold || held.lock === null || endsAfter(held.lock, nowMs)) return false
  if (nowMs - held.lock.retainUntilMs > OBJECTS_WAIT_MS) return true
  for (const digest of objectsOf(stored)) {
    const beside = await store.held(objectKey(log, digest))
    if (beside !== null && (beside.legalHold || (beside.lock !== null && endsAfter(beside.lock, nowMs)))) return false
  }
  return true
}

/** Digests of the objects its records name: hardly any does, so the bytes are searched before anything is parsed. */
function objectsOf(stored: StoredSegment): string[] {
  const { bytes } = stored.segment
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"dataobject":"sha256:')) return []
  return [...recordsOf(stored)].flatMap(({ record }) => objectDigest(record) ?? [])
}

async function expireRun(deps: ExpireDeps, segments: readonly StoredSegment[]): Promise<Expiry> {
  const { log } = deps
  const from = segments[0]!.segment.header.first
  const to = segments.at(-1)!.segment.trailer.size
  await deps.storeHashes(to)
  crashPoint('expire:hashes')
  const keep: ToKeep[] = []
  for (const stored of segments)
    for (const { index, bytes, record } of recordsOf(stored)) if (deps.keeps(record.subject, index)) keep.push({ index, record: bytes })
  const kept = await keepRecords(keep, { ...deps, lock: deps.longLock })
  crashPoint('expire:kept')
  const range = { log, from, to, class: deps.class, kept }
  await deps.system({ what: 'expiry', subject: `expiry/${log}`, id: `expiry/${log}/${from}-${to}`, data: expiryData(range) })
  // Dying from here on: the announcement stands, and the next run finishes what it says.
  crashPoint('expire:announced')
  await finish(deps, { ...range, on: '' }, segments, new Set(keep.map(({ index }) => index)))
  return { segments: segments.length, records: to - from, kept: keep.length }
}

/** Carries an announced expiry out, from wherever it was cut off. */
export async function finishExpiry(deps: ExpireDeps, range: ExpiredRange): Promise<void> {
  const segments: StoredSegment[] = []
  for (let at = range.from; at < range.to;) {
    const stored = await deps.records.segmentOf(range.log, at)
    if (stored === null) {
      at = await nextStanding(deps, range, at)
      continue
    }
    segments.push(stored)
    at = stored.segment.trailer.size
  }
  const stays = await keptOf(deps, range)
  // Flagged since it was announced, and not gone yet: it is kept beside what was announced.
  const late: ToKeep[] = []
  for (const stored of segments)
    for (const { index, bytes, record } of recordsOf(stored)) if (!stays.has(index) && deps.keeps(record.subject, index)) late.push({ index, record: bytes })
  await keepRecords(late, { ...deps, lock: deps.longLock })
  for (const { index } of late) stays.add(index)
  await finish(deps, range, segments, stays)
}

/** Indexes of the records that the objects of an announcement keep. @throws SealtrailError DATA_CORRUPT when one is not there: nothing more is removed */
async function keptOf({ log, store }: ExpireDeps, { kept }: ExpiredRange): Promise<Set<number>> {
  const stays = new Set<number>()
  for (const name of kept) {
    const key = `${log}/kept/${name}`
    const found = openKept(key, await store.get(key))
    if (found === null) throw new SealtrailError('DATA_CORRUPT', `${key} is damaged or gone, and the segments it was copied from stay`)
    for (const { index } of found.records) stays.add(index)
  }
  return stays
}

/** Removed already: on to the next segment of the range that stands. */
async function nextStanding({ store }: ExpireDeps, { log, to }: ExpiredRange, at: number): Promise<number> {
  for await (const { key } of store.list(`${log}/segment/`, `${log}/segment/${String(at).padStart(20, '0')}`)) {
    return Math.min(to, Number(key.slice(-53, -33)))
  }
  return to
}

async function finish(deps: ExpireDeps, range: ExpiredRange, segments: readonly StoredSegment[], stays: ReadonlySet<number>): Promise<void> {
  const { log, store, nowMs } = deps
  for (const stored of segments) {
    if (deps.stopping()) throw new SealtrailError('NOT_READY', 'the server is closing; the next run goes on from here')
    const { first } = stored.segment.header
    const records = [...recordsOf(stored)]
    const gone = records.filter(({ index }) => !stays.has(index))
    // Nothing of these is needed by what follows; the segment goes last, so that all of it can be found again. The index's
    // search tokens stand beside the disclosures and are looked up there, so it forgets before they go.
    await deps.forget(
      log,
      first,
      records.map(({ index, bytes }) => (stays.has(index) ? EXPIRED_RECORD : bytes)),
    )
    crashPoint('expire:forgotten')
    await deps.expireDisclosures(gone.map(({ record }) => auditIdBytes(record.auditid)))
    crashPoint('expire:disclosures')
    for (const { record } of gone) {
      const digest = objectDigest(record)
      if (digest !== null) await removed(store, objectKey(log, digest), nowMs)
    }
    crashPoint('expire:objects')
    await removed(store, stored.key, nowMs)
    crashPoint('expire:removed')
  }
  const { from, to } = range
  await deps.system({ what: 'expired', subject: `expiry/${log}`, id: `expired/${log}/${from}-${to}`, data: { log, from, to } })
  crashPoint('expire:done')
}

/** An object whose own lock ends later, a day after its segment's, or that another record of the log names, is for a later run. */
async function removed(store: Store, key: string, nowMs: number): Promise<void> {
  try {
    await store.remove(key, nowMs)
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.code !== 'OBJECT_LOCKED') throw error
    if (key.includes('/segment/')) throw error
  }
}

function* recordsOf({ segment }: StoredSegment): Generator<{ index: number; bytes: Uint8Array; record: RecordFields }> {
  for (let i = 0; i < segment.header.count; i++) {
    const bytes = segment.bytes.subarray(segment.starts[i], (segment.starts[i + 1] as number) - 1)
    yield { index: segment.header.first + i, bytes, record: parseRecord(bytes) }
  }
}
