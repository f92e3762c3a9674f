import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, type ZstdOptions } from 'node:zlib'
import { segmentKey } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { Numbered } from '../event/numbered.ts'
import type { Head, HeadStore } from '../head/head.ts'
import type { Position } from '../event/position.ts'
import { crashPoint } from '../observe/crash-point.ts'
import { atLeast } from '../store/lock.ts'
import type { Lock, Store } from '../store/store.ts'
import { aboutSegment } from './about.ts'
import { build } from './build.ts'
import type { Built, SegmentSigner, Standing } from './build.ts'

const compressElsewhere = promisify(zstdCompress)
/** A frame of so little is made in less time than the way to another thread and back takes. */
const AT_ONCE = 32 * 1024
/**
 * One output buffer as large as needed: with zlib's 16 KiB a segment would cross to the thread pool and back dozens of
 * times, with a megabyte for each commit of one record the memory outside the heap provokes one full collection after another.
 */
function zstd(bytes: number): ZstdOptions {
  return {
    chunkSize: Math.min(Math.max(bytes, 1024), 1 << 20),
    pledgedSrcSize: bytes,
    params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
  }
}

export interface CommitDeps {
  readonly log: string
  readonly store: Store
  readonly heads: HeadStore
  readonly segmentSigner: SegmentSigner
  /** Signs the checkpoint of a head that is already committed. @throws SealtrailError KEY_UNAVAILABLE: asked again until it can be signed */
  signCheckpoint(head: Head): string
  lock(): Lock
  now(): number
  /** How a record among these is to be locked besides; absent where none is. */
  longer?(items: readonly Numbered[]): Lock | null
  /** Whether a legal hold is on one of these records, the first of which has this index; absent where nothing can be held. */
  legalHold?(items: readonly Numbered[], first: number): boolean
}

/** A segment ready to be stored. It is built once: a PUT that is tried again writes the same bytes under the same key. */
export interface Prepared {
  readonly built: Built
  readonly frame: Buffer
  readonly expected: Head
  /** Without the version, which the store gives. */
  readonly next: Head
  /** The segment is put under a legal hold by the very request that writes it. */
  readonly legalHold: boolean
  /** One of its records is to be locked so, besides the log's own lock. */
  readonly longer: Lock | null
}

export interface Committed extends Prepared {
  /** Signed note of exactly the head `next`. */
  readonly checkpoint: string
}

/** Builds and compresses the next segment. Nothing outside memory changes. @throws SealtrailError KEY_UNAVAILABLE, KEY_UNKNOWN: the segment could not be signed; try again */
export async function prepare(standing: Standing, items: readonly Numbered[], journal: Position, deps: CommitDeps): Promise<Prepared> {
  const built = build(standing, items, journal, deps.now(), deps.segmentSigner)
  const { length } = built.ndjson
  const frame = length <= AT_ONCE ? zstdCompressSync(built.ndjson, zstd(length)) : await compressElsewhere(built.ndjson, zstd(length))
  const digest = hash('sha256', frame, 'hex')
  const segment = segmentKey(deps.log, standing.head.size, digest)
  return {
    built,
    frame,
    expected: standing.head,
    next: { size: built.size, root: built.root, segment, digest },
    legalHold: deps.legalHold?.(items, standing.head.size) ?? false,
    longer: deps.longer?.(items) ?? null,
  }
}

/**
 * One commit, in the order of docs/flow.md. Each comment says what is true if the process dies there; recovery
 * (`recover.ts`) does nothing this function would not do itself. May be called again with the same argument after NOT_DURABLE.
 * Once the head is swapped only the checkpoint is left to be signed, and only that is tried again.
 *
 * @param again told why it could not be signed; whether to try once more. Resolves after a pause
 * @throws SealtrailError NOT_DURABLE (try again), HEAD_LOST (stop: another writer goes on)
 */
export async function commit(prepared: Prepared, deps: CommitDeps, again: (error: unknown) => Promise<boolean> = async () => false): Promise<Committed> {
  crashPoint('seal:before-put')
  // Dying here: nothing stored. The events are in the journal and are sealed after the restart.
  const about = aboutSegment(prepared.built)
  const lock = prepared.longer === null ? deps.lock() : atLeast(deps.lock(), prepared.longer)
  const { version } = await deps.store.put(prepared.next.segment, prepared.frame, lock, prepared.legalHold ? { ...about, legalHold: true } : about)
  const next: Head = version === null ? prepared.next : { ...prepared.next, version }
  crashPoint('seal:after-put')

  // Dying here: the segment stands, the head does not know it. Recovery finds exactly one valid extension and adopts it.
  if (!swap(deps, prepared.expected, next)) {
    // Another writer moved the head. Its log goes on, ours stops; our segment is an orphan and no checkpoint is signed for it.
    throw new SealtrailError('HEAD_LOST', `another writer moved the head of ${deps.log} on from size ${prepared.expected.size}`, { stopsLog: true })
  }
  crashPoint('seal:after-swap')

  // Dying here: committed. Ed25519 is deterministic, so signing the head again after the restart gives the same checkpoint.
  const checkpoint = await signed(next, deps, again)
  crashPoint('seal:after-sign')
  return { ...prepared, next, checkpoint }
}

async function signed(next: Head, deps: CommitDeps, again: (error: unknown) => Promise<boolean>): Promise<string> {
  for (;;) {
    try {
      return deps.signCheckpoint(next)
    } catch (error) {
      // The key's service is away: nobody has an answer, and nothing follows this commit before it is signed.
      if (!(await again(error))) throw error
    }
  }
}

/** A swap whose outcome is unknown is read back: the head itself says who won. */
function swap(deps: CommitDeps, expected: Head, next: Head): boolean {
  try {
    return deps.heads.swap(deps.log, expected, next)
  } catch (cause) {
    const stored = readBack(deps, cause)
    if (stored !== null && stored.size === next.size && stored.digest === next.digest) return true
    if (stored !== null && stored.size === expected.size && stored.digest === expected.digest) {
      throw new SealtrailError('NOT_DURABLE', `the head of ${deps.log} could not be swapped`, { cause })
    }
    return false
  }
}

function readBack(deps: CommitDeps, cause: unknown): Head | null {
  try {
    return deps.heads.read(deps.log)
  } catch {
    throw new SealtrailError('NOT_DURABLE', `the head of ${deps.log} can be neither swapped nor read`, { cause })
  }
}
