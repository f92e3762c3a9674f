import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordChecks } from '@sealtrail/evidence'
import { parseVkey } from '@sealtrail/tlog'
import type { Policy } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { isRawLog } from '../event/raw-log.ts'
import type { Head, HeadStore } from '../head/head.ts'
import { checkpointFolder, checkpointPath } from '../seal/checkpoint.ts'
import { logsIn } from '../store/logs.ts'
import type { Store } from '../store/store.ts'
import { Announced, announcingFirst, isAnnouncing } from './announced.ts'
import { auditLog } from './audit-log.ts'
import type { AuditLogOptions } from './audit-log.ts'
import type { CommitmentCheck } from './commitments.ts'
import type { ErasedIn } from './erasures.ts'
import { checkDatabases, readTiles, readTilesBeside, tilesProblem } from './derived.ts'
import type { Frame } from './frames.ts'
import { keptHashes } from './kept-hashes.ts'
import type { LockAudit } from './locks.ts'
import { auditTimestamps } from './timestamps.ts'
import { auditPolicy, originOf, publishedIn } from './policy.ts'
import type { KeptCheckpoint } from './policy.ts'
import { promisedIn } from './promised.ts'
import { ownVkey, vkeyFor } from './trust.ts'
import { type FoundProblem, type LogVerdict, type Note, problem } from './verdict.ts'

/** Bytes of the store that are no whole object, as the file store reports them. */
export interface StoreDamage {
  readonly log: string
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly why: string
}

export interface AuditDataOptions {
  /** Opened read-only. */
  readonly store: Store & { damage?(): readonly StoreDamage[] }
  /** The heads, or why they cannot be read; null when there is no head file. */
  readonly heads: HeadStore | { readonly fault: string } | null
  /** vkey of any log of this server, from elsewhere than the data directory; null: consistency only. */
  readonly key: string | null
  /** A witness policy from elsewhere, which the published checkpoints must meet. Its log key, if it names one, goes before `key`. */
  readonly policy?: Policy
  /** Checkpoints kept elsewhere; each is held against the log it names. */
  readonly kept?: readonly KeptCheckpoint[]
  /** Asks witnesses what they cosigned last of the log of this origin. */
  readonly askWitnesses?: (origin: string) => Promise<{ readonly kept: readonly KeptCheckpoint[]; readonly notes: readonly Note[] }>
  /** The keyring's own public keys: signatures are then checked, though nothing is said of who signed. */
  readonly own: { readonly log: Uint8Array; readonly logs?: readonly Uint8Array[]; readonly segment: readonly Uint8Array[] } | null
  /**
   * Opens what looks commitments up, per log; null: no vault at hand. Called once the files were checked, since opening
   * a database rewrites some; `damaged` says that the vault's own are, and then it must not be opened.
   */
  readonly openCommitments: ((damaged: boolean) => Promise<((log: string, erased: ErasedIn) => CommitmentCheck) | null>) | null
  /** DER of trusted time-stamp roots; none: the tokens are consistent at most. */
  readonly tsaRoots?: readonly Uint8Array[]
  readonly records?: RecordChecks
  /** Logs to audit; all when not given. */
  readonly logs?: readonly string[]
  /** Asks of every object what holds it; left out: not asked. */
  readonly locks?: LockAudit
  readonly onProgress?: (log: string, done: number, total: number) => void
}

const RECORDS: RecordChecks = { form: 'scan', auditids: true, subjects: true }
const RAW: RecordChecks = { form: 'none', auditids: false, subjects: false }

/**
 * Audits every log of a data directory that no server holds open, and changes nothing in it. One verdict a log, and one
 * for `*` when something is wrong that concerns no single log.
 *
 * Not found, because nothing in the directory can show it: everything set back together to an earlier state. A witness's
 * checkpoint or one receipt from after that time shows it.
 */
