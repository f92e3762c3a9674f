import { hash } from 'node:crypto'
import { decodeKept, firstOf, keptKey, parseObjectKey, segmentRecord } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { readFields } from '../index/fields.ts'
import type { Index } from '../index/index.ts'
import { objectKey } from '../store/objects.ts'
import type { SegmentReader, StoredSegment } from '../store/segments.ts'
import type { Store } from '../store/store.ts'
import { unpackSync } from '../store/unpack.ts'
import type { HoldTarget } from './hold.ts'

/** What the objects of held records are found with. */
export interface HoldGround {
  readonly store: Pick<Store, 'list' | 'get'>
  readonly records: Pick<SegmentReader, 'segmentOf'>
  readonly index: Pick<Index, 'size' | 'subject'>
  /** Logs a subject may have records in. */
  readonly logs: readonly string[]
  size(log: string): number
  /** Ranges of the log that expired. */
  gone(log: string): Promise<readonly unknown[]>
  sleep(ms: number): Promise<void>
  /** How long the index may take to hold everything committed. */
  readonly indexWithinMs: number
}

/** A record in an object. */
export interface HeldRecord {
  readonly log: string
  readonly index: number
  readonly subject: string
}

/** An object of the store that holds a record of the target, or part of its proof. */
export interface HoldObject {
  readonly key: string
  /** All records it holds, of others too; null for what other objects decide: data beside a record, leaf hashes. */
  readonly records: readonly HeldRecord[] | null
}

const PAGE = 1_000
const PACK = 65_536
const NAMES_OBJECT = /"dataobject":"sha256:([0-9a-f]{64})"/

/**
 * The objects of a target: the segments its records stand in, what did not fit them, kept copies, and the packs of leaf
 * hashes their proofs need. A subject's records are found by the index and counted by their numbers, a range's by the keys.
 * @throws SealtrailError INDEX_BEHIND, DATA_CORRUPT when records of the subject cannot be found, STORE_UNREADABLE
 */
export async function* objectsOf(target: HoldTarget, ground: HoldGround): AsyncGenerator<HoldObject> {
  const logs = target.kind === 'range' ? [target.log] : ground.logs
  for (const log of logs) {
    const packs = new Set<number>()
    const isOf = (index: number, subject: string): boolean =>
      target.kind === 'subject' ? subject === target.subject : index >= target.from && (target.to === null || index < target.to)
    for await (const stored of target.kind === 'subject' ? segmentsOfSubject(log, target.subject, ground) : segmentsOfRange(log, target, ground)) {
      const { objects, records, indexes } = read(log, stored, isOf)
      for (const index of indexes) packs.add(Math.floor(index / PACK))
      if (indexes.length > 0) yield { key: stored.key, records }
      for (const digest of objects) yield { key: objectKey(log, digest), records: null }
    }
    yield* keptOf(log, isOf, packs, ground)
    for await (const { key } of ground.store.list(`${log}/hashes/`)) if (packs.has((firstOf(key) ?? -1) / PACK)) yield { key, records: null }
  }
}

/** Whether anything of the subject is sealed. @throws SealtrailError INDEX_BEHIND */
export async function isKnown(subject: string, ground: HoldGround): Promise<boolean> {
  for (const log of ground.logs) {
    await indexed(log, ground)
    if ((await ground.index.subject(log, subject, -1, 1)).length > 0) return true
  }
  return false
}

/** Hex digest of the object that a record names, or null. A member of the data may be called so as well: then there is no such object. */
export function objectNamed(record: Uint8Array): string | null {
  return NAMES_OBJECT.exec(Buffer.from(record.buffer, record.byteOffset, record.length).toString())?.[1] ?? null
}

async function indexed(log: string, { index, size, sleep, indexWithinMs }: HoldGround): Promise<void> {
  const wanted = size(log)
  for (let waited = 0; index.size(log) < wanted; waited += 20) {
    if (waited >= indexWithinMs) throw new SealtrailError('INDEX_BEHIND')
    await sleep(20)
  }
}

