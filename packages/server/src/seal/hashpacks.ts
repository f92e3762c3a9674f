import { checkHashPack, checkHashTail, hashPackKeyOf, PACK_LEAVES, segmentRecord } from '@sealtrail/evidence'
import { leafHashInto } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { Head } from '../head/head.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { SegmentReader } from '../store/segments.ts'
import type { Lock, Store } from '../store/store.ts'
import type { HashFiles } from './tiles.ts'

/** A pack has no name of its format in it: it is hashes and nothing else. */
const ABOUT = { format: 'sealtrail/hashes/1' }

/** Leaves [0, n) that stand in hash packs of the store, gapless from 0; a multiple of 65,536. */
export async function packedSize(store: Store, log: string): Promise<number> {
  let size = 0
  for await (const { key } of store.list(`${log}/hashes/`)) if (firstOf(key) === size) size += PACK_LEAVES
  return size
}

/**
 * Stores every hash pack that is due: full runs of 65,536 leaves below `committed` that are not in `packed` yet, then
 * makes the level files durable up to there. Resolves to the leaves now in packs. A pack holds committed leaves only.
 * @throws SealtrailError NOT_DURABLE; nothing is lost, the next call tries again.
 */
export async function storeHashPacks(log: string, files: HashFiles, store: Store, packed: number, committed: number, lock: Lock): Promise<number> {
  let stored = packed
  for (; stored + PACK_LEAVES <= committed; stored += PACK_LEAVES) {
    const bytes = files.leaves(stored, stored + PACK_LEAVES)
    crashPoint('hashes:before-put')
    await store.put(hashPackKeyOf(log, stored, bytes), bytes, lock, ABOUT)
    // Dying here: the pack stands, and the next start finds it; until then it would be stored again, to the same bytes.
    crashPoint('hashes:after-put')
  }
  if (stored > packed) await files.sync()
  return stored
}

export interface RestoreDeps {
  readonly log: string
  readonly files: HashFiles
  readonly store: Store
  readonly segments: SegmentReader
  /** Committed. */
  readonly head: Head
  onProgress?(done: number, total: number): void
}

/**
 * Makes the level files those of exactly the committed head: cuts what was never committed, reads what a crash lost from
 * the segments, and when that does not lead to the head's root, makes everything again from packs and segments. Says what it did.
 * @throws SealtrailError DATA_CORRUPT when the store leads to another root than the head: the log must not go on.
 */
export async function restoreHashFiles(deps: RestoreDeps): Promise<'kept' | 'extended' | 'rebuilt'> {
  const { files, head } = deps
  if (files.size >= head.size) {
    files.truncate(head.size)
    if (fits(files, head)) return 'kept'
  }
  // Below the synced size the files are what they were; above it a crash may have kept anything.
  files.truncate(Math.min(files.size, files.syncedSize(), head.size))
  if (files.size > 0) {
    // A segment that cannot be read here may be spanned by a pack below.
    const whole = await extend(deps).then(
      () => true,
      () => false,
    )
    if (whole && fits(files, head)) return 'extended'
    files.truncate(0)
  }
  await takePacks(deps)
  await takeTails(deps)
  await extend(deps)
  if (!fits(files, head)) {
    files.truncate(0)
    await extend(deps)
  }
  if (!fits(files, head))
    throw new SealtrailError('DATA_CORRUPT', `log ${deps.log}: the segments lead to another root than the head at size ${head.size}`, { stopsLog: true })
  await files.sync()
  return 'rebuilt'
}

function fits(files: HashFiles, head: Head): boolean {
  return Buffer.from(files.rootAt(head.size)).toString('hex') === head.root
}

/** Appends the leaf hashes of the committed segments from the files' size up to the head. */
async function extend({ log, files, segments, head, onProgress }: RestoreDeps): Promise<void> {
  for await (const { segment } of segments.segments(log, files.size, head.size)) {
    const { header } = segment
    if (header.first > files.size) throw new SealtrailError('DATA_CORRUPT', `log ${log}: no pack, tail or segment holds the hash of record ${files.size}`)
    const skip = files.size - header.first
    const hashes = new Uint8Array((header.count - skip) * 32)
    for (let i = skip; i < header.count; i++) leafHashInto(segmentRecord(segment, i), hashes, (i - skip) * 32)
    files.append(hashes)
    onProgress?.(files.size, head.size)
  }
}

/** Appends the packs below the head, as far as they are whole and gapless. They are believed only if the root fits in the end. */
async function takePacks({ log, files, store, head }: RestoreDeps): Promise<void> {
  for await (const { key } of store.list(`${log}/hashes/`)) {
    if (firstOf(key) !== files.size || files.size + PACK_LEAVES > head.size) continue
    const bytes = await store.get(key)
    if (bytes === null) return
    try {
      checkHashPack(key, bytes)
    } catch {
      return
    }
    files.append(bytes)
  }
}

/** Appends the tails behind the packs: records that expired before their pack was full. Believed as packs are. */
async function takeTails({ log, files, store, head }: RestoreDeps): Promise<void> {
  for await (const { key, size } of store.list(`${log}/tail/`)) {
    const first = firstOf(key)
    const to = first + Math.floor(size / 32)
    if (first < 0 || first > files.size || to <= files.size || to > head.size) continue
    const bytes = await store.get(key)
    if (bytes === null) continue
    try {
      checkHashTail(key, bytes)
    } catch {
      continue
    }
    files.append(bytes.subarray((files.size - first) * 32))
  }
}

function firstOf(key: string): number {
  return Number(/\/(\d{20})-[0-9a-f]{32}$/.exec(key)?.[1] ?? -1)
}