export async function auditData(directory: string, options: AuditDataOptions): Promise<LogVerdict[]> {
  const { store } = options
  const heads = options.heads === null || 'fault' in options.heads ? null : options.heads
  const shared: FoundProblem[] = await checkDatabases(directory)
  if (options.heads !== null && 'fault' in options.heads) shared.push(problem('HEAD_UNREADABLE', 'head.sqlite', null, options.heads.fault))
  const commitments = (await options.openCommitments?.(shared.some(({ code }) => code === 'VAULT_UNREADABLE'))) ?? null
  const damage = store.damage?.() ?? []
  const all = await logsOf(directory, store, heads)
  const logs = all.filter((log) => options.logs?.includes(log) ?? true)
  const verdicts: LogVerdict[] = []
  const announced = new Announced(options.own?.logs)
  const { onProgress: _, ...unseen } = options
  for (const log of announcingFirst(all)) {
    if (!logs.includes(log)) {
      // Not asked for, and the others cannot be audited without what it says of them.
      if (isAnnouncing(log)) await announced.heard(await auditOne(directory, log, all, heads, unseen, { commitments: null, ...announced.of(log) }), store)
      continue
    }
    const said = { commitments: commitments?.(log, announced.erasures.in(log)) ?? null, ...announced.of(log) }
    const verdict = await announced.heard(await auditOne(directory, log, logs, heads, options, said), store)
    const ours = damage.filter((each) => each.log === log)
    const headers = ours.filter(({ why }) => why === 'header damaged').map((each) => problem('OBJECT_HEADER', placeOf(each), null))
    const torn = ours
      .filter(({ why }) => why !== 'header damaged')
      .map((each): Note => ({ object: placeOf(each), message: `${each.length} bytes are no whole object (${each.why})` }))
    const problems = [...verdict.problems, ...headers]
    const whole: LogVerdict = { ...verdict, ok: problems.length === 0, problems, notes: [...verdict.notes, ...torn] }
    verdicts.push(options.locks === undefined ? whole : await options.locks.finish(whole))
  }
  verdicts.sort((a, b) => (a.log < b.log ? -1 : 1))
  if (shared.length > 0)
    verdicts.push({
      ok: false,
      log: '*',
      size: 0,
      root: null,
      trust: 'none',
      problems: shared,
      more: 0,
      notes: [],
      commitments: null,
    })
  return verdicts
}

interface OfLog extends Pick<AuditLogOptions, 'expired' | 'onExpiry' | 'onSound' | 'logKeys' | 'summaries' | 'onSummaries'> {
  readonly commitments: CommitmentCheck | null
}

