import { isSegmentSigned, splitSegment } from '@sealtrail/evidence'
import type { RecordChecks, SegmentHeader } from '@sealtrail/evidence'
import { parseVkey } from '@sealtrail/tlog'
import type { Policy } from '@sealtrail/tlog'
import { isRawLog } from '../event/raw-log.ts'
import { logsIn } from '../store/logs.ts'
import type { Store } from '../store/store.ts'
import { unpackSync } from '../store/unpack.ts'
import { Announced, announcingFirst, isAnnouncing } from './announced.ts'
import { auditLog, type AuditLogOptions } from './audit-log.ts'
import type { Frame } from './frames.ts'
import { keptHashes } from './kept-hashes.ts'
import type { LockAudit } from './locks.ts'
import { auditPolicy, type KeptCheckpoint, originOf } from './policy.ts'
import { promisedIn } from './promised.ts'
import { auditTimestamps } from './timestamps.ts'
import { lastCommitNoted, Signers, unvouchedFrom } from './signers.ts'
import { vkeyFor } from './trust.ts'
import type { LogVerdict, Note } from './verdict.ts'
import { readStored } from './stored.ts'

export interface AuditStoreOptions {
  readonly store: Store
  /** vkey of any log of the server, from elsewhere; null: consistency only. */
  readonly key: string | null
  /** Checkpoints kept elsewhere; each is held against the log it names, and decides where the log forks. */
  readonly kept: readonly KeptCheckpoint[]
  /** A witness policy from elsewhere. A store has no published checkpoint: one kept elsewhere must meet it. */
  readonly policy?: Policy
  /** Asks witnesses what they cosigned last of the log of this origin. */
  readonly askWitnesses?: (origin: string) => Promise<{ readonly kept: readonly KeptCheckpoint[]; readonly notes: readonly Note[] }>
  readonly tsaRoots?: readonly Uint8Array[]
  readonly logs?: readonly string[]
  /** Asks of every object what holds it; left out: not asked. */
  readonly locks?: LockAudit
  readonly onProgress?: (log: string, done: number, total: number) => void
}

/**
 * Audits every log of a store by itself: no head, no data directory. Which segments are the log follows from their chain.
 * What the store no longer has at the end of a log, together with what would show it, only a checkpoint kept elsewhere shows.
 */
export async function auditStore(options: AuditStoreOptions): Promise<LogVerdict[]> {
  const all = await logsIn(options.store)
  const key = options.policy?.logs[0]?.vkey ?? options.key
  const asked = all.filter((each) => options.logs?.includes(each) ?? true)
  const audited: { readonly verdict: LogVerdict; readonly signers: Signers }[] = []
  const announced = new Announced()
  for (const log of announcingFirst(all)) {
    const shown = asked.includes(log)
    // Audited also where it was not asked for: the others cannot be without what it says of them.
    if (!shown && !isAnnouncing(log)) continue
    const vkey = key === null ? null : vkeyFor(key, log, all)
    const views = vkey === null ? undefined : await options.askWitnesses?.(parseVkey(vkey).name)
    const kept = [...options.kept, ...(views?.kept ?? [])]
    let signers = new Signers()
    const before = async (frame: Frame): Promise<void> => {
      signers.take(frame)
      options.locks?.take(log, frame)
    }
    const of: AuditStoredLogOptions = { ...options, kept, log, vkey, segmentKeys: null, ...announced.of(log), before }
    let verdict = await auditStoredLog(of)
    if (verdict.root === null) {
      // Records and hashes are gone at once: the packs may still lead over the hole.
      signers = new Signers()
      verdict = await withPacks({ ...of, onExpiry: () => {}, onSound: () => {}, onSummaries: () => {}, before: async (frame) => signers.take(frame) })
    }
    verdict = await announced.heard(verdict, options.store)
    if (!shown) continue
    verdict = vouched(verdict, options.policy, vkey, kept, views?.notes ?? [])
    audited.push({ verdict: (await options.locks?.finish(verdict)) ?? verdict, signers })
  }
  audited.sort((a, b) => (a.verdict.log < b.verdict.log ? -1 : 1))
  const known = new Set(audited.flatMap(({ verdict, signers }) => (key === null ? [] : signers.before(unvouchedFrom(verdict) ?? verdict.size))))
  return audited.map(({ verdict, signers }) => {
    const from = unvouchedFrom(verdict)
    return from === null || !signers.isOnlyLast(from, known) ? verdict : lastCommitNoted(verdict, LAST_COMMIT)
  })
}

const LAST_COMMIT =
  'the store has no checkpoint of its last commit; it is signed by a writer that signed what checkpoints cover. --checkpoint with one kept elsewhere settles it'

