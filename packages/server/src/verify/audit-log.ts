import { LogAudit, parseObjectKey, PROBLEMS } from '@sealtrail/evidence'
import type { ExpiredRange, RecordChecks, SummaryClaim } from '@sealtrail/evidence'
import { parseVkey } from '@sealtrail/tlog'
import type { Head } from '../head/head.ts'
import type { Store } from '../store/store.ts'
import { decidedFrames } from './branches.ts'
import type { Promised } from './branches.ts'
import { committedFrames } from './chain.ts'
import type { CommitmentCheck } from './commitments.ts'
import { expiriesIn } from './expiries.ts'
import { FrameReader } from './frames.ts'
import type { Frame } from './frames.ts'
import { auditKept } from './kept.ts'
import { checkObjects } from './objects.ts'
import { isSummaryLog, SummaryCheck } from './summaries.ts'
import { storedHashes } from './stored-hashes.ts'
import { ownVkey } from './trust.ts'
import { Unpacker } from './unpacker.ts'
import type { FoundProblem, LogVerdict, Note } from './verdict.ts'
import { readStored } from './stored.ts'

export interface AuditLogOptions {
  readonly log: string
  readonly store: Store
  /** Null: there is none (or it cannot be read, which the caller reports). */
  readonly head: Head | null
  /** Signed notes that should be of this log, with the name of where they were found. */
  readonly checkpoints: readonly { readonly object: string; readonly note: string }[]
  /** vkey the checkpoints must be signed with, or null. */
  readonly vkey: string | null
  /** What the segments must call their log, or null: whatever the first one says. */
  readonly origin: string | null
  /** Raw public keys one of which must have signed each segment; null: any. */
  readonly segmentKeys: readonly Uint8Array[] | null
  /** Leaf hashes [first, first + count) kept outside the segments, or null. */
  readonly hashes?: (first: number, count: number) => Uint8Array | null
  readonly records: RecordChecks
  /** What the log `system` says has expired of this log. */
  readonly expired?: readonly ExpiredRange[]
  /** Told of each expiry that a sound segment of this log announces: asked of the log `system`. */
  readonly onExpiry?: (range: ExpiredRange) => void
  /** Told of each sound segment of this log: asked of the log `system`. */
  readonly onSound?: (ndjson: Uint8Array) => void
  /** Public keys (base64) the logs were signed with at some time; asked at the end. */
  readonly logKeys?: () => readonly string[]
  /** What logs of summaries say was made of this log. */
  readonly summaries?: readonly SummaryClaim[]
  /** Told what this log, if it is one of summaries, says of others. */
  readonly onSummaries?: (claims: readonly SummaryClaim[]) => void
  /** Looks each record's commitments up; null: not checked. */
  readonly commitments: CommitmentCheck | null
  /** States of the log kept elsewhere, which decide where no head says which segments are the log's. */
  readonly promised?: readonly Promised[]
  /** Told of each frame before the audit takes it, with the leaves taken so far; it may make kept hashes available. */
  readonly before?: (frame: Frame, size: number) => Promise<void>
  /** Told after each segment: leaves done, and the leaves to come, about. */
  readonly onProgress: (done: number, total: number) => void
}