/** attacker: an index that was changed could hide records of a subject; the numbers of a subject have no gap, so it shows. */
async function* segmentsOfSubject(log: string, subject: string, ground: HoldGround): AsyncGenerator<StoredSegment> {
  await indexed(log, ground)
  const indexes: number[] = []
  const whole = (await ground.gone(log)).length === 0
  for (let after = -1; ;) {
    const places = await ground.index.subject(log, subject, after, PAGE)
    for (const { subjectsequence, index } of places) {
      // What expired is in no index any more.
      if (whole && subjectsequence !== (after < 0 ? 1 : after + 1))
        throw new SealtrailError(
          'DATA_CORRUPT',
          `log ${log}: records of the subject cannot be found; run \`sealtrail rebuild-index\`, and \`sealtrail verify\``,
        )
      after = subjectsequence
      indexes.push(index)
    }
    if (places.length < PAGE) break
  }
  indexes.sort((a, b) => a - b)
  for (let i = 0; i < indexes.length;) {
    const stored = await ground.records.segmentOf(log, indexes[i] as number)
    // Expired: what stays of it is among the kept.
    if (stored === null) {
      i++
      continue
    }
    yield stored
    while (i < indexes.length && (indexes[i] as number) < stored.segment.trailer.size) i++
  }
}

async function* segmentsOfRange(log: string, { from, to }: Extract<HoldTarget, { kind: 'range' }>, ground: HoldGround): AsyncGenerator<StoredSegment> {
  const end = Math.min(to ?? Number.POSITIVE_INFINITY, ground.size(log))
  for (let index = from; index < end;) {
    const stored = await ground.records.segmentOf(log, index)
    if (stored !== null) yield stored
    const next = stored === null ? await nextSegment(log, index, ground.store) : stored.segment.trailer.size
    if (next === null) return
    index = next
  }
}

/** Where the next segment begins, behind one that expired. */
export async function nextSegment(log: string, index: number, store: Pick<Store, 'list'>): Promise<number | null> {
  for await (const { key } of store.list(`${log}/segment/`, `${log}/segment/${String(index).padStart(20, '0')}-g`)) return firstOf(key)
  return null
}

async function* keptOf(log: string, isOf: (index: number, subject: string) => boolean, packs: Set<number>, { store }: HoldGround): AsyncGenerator<HoldObject> {
  for await (const { key } of store.list(`${log}/kept/`)) {
    const frame = await store.get(key)
    if (frame === null) continue
    const records = recordsKept(log, key, frame)
    const ours = records.filter(({ index, subject }) => isOf(index, subject))
    for (const { index } of ours) packs.add(Math.floor(index / PACK))
    if (ours.length > 0) yield { key, records }
  }
}

/** attacker: who can write to the store; what is no kept object of this key holds nothing, the audit names it. */
function recordsKept(log: string, key: string, frame: Uint8Array): HeldRecord[] {
  try {
    if (key !== keptKey(log, parseObjectKey(key).first, hash('sha256', frame, 'hex'))) return []
    return decodeKept(unpackSync(frame)).records.map(({ index, record }) => ({ log, index, subject: readFields(record)?.subject ?? '' }))
  } catch {
    return []
  }
}

function read(
  log: string,
  { segment }: StoredSegment,
  isOf: (index: number, subject: string) => boolean,
): { records: HeldRecord[]; objects: string[]; indexes: number[] } {
  const records: HeldRecord[] = []
  const objects: string[] = []
  const indexes: number[] = []
  for (let i = 0; i < segment.header.count; i++) {
    const bytes = segmentRecord(segment, i)
    const index = segment.header.first + i
    const subject = readFields(bytes)?.subject ?? ''
    records.push({ log, index, subject })
    if (!isOf(index, subject)) continue
    indexes.push(index)
    const digest = objectNamed(bytes)
    if (digest !== null) objects.push(digest)
  }
  return { records, objects, indexes }
}