/** What the witnesses say, by the checkpoint of this log that meets the policy best. */
function vouched(verdict: LogVerdict, policy: Policy | undefined, vkey: string | null, kept: readonly KeptCheckpoint[], notes: readonly Note[]): LogVerdict {
  const ours = kept.filter(({ note }) => originOf(note).endsWith(`/${verdict.log}`))
  const asked = policy === undefined || vkey === null ? [] : [...ours, null].map((note) => auditPolicy(policy, vkey, verdict.log, verdict.size, note))
  const best = asked.find(({ problems }) => problems.length === 0) ?? asked[0]
  const problems = [...verdict.problems, ...(best?.problems ?? [])]
  return { ...verdict, ok: problems.length === 0, problems, notes: [...verdict.notes, ...(best?.notes ?? []), ...notes] }
}

export interface AuditStoredLogOptions extends Pick<AuditStoreOptions, 'store' | 'kept' | 'tsaRoots' | 'onProgress'> {
  readonly log: string
  /** Of this log. */
  readonly vkey: string | null
  readonly segmentKeys: readonly Uint8Array[] | null
  readonly hashes?: AuditLogOptions['hashes']
  readonly before?: AuditLogOptions['before']
  readonly expired?: AuditLogOptions['expired']
  readonly onExpiry?: AuditLogOptions['onExpiry']
  readonly onSound?: AuditLogOptions['onSound']
  readonly logKeys?: AuditLogOptions['logKeys']
  readonly summaries?: AuditLogOptions['summaries']
  readonly onSummaries?: AuditLogOptions['onSummaries']
}

const RECORDS: RecordChecks = { form: 'scan', auditids: true, subjects: true }
const RAW: RecordChecks = { form: 'none', auditids: false, subjects: false }

/** Audits one log as the store has it. */
export async function auditStoredLog(options: AuditStoredLogOptions): Promise<LogVerdict> {
  const { log, store, vkey } = options
  const kept = options.kept.filter(({ note }) => originOf(note).endsWith(`/${log}`))
  const stamps = await auditTimestamps(null, log, store, options.tsaRoots ?? [])
  const verdict = await auditLog({
    log,
    store,
    head: null,
    checkpoints: [...stamps.checkpoints, ...kept],
    vkey,
    origin: vkey === null ? null : parseVkey(vkey).name,
    segmentKeys: options.segmentKeys,
    ...(options.hashes === undefined ? {} : { hashes: options.hashes }),
    ...(options.before === undefined ? {} : { before: options.before }),
    ...(options.expired === undefined ? {} : { expired: options.expired }),
    ...(options.onExpiry === undefined ? {} : { onExpiry: options.onExpiry }),
    ...(options.onSound === undefined ? {} : { onSound: options.onSound }),
    ...(options.logKeys === undefined ? {} : { logKeys: options.logKeys }),
    ...(options.summaries === undefined ? {} : { summaries: options.summaries }),
    ...(options.onSummaries === undefined ? {} : { onSummaries: options.onSummaries }),
    records: isRawLog(log) ? RAW : RECORDS,
    commitments: null,
    // attacker: a stamped checkpoint lies in the store itself, so it decides nothing unless a key from elsewhere signed it.
    promised: [...promisedIn(kept, vkey), ...(vkey === null ? [] : promisedIn(stamps.checkpoints, vkey))],
    onProgress: (done, total) => options.onProgress?.(log, done, total),
  })
  const problems = [...verdict.problems, ...stamps.problems]
  return {
    ...verdict,
    ok: problems.length === 0,
    problems,
    notes: [...verdict.notes, ...stamps.notes],
    timestamps: stamps.summary((object) => verdict.more === 0 && !verdict.problems.some((found) => found.object === object)),
  }
}

async function withPacks(options: AuditStoredLogOptions): Promise<LogVerdict> {
  const kept = await keptHashes(null, options.store, options.log, { packs: true })
  return auditStoredLog({ ...options, hashes: kept.read })
}

/** How a log calls itself, and a checkpoint of it: by its first segments. */
export interface StoredName {
  readonly origin: string
  /** The first signed note that a segment carries, or null. */
  readonly note: string | null
}

/** Segments looked at for a name and a checkpoint: the second one carries the first's. */
const LOOK_AT = 8

/** What the first segments of a log say of it, unchecked but for each segment's own signature; null when there is none. attacker: the store. */
export async function storedName(store: Store, log: string): Promise<StoredName | null> {
  let origin: string | null = null
  let seen = 0
  for await (const { key } of store.list(`${log}/segment/`)) {
    const header = await headerOf(store, key)
    origin ??= header?.log ?? null
    const note = header?.previous.checkpoint ?? ''
    if (origin !== null && note !== '') return { origin, note }
    if (++seen >= LOOK_AT && origin !== null) break
  }
  return origin === null ? null : { origin, note: null }
}

async function headerOf(store: Store, key: string): Promise<SegmentHeader | null> {
  const frame = await readStored(store, key)
  try {
    const segment = frame === null ? null : splitSegment(unpackSync(frame))
    return segment !== null && isSegmentSigned(segment) ? segment.header : null
  } catch {
    // The audit names it.
    return null
  }
}
