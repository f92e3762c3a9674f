import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { decodeSegment, segmentRecord } from '@sealtrail/evidence'
import type { Segment } from '@sealtrail/evidence'
import { leafHashInto, emptyRoot } from '@sealtrail/tlog'
import type { Frontier } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { Head, HeadStore } from '../head/head.ts'
import type { Store } from '../store/store.ts'
import type { HashFiles } from './tiles.ts'

const decompress = promisify(zstdDecompress)

export interface RecoverDeps {
  readonly log: string
  readonly origin: string
  readonly store: Store
  readonly heads: HeadStore
  readonly hashes: HashFiles
  /** Raw public keys of this writer's segment keys, base64. */
  readonly segmentKeys: ReadonlySet<string>
  /** Leaf bytes of committed records [from, to). */
  leaves(from: number, to: number): AsyncIterable<Uint8Array>
  /** Told what was found and done; for the log and the system trail. */
  report(finding: Finding): void
}

export type Finding =
  | { readonly kind: 'rolled-forward'; readonly log: string; readonly from: number; readonly to: number }
  | { readonly kind: 'hashes-rebuilt'; readonly log: string; readonly from: number; readonly to: number }
  | { readonly kind: 'orphan'; readonly log: string; readonly key: string; readonly why: string }

const PAD = 20

/**
 * Brings one log to its newest valid state before anything is accepted: creates its head, catches the hash files up, and
 * rolls the head forward over segments that were stored but not swapped in (DESIGN §3). Safe to die anywhere and run again.
 *
 * @throws SealtrailError HEAD_MISSING (no head over a store that is not empty), FORKED (two valid extensions), DATA_CORRUPT
 */
export async function recover(deps: RecoverDeps): Promise<Head> {
  let head = deps.heads.read(deps.log) ?? (await create(deps))
  await catchUpHashes(deps, head)
  for (;;) {
    const extension = await nextSegment(deps, head)
    if (extension === null) return head
    const next: Head = { size: extension.segment.trailer.size, root: extension.segment.trailer.root, segment: extension.key, digest: extension.digest }
    if (!deps.heads.swap(deps.log, head, next)) throw new SealtrailError('HEAD_LOST', `another writer moved the head of ${deps.log}`, { stopsLog: true })
    // Dying here: the head is right already, the hash files are caught up at the next start.
    deps.hashes.append(leafHashes(extension.segment))
    deps.report({ kind: 'rolled-forward', log: deps.log, from: head.size, to: next.size })
    head = next
  }
}

async function create(deps: RecoverDeps): Promise<Head> {
  for await (const { key } of deps.store.list(`${deps.log}/segment/`)) {
    throw new SealtrailError('HEAD_MISSING', `the store holds ${key} but ${deps.log} has no head; run \`sealtrail recover\``, { stopsLog: true })
  }
  const empty: Head = { size: 0, root: Buffer.from(emptyRoot()).toString('hex'), segment: '', digest: '' }
  if (!deps.heads.swap(deps.log, null, empty)) throw new SealtrailError('HEAD_LOST', `another writer created ${deps.log}`, { stopsLog: true })
  return empty
}

async function catchUpHashes(deps: RecoverDeps, head: Head): Promise<void> {
  const { hashes } = deps
  if (hashes.size > head.size) hashes.truncate(head.size)
  let from = hashes.size
  if (from === head.size && rootOf(hashes, head.size) === head.root) return
  if (from === head.size) from = 0 // as long as the log, and not the log: made again
  for (let attempt = 0; attempt < 2; attempt++) {
    hashes.truncate(from)
    await appendLeaves(deps, from, head.size)
    if (rootOf(hashes, head.size) === head.root) {
      deps.report({ kind: 'hashes-rebuilt', log: deps.log, from, to: head.size })
      return
    }
    if (from === 0) break
    from = 0
  }
  throw new SealtrailError('DATA_CORRUPT', `the segments of ${deps.log} do not hash to its head at size ${head.size}`, { stopsLog: true })
}

async function appendLeaves(deps: RecoverDeps, from: number, to: number): Promise<void> {
  const room = Buffer.alloc(4096 * 32)
  let filled = 0
  for await (const leaf of deps.leaves(from, to)) {
    leafHashInto(leaf, room, filled * 32)
    if (++filled === 4096) {
      deps.hashes.append(room)
      filled = 0
    }
  }
  if (filled > 0) deps.hashes.append(room.subarray(0, filled * 32))
}

/** The one valid segment that continues the head, or null. Attacker: anything may lie in the store under such a name. */
async function nextSegment(deps: RecoverDeps, head: Head): Promise<{ key: string; digest: string; segment: Segment } | null> {
  const valid: Array<{ key: string; digest: string; segment: Segment }> = []
  for await (const { key } of deps.store.list(`${deps.log}/segment/${String(head.size).padStart(PAD, '0')}-`)) {
    const frame = await deps.store.get(key)
    const digest = frame === null ? '' : hash('sha256', frame, 'hex')
    const why = frame === null ? 'cannot be read' : digest.slice(0, 32) !== key.slice(-32) ? 'its bytes are not those its name says' : null
    const checked = why ?? (await check(deps, head, frame as Uint8Array))
    if (typeof checked === 'string') deps.report({ kind: 'orphan', log: deps.log, key, why: checked })
    else valid.push({ key, digest, segment: checked })
  }
  if (valid.length > 1) {
    throw new SealtrailError('FORKED', `two segments continue ${deps.log} at size ${head.size}: ${valid.map(({ key }) => key).join(' and ')}`, { stopsLog: true })
  }
  return valid[0] ?? null
}

async function check(deps: RecoverDeps, head: Head, frame: Uint8Array): Promise<Segment | string> {
  let segment: Segment
  try {
    segment = decodeSegment(await decompress(frame, { maxOutputLength: 256 * 1024 * 1024 }))
  } catch (error) {
    return `it is no segment: ${error instanceof Error ? error.message : 'unreadable'}`
  }
  const { header, trailer } = segment
  if (!deps.segmentKeys.has(Buffer.from(trailer.signer).toString('base64'))) return 'it is signed by a key of nobody here'
  if (header.log !== deps.origin || header.first !== head.size) return 'it belongs elsewhere'
  const { previous } = header
  if (previous.size !== head.size || previous.root !== head.root || previous.segment !== head.digest) return 'it continues another head'
  const frontier: Frontier = deps.hashes.frontier()
  frontier.append(leafHashes(segment))
  if (Buffer.from(frontier.root()).toString('hex') !== trailer.root) return 'its records do not hash to its root'
  return segment
}

function leafHashes(segment: Segment): Uint8Array {
  const hashes = Buffer.alloc(segment.header.count * 32)
  for (let i = 0; i < segment.header.count; i++) leafHashInto(segmentRecord(segment, i), hashes, i * 32)
  return hashes
}

function rootOf(hashes: HashFiles, size: number): string {
  return Buffer.from(hashes.rootAt(size)).toString('hex')
}