async function auditOne(
  directory: string,
  log: string,
  logs: readonly string[],
  heads: HeadStore | null,
  options: AuditDataOptions,
  { commitments, onExpiry, onSound, onSummaries, ...said }: OfLog,
): Promise<LogVerdict> {
  const { store, own } = options
  const key = options.policy?.logs[0]?.vkey ?? options.key
  const problems: FoundProblem[] = []
  let head: Head | null = null
  const checkpoints: { object: string; note: string }[] = []
  try {
    head = heads?.read(log) ?? null
    if (head?.version !== undefined) options.locks?.pin(head.segment, head.version)
    const copy = heads?.checkpoint(log) ?? null
    if (copy !== null) checkpoints.push({ object: 'head.sqlite', note: copy })
  } catch (error) {
    problems.push(problem('HEAD_UNREADABLE', 'head.sqlite', null, error instanceof SealtrailError ? error.code : undefined))
  }
  const path = checkpointPath(directory, log)
  const committed = existsSync(path) ? readFileSync(path, 'utf8') : null
  if (committed !== null) checkpoints.push({ object: `checkpoint/${log}`, note: committed })
  const stamps = await auditTimestamps(directory, log, store, options.tsaRoots ?? [])
  checkpoints.push(...stamps.checkpoints)
  const published = publishedIn(directory, log)
  checkpoints.push(...(published === null ? [] : [published]), ...(options.kept ?? []).filter(({ note }) => originOf(note).endsWith(`/${log}`)))

  // The name of the key only: what it signed decides, not what a file says it is called.
  const origin = checkpoints.map(({ note }) => note.slice(0, note.indexOf('\n'))).find((line) => line.endsWith(`/${log}`))
  const vkey = key !== null ? vkeyFor(key, log, logs) : own !== null && origin !== undefined ? ownVkey(origin, own.log) : null
  const asked = vkey === null ? undefined : await options.askWitnesses?.(parseVkey(vkey).name)
  checkpoints.push(...(asked?.kept ?? []))
  const run = async (packs: boolean): Promise<LogVerdict> => {
    const kept = await keptHashes(join(directory, 'tiles', log), store, log, { packs })
    try {
      return await auditLog({
        log,
        store,
        head,
        checkpoints,
        vkey,
        origin: vkey === null ? null : parseVkey(vkey).name,
        segmentKeys: own?.segment ?? null,
        hashes: kept.read,
        records: isRawLog(log) ? RAW : (options.records ?? RECORDS),
        ...said,
        // Once is enough.
        ...(onExpiry === undefined || packs ? {} : { onExpiry }),
        ...(onSound === undefined || packs ? {} : { onSound }),
        ...(onSummaries === undefined || packs ? {} : { onSummaries }),
        commitments: packs || isRawLog(log) ? null : commitments,
        ...(options.locks === undefined || packs ? {} : { before: async (frame: Frame) => options.locks?.take(log, frame) }),
        promised: [
          ...promisedIn(
            (options.kept ?? []).filter(({ note }) => originOf(note).endsWith(`/${log}`)),
            vkey,
          ),
          ...(vkey === null ? [] : promisedIn(checkpoints, vkey)),
        ],
        onProgress: (done, total) => options.onProgress?.(log, done, total),
      })
    } finally {
      kept.close()
    }
  }
  const tiles = join(directory, 'tiles', log)
  // A thread that dies says nothing about the files: they are read again below.
  const beside = readTilesBeside(tiles, head?.size ?? 0).catch(() => null)
  let verdict = await run(false)
  // Segments and level files damaged at once: the packs still say which records changed, and let the audit go on behind a hole.
  if (verdict.root === null) verdict = withCommitments(await run(true), verdict)

  if (head === null && verdict.size > 0 && problems.length === 0 && (options.heads === null || heads !== null))
    problems.push(problem('HEAD_MISSING', 'head.sqlite', null))
  if (committed === null && verdict.size > 0) problems.push(problem('DERIVED_CHECKPOINT', `checkpoint/${log}`, null))
  const early = await beside
  if (verdict.root !== null && verdict.size > 0) {
    const found = early !== null && verdict.size === head?.size ? early : readTiles(tiles, verdict.size)
    problems.push(...tilesProblem(found, `tiles/${log}`, verdict.root))
  }
  const vouched = options.policy === undefined || vkey === null ? null : auditPolicy(options.policy, vkey, log, verdict.size, published)
  const all = [...verdict.problems, ...problems, ...stamps.problems, ...(vouched?.problems ?? [])]
  const notes = isRawLog(log) ? [...verdict.notes, { object: log, message: 'a raw log, made by load tests: its leaves are not records' }] : verdict.notes
  return {
    ...verdict,
    notes: [...notes, ...stamps.notes, ...(vouched?.notes ?? []), ...(asked?.notes ?? [])],
    trust: key === null ? 'none' : verdict.trust,
    ok: all.length === 0,
    problems: all,
    timestamps: stamps.summary((object) => verdict.more === 0 && !verdict.problems.some((found) => found.object === object)),
  }
}

/** The second run of an audit, with what the first one found in the vault. */
function withCommitments(second: LogVerdict, first: LogVerdict): LogVerdict {
  const found = first.problems.filter(({ code }) => code.startsWith('VAULT_'))
  return { ...second, ok: false, problems: [...second.problems, ...found], commitments: first.commitments }
}

async function logsOf(directory: string, store: Store, heads: HeadStore | null): Promise<string[]> {
  const logs = new Set<string>()
  try {
    for (const log of heads?.logs() ?? []) logs.add(log)
  } catch {
    // Reported with each log that the store has.
  }
  for (const folder of [join(directory, 'tiles'), checkpointFolder(directory)]) {
    if (existsSync(folder)) for (const name of readdirSync(folder)) if (!name.includes('.next')) logs.add(name)
  }
  for (const log of await logsIn(store)) logs.add(log)
  return [...logs].sort()
}

function placeOf({ log, file, offset }: StoreDamage): string {
  return `store/${log}/${file} at ${offset}`
}
