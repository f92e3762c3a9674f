import { segmentRecord } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { crashPoint } from '../observe/crash-point.ts'
import { isAtLeast } from '../store/lock.ts'
import { objectKey } from '../store/objects.ts'
import type { SegmentReader } from '../store/segments.ts'
import type { Lock, Store } from '../store/store.ts'
import { nextSegment, objectNamed } from './hold-objects.ts'

export interface ExtendDeps {
  readonly log: string
  readonly store: Pick<Store, 'list' | 'held' | 'extend'>
  readonly records: Pick<SegmentReader, 'segmentOf'>
  readonly size: number
  /** How what was made at this time is to be locked: records, and what they name. */
  lock(madeMs: number): Lock
  /** The same for what outlives them: leaf hashes, time stamps, kept records. */
  longLock(madeMs: number): Lock
  /** Told after each segment: records looked at so far. Resumes from there. */
  onProgress(next: number): void
  /** True: ends after the object under way. */
  stopping(): boolean
}

/** What a run did. */
export interface Extended {
  readonly objects: number
  /** Of these, whose lock ended too early or was too weak. */
  readonly extended: number
}

/** Data beside a record was written before its segment, and is locked a day longer. */
const LONGER_MS = 86_400_000

/**
 * Locks what is stored of a log as long as its retention asks now, counted from when each segment was made. Nothing is
 * ever shortened or relaxed. Doing it twice changes nothing, so a run that ended is begun again from where it told it was.
 * @throws SealtrailError NOT_DURABLE, STORE_NOT_LOCKED, STORE_UNREADABLE, NOT_READY when it was told to stop
 */
export async function extendLog(from: number, deps: ExtendDeps): Promise<Extended> {
  const { log, store, records } = deps
  let objects = 0
  let extended = 0
  const extend = async (key: string, lock: Lock): Promise<void> => {
    if (deps.stopping()) throw new SealtrailError('NOT_READY', 'the server is closing')
    const held = await store.held(key)
    if (held === null) return
    objects++
    if (isAtLeast(held.lock, lock)) return
    // Dying between two objects: the next run looks at each again and changes what is left.
    await store.extend(key, lock)
    extended++
    crashPoint('extend:object')
  }
  let madeMs = 0
  for (let index = from; index < deps.size;) {
    const stored = await records.segmentOf(log, index)
    if (stored === null) {
      const next = await nextSegment(log, index, store)
      if (next === null) break
      index = next
      continue
    }
    const { segment, key } = stored
    madeMs = Date.parse(segment.header.created)
    const lock = deps.lock(madeMs)
    await extend(key, lock)
    for (let i = 0; i < segment.header.count; i++) {
      const digest = objectNamed(segmentRecord(segment, i))
      if (digest !== null) await extend(objectKey(log, digest), { ...lock, retainUntilMs: lock.retainUntilMs + LONGER_MS })
    }
    index = segment.trailer.size
    deps.onProgress(index)
  }
  // Of the rest the store does not say when it was made: it is locked as if it were as young as the newest segment.
  const last = deps.size === 0 ? null : await records.segmentOf(log, deps.size - 1)
  if (last !== null) madeMs = Date.parse(last.segment.header.created)
  if (madeMs === 0) return { objects, extended }
  for await (const { key } of store.list(`${log}/`)) if (!/\/(?:segment|object)\//.test(key)) await extend(key, deps.longLock(madeMs))
  return { objects, extended }
}