/** Audits one log: everything the store holds of it, against itself, the head, the checkpoints and the vault. */
export async function auditLog(options: AuditLogOptions): Promise<LogVerdict> {
  const { log, store, head, vkey, commitments } = options
  const problems: FoundProblem[] = []
  const notes: Note[] = []
  const expired = options.expired ?? []
  const proofs = await storedHashes(store, log, expired)
  const signers = options.segmentKeys?.map((key) => Buffer.from(key).toString('base64')) ?? null
  const audit = new LogAudit({
    log,
    origin: options.origin,
    trust: vkey,
    signer: null,
    records: options.records,
    ...(options.hashes === undefined ? {} : { hashes: options.hashes }),
    expired: { ranges: expired, hashes: proofs.read },
    ...(options.summaries === undefined ? {} : { summaries: options.summaries }),
    ...earlierOf(options),
  })
  const summed = isSummaryLog(log) ? new SummaryCheck(log) : null
  const tails: string[] = []
  for await (const { key, size } of store.list(`${log}/tail/`)) {
    tails.push(key)
    audit.expectHashTail(key, size)
  }

  const keys: string[] = []
  for await (const { key } of store.list(`${log}/segment/`)) keys.push(key)
  // Without a head the last segment says about how far it goes.
  const promised = head?.size ?? (keys.length === 0 ? 0 : parseObjectKey(keys.at(-1) as string).first)
  let digest: string | null = ''
  const report = { problem: (found: FoundProblem): void => void problems.push(found), note: (note: Note): void => void notes.push(note) }
  const unpacker = new Unpacker(keys.length)
  try {
    const reader = new FrameReader(store, unpacker)
    const frames =
      head === null
        ? decidedFrames(keys, reader, { promised: options.promised ?? [], signers: signers === null ? null : new Set(signers) }, report)
        : committedFrames(keys, reader, head, () => ({ size: audit.size, digest }), report)
    for await (const frame of frames) {
      const before = audit.size
      await options.before?.(frame, before)
      if ('fault' in frame.content) audit.unreadable(frame.key, frame.content.fault)
      else {
        const faults = audit.faults
        audit.segment(frame.key, frame.digest, frame.content.ndjson, frame.content.facts ?? undefined)
        if (audit.faults === faults) summed?.segment(parseObjectKey(frame.key).first, frame.content.ndjson)
        if (audit.faults === faults) options.onSound?.(frame.content.ndjson)
        if (options.onExpiry !== undefined && audit.faults === faults) for (const range of expiriesIn(frame.content.ndjson)) options.onExpiry(range)
        if (signers !== null && audit.size > before && !signers.includes(signerOf(frame.content.ndjson))) {
          problems.push({ index: before, object: frame.key, code: 'SEGMENT_SIGNER', message: PROBLEMS.SEGMENT_SIGNER })
        }
        const { first } = parseObjectKey(frame.key)
        const objects = await checkObjects(log, first, frame.content.ndjson, store)
        problems.push(...objects.problems)
        await commitments?.segment(frame.key, first, frame.content.ndjson, objects.digests)
      }
      digest = audit.size > before ? frame.digest : null
      options.onProgress(audit.size, Math.max(audit.size, promised))
    }
  } finally {
    unpacker.close()
  }

  for await (const { key } of store.list(`${log}/hashes/`)) {
    const bytes = await readStored(store, key)
    audit.hashPack(key, bytes ?? new Uint8Array(0))
  }
  for (const key of tails) audit.hashTail(key, (await readStored(store, key)) ?? new Uint8Array(0))
  audit.expectHashPacks()
  const kept = await auditKept(log, store, expired, options.origin, commitments)
  problems.push(...kept.problems)
  for (const { object, note } of kept.checkpoints) audit.checkpoint(object, note)
  for (const { object, note } of options.checkpoints) audit.checkpoint(object, note)
  if (head !== null) audit.head(head)
  const checked = audit.summaries()
  if (options.summaries !== undefined && options.summaries.length > 0)
    notes.push({ object: log, message: `${checked} of ${options.summaries.length} summaries were held against the records they are made of` })
  if (summed !== null) {
    problems.push(...summed.problems)
    options.onSummaries?.(summed.claims)
    if (summed.more > 0) notes.push({ object: log, message: `${summed.more} summaries were not held against their records: too many for one pass` })
  }
  const found = await commitments?.finish()
  const result = audit.result()
  proofs.close()
  for (const range of result.expired) {
    notes.push({ object: log, message: `records ${range.from} to ${range.to - 1} expired under ${range.class} on ${range.on}` })
  }
  const expiredRecords = result.expired.reduce((sum, { from, to }) => sum + to - from, 0) - kept.records
  if (kept.records > 0) notes.push({ object: log, message: `${kept.records} records are kept longer than their segments` })
  const all = [...result.problems, ...problems, ...(found?.problems ?? [])]
  return {
    ok: all.length === 0,
    log,
    size: result.size,
    root: result.root,
    trust: result.trust,
    problems: all,
    more: result.more + (found?.more ?? 0),
    notes,
    commitments: found === undefined ? null : { ...found.counts, ...(expiredRecords > 0 ? { expired: expiredRecords } : {}) },
  }
}

/** Other keys of the log, as vkeys under the name that the trusted one has. */
function earlierOf({ vkey, logKeys }: Pick<AuditLogOptions, 'vkey' | 'logKeys'>): { readonly earlier?: () => readonly string[] } {
  if (vkey === null || logKeys === undefined) return {}
  const { name } = parseVkey(vkey)
  return { earlier: () => logKeys().map((key) => ownVkey(name, Buffer.from(key, 'base64'))) }
}

/** The segment key that the trailer names, base64; '' when there is none. The trailer's form is the audit's to check. */
function signerOf(ndjson: Uint8Array): string {
  const trailer = Buffer.from(ndjson.buffer, ndjson.byteOffset + Math.max(0, ndjson.length - 512), Math.min(512, ndjson.length))
  return /"signer":"([A-Za-z0-9+/=]+)","size":\d+\}\n$/.exec(trailer.latin1Slice())?.[1] ?? ''
}
