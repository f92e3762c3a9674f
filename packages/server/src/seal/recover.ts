import { segmentRecord } from '@sealtrail/evidence'
import type { Segment } from '@sealtrail/evidence'
import { emptyRoot, leafHashInto } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { Head, HeadStore } from '../head/head.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { SegmentReader } from '../store/segments.ts'
import { withVersion } from '../store/pinned.ts'
import type { Store } from '../store/store.ts'
import { restoreHashFiles } from './hashpacks.ts'
import type { HashFiles } from './tiles.ts'

export interface RecoverDeps {
  readonly log: string
  readonly origin: string
  readonly store: Store
  readonly segments: SegmentReader
  readonly heads: HeadStore
  readonly hashes: HashFiles
  /** Raw public keys of this writer's segment keys, base64. */
  readonly segmentKeys: ReadonlySet<string>
  /** Told what was found and done, in words; for the server's log and the system trail. */
  report(finding: string): void
}

/**
 * Brings one log to its newest valid state before anything is accepted: creates its head, makes the hash files those of
 * the head, and rolls the head forward over segments that were stored but not swapped in (docs/flow.md, "What a start
 * finds"). Safe to die anywhere and run again.
 *
 * @throws SealtrailError HEAD_MISSING (no head over a store that is not empty), FORKED (two valid extensions), DATA_CORRUPT
 */
export async function recover(deps: RecoverDeps): Promise<Head> {
  const { log, heads, hashes, report } = deps
  let head = heads.read(log) ?? (await create(deps))
  const files = await restoreHashFiles({ log, files: hashes, store: deps.store, segments: deps.segments, head })
  if (files !== 'kept') report(`${log}: hash files ${files} up to size ${head.size}`)
  for (;;) {
    const extension = await nextSegment(deps, head)
    if (extension === null) return head
    // What `put` would have told the writer that died.
    const next = await withVersion(deps.store, extension.next)
    if (!heads.swap(log, head, next)) throw new SealtrailError('HEAD_LOST', `another writer moved the head of ${log}`, { stopsLog: true })
    crashPoint('recover:after-swap')
    // Dying here: the head is right already, the hash files are made to fit at the next start.
    hashes.append(leafHashes(extension.segment))
    report(`${log}: head rolled forward from size ${head.size} to ${next.size} over a segment that was stored but not swapped in`)
    head = next
  }
}

async function create({ log, store, heads }: RecoverDeps): Promise<Head> {
  for await (const { key } of store.list(`${log}/segment/`)) {
    // Never size 0 over a store that is not empty: a second log would begin under the first one's name.
    throw new SealtrailError('HEAD_MISSING', `the store holds ${key} but ${log} has no head`, { stopsLog: true })
  }
  const empty: Head = { size: 0, root: Buffer.from(emptyRoot()).toString('hex'), segment: '', digest: '' }
  if (!heads.swap(log, null, empty)) throw new SealtrailError('HEAD_LOST', `another writer created ${log}`, { stopsLog: true })
  crashPoint('recover:created')
  return empty
}

/** The one valid segment that continues the head, or null. Attacker: anything may lie in the store under such a name. */
async function nextSegment(deps: RecoverDeps, head: Head): Promise<{ segment: Segment; next: Head } | null> {
  const valid: Array<{ segment: Segment; next: Head }> = []
  for (const { key, digest, segment } of await deps.segments.extensions(deps.log, head)) {
    const why = refuse(deps, head, segment)
    if (why !== null) deps.report(`${deps.log}: ${key} is not part of the log: ${why}`)
    else valid.push({ segment, next: { size: segment.trailer.size, root: segment.trailer.root, segment: key, digest } })
  }
  if (valid.length > 1) {
    throw new SealtrailError(
      'FORKED',
      `${valid.length} segments continue ${deps.log} at size ${head.size}: ${valid.map(({ next }) => next.segment).join(' and ')}`,
      { stopsLog: true },
    )
  }
  return valid[0] ?? null
}

function refuse(deps: RecoverDeps, head: Head, segment: Segment): string | null {
  const { header, trailer } = segment
  if (!deps.segmentKeys.has(Buffer.from(trailer.signer).toString('base64'))) return 'it is signed by a key this server does not have'
  if (header.log !== deps.origin) return 'it belongs to another log'
  if (header.previous.size !== head.size || header.previous.root !== head.root) return 'it continues another head'
  const frontier = deps.hashes.frontier()
  frontier.append(leafHashes(segment))
  return Buffer.from(frontier.root()).toString('hex') === trailer.root ? null : 'its records do not hash to its root'
}

function leafHashes(segment: Segment): Uint8Array {
  const hashes = Buffer.alloc(segment.header.count * 32)
  for (let i = 0; i < segment.header.count; i++) leafHashInto(segmentRecord(segment, i), hashes, i * 32)
  return hashes
}
