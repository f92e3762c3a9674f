import type { ExpiredRange } from '@sealtrail/evidence'
import { parseCheckpoint, parseNote, parseVkey } from '@sealtrail/tlog'
import type { Head } from '../head/head.ts'
import type { HashFiles } from '../seal/tiles.ts'
import type { Store } from '../store/store.ts'
import type { AuditLogOptions } from '../verify/audit-log.ts'
import { type Frame, segmentIn } from '../verify/frames.ts'
import type { KeptCheckpoint } from '../verify/policy.ts'
import { isSignedBy, promisedIn } from '../verify/promised.ts'
import { ownVkey } from '../verify/trust.ts'
import { auditStoredLog } from '../verify/store.ts'
import { lastCommitNoted } from '../verify/signers.ts'
import type { LogVerdict } from '../verify/verdict.ts'
import { HashFileMaker, type Hole } from './hash-files.ts'

export interface RecoverLogOptions {
  readonly log: string
  /** Read only. */
  readonly store: Store
  /** Of no leaves; filled and not synced. */
  readonly files: HashFiles
  /** The log's key, from its keyring or from elsewhere; null: nobody says who signed. */
  readonly vkey: string | null
  /** Raw public keys of the writer, from its keyring; null: not at hand. */
  readonly segmentKeys: readonly Uint8Array[] | null
  /** Of this log, kept elsewhere than the store. */
  readonly kept: readonly KeptCheckpoint[]
  /** What the log `system` says has expired of this log. */
  readonly expired?: AuditLogOptions['expired']
  /** Public keys (base64) the logs were signed with at some time, as their keyring and the log `system` say. */
  readonly logKeys?: AuditLogOptions['logKeys']
  /** Told of what this log, if it is `system`, says has expired. */
  readonly onExpiry?: AuditLogOptions['onExpiry']
  readonly onProgress?: (log: string, done: number, total: number) => void
}

/** What the store alone says of a log. */
export interface FoundLog {
  /** The whole audit of what the store has. */
  readonly verdict: LogVerdict
  /** Where the log stands, or null with the reason. */
  readonly head: Head | null
  readonly refused: string | null
  /** The newest checkpoint found of exactly this history, or null; it may be of a smaller size. */
  readonly checkpoint: string | null
  readonly holes: readonly Hole[]
  /** RFC 3339, of the last segment. */
  readonly sealed: string | null
}

/** Problems that say the store has less than, or another history than, somebody was promised. */
const PROMISE_BROKEN = new Set(['CHECKPOINT_BEYOND', 'CHECKPOINT_MISMATCH', 'CHECKPOINT_LOG', 'CHECKPOINT_FORMAT'])

/**
 * Finds where a log stands from its store alone: audits it whole, makes its hash files, and says why it must not go on
 * where it must not. No head is better than one behind what was promised: a second history would begin there.
 */
export async function findLog(options: RecoverLogOptions): Promise<FoundLog> {
  const { found, strangers, from } = await look(options)
  if (!promisedIn(options.kept, options.vkey).some(({ size }) => size === from)) return found
  // Somebody has a checkpoint of the log as it stood before a stranger's segments: they are none of it.
  options.files.truncate(0)
  const again = await look({ ...options, store: without(options.store, strangers) })
  const notes = [...strangers].map((object) => ({ object, message: 'signed by a stranger, upon a state that a checkpoint kept elsewhere names' }))
  return { ...again.found, verdict: { ...again.found.verdict, notes: [...again.found.verdict.notes, ...notes] } }
}

interface Look {
  readonly found: FoundLog
  /** The segments at the end that a key unknown to the keyring signed, and where they begin; null: none. */
  readonly strangers: ReadonlySet<string>
  readonly from: number | null
}

async function look(options: RecoverLogOptions): Promise<Look> {
  const { log, store, files, vkey, segmentKeys } = options
  const maker = new HashFileMaker(log, store, files)
  const signers = new SignerWatch(segmentKeys, vkey, options.logKeys ?? (() => []))
  const audited = await auditStoredLog({
    log,
    store,
    vkey,
    segmentKeys,
    kept: options.kept,
    ...(options.expired === undefined ? {} : { expired: options.expired }),
    ...(options.onExpiry === undefined ? {} : { onExpiry: options.onExpiry }),
    ...(options.logKeys === undefined ? {} : { logKeys: options.logKeys }),
    hashes: (first, count) => maker.read(first, count),
    before: async (frame) => {
      await maker.take(frame)
      signers.take(frame)
    },
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  })
  // The keyring's own segment keys vouch for the last commit, of which a store alone has no checkpoint.
  const verdict = segmentKeys !== null && signers.unknownFrom === null ? lastCommitNoted(audited, null) : audited
  const { end } = maker
  // What has expired, and is proved to be what it was, is no loss.
  const holes = maker.holes.filter(({ from, to, hashesKept }) => !hashesKept || !isExpired(from, to, options.expired ?? []))
  const refused = refusal(options, verdict, maker, signers)
  const head: Head | null = end === null || refused !== null ? null : await headAt(store, end)
  const found = { verdict, head, refused, checkpoint: newest(options, verdict, signers.checkpoint), holes, sealed: signers.created }
  return { found, strangers: new Set(signers.unknown), from: signers.unknownFrom }
}

function isExpired(from: number, to: number, ranges: readonly ExpiredRange[]): boolean {
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) if (range.from <= from && range.to > from) from = range.to
  return from >= to
}

/** The version is a hint where to look, and pinned by the next segment: the one the store has now. */
async function headAt(
  store: Store,
  { size, root, key, digest }: { readonly size: number; readonly root: string; readonly key: string; readonly digest: string },
): Promise<Head> {
  const version = (await store.held(key))?.version ?? null
  return { size, root, segment: key, digest, ...(version === null ? {} : { version }) }
}

/** The store as if it did not have these objects. */
function without(store: Store, keys: ReadonlySet<string>): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name !== 'list') {
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
      }
      return async function* (prefix: string, after?: string) {
        for await (const object of target.list(prefix, after)) if (!keys.has(object.key)) yield object
      }
    },
  })
}

function refusal({ kept, vkey }: RecoverLogOptions, verdict: LogVerdict, maker: HashFileMaker, signers: SignerWatch): string | null {
  const { problems, size } = verdict
  const forked = problems.find(({ code }) => code === 'FORKED')
  if (forked !== undefined)
    return `two histories go on from size ${forked.index ?? 0}: ${forked.object}. Give a checkpoint or receipt kept elsewhere that is newer than that (--checkpoint, --receipt)`
  if (maker.last === '') return 'the store has no segment of it'
  if (signers.foreign) return 'its checkpoints are not signed by this keyring: it is the keyring of other logs'
  const broken = problems.find(({ code, object }) => PROMISE_BROKEN.has(code) && (kept.some((each) => each.object === object) || vkey !== null))
  if (broken !== undefined) return `${broken.object}: ${broken.message}`
  const hole = maker.holes.find(({ hashesKept }) => !hashesKept)
  if (hole !== undefined) return `records ${hole.from} to ${hole.to - 1} are gone or changed, and no hash pack leads over them: put their segments back`
  if (maker.end === null) return 'no segment of it can be read'
  // Whether a damaged last object was ever committed is not written in the store.
  if (maker.last !== maker.end.key && !promisedIn(kept, vkey).some((promised) => promised.size === size))
    return `${maker.last} is damaged, and it may have been committed: put it back, or give the newest checkpoint there is (--checkpoint)`
  if (signers.unknownFrom !== null && !promisedIn(kept, vkey).some((promised) => promised.size === size))
    return `from record ${signers.unknownFrom} on the segments are signed by a key this keyring does not have: give a newer back-up of it, or a checkpoint of the newest size`
  return null
}

/** The newest of the notes that are of this history. */
function newest({ kept, vkey }: RecoverLogOptions, { problems }: LogVerdict, within: string | null): string | null {
  const good = kept.filter(({ object, note }) => !problems.some((found) => found.object === object) && (vkey === null || isSignedBy(note, vkey)))
  return [...good.map(({ note }) => note), ...(within === null ? [] : [within])].sort((a, b) => sizeOf(b) - sizeOf(a))[0] ?? null
}

function sizeOf(note: string): number {
  return Number(parseCheckpoint(parseNote(note).text).size)
}

/** Follows who wrote the segments, and what the log's own key vouches for. */
class SignerWatch {
  readonly #known: ReadonlySet<string> | null
  readonly #vkey: string | null
  readonly #logKeys: () => readonly string[]
  /** The first record written by a key the keyring lacks, that no checkpoint of the log's key covers; null: none. */
  unknownFrom: number | null = null
  /** Store keys of these segments. */
  unknown: string[] = []
  #others = false
  checkpoint: string | null = null
  created: string | null = null

  constructor(known: readonly Uint8Array[] | null, vkey: string | null, logKeys: () => readonly string[]) {
    this.#logKeys = logKeys
    this.#known = known === null ? null : new Set(known.map((key) => Buffer.from(key).toString('base64')))
    this.#vkey = vkey
  }

  /** All its checkpoints are signed by another key. */
  get foreign(): boolean {
    return this.#others && this.checkpoint === null
  }

  take(frame: Frame): void {
    const segment = segmentIn(frame)
    if (segment === null) return
    const { header, trailer } = segment
    this.created = header.created
    const note = header.previous.checkpoint
    if (note !== '') {
      const signed = this.#vkey === null || isSignedBy(note, this.#vkey) || this.#wasSigned(note, this.#vkey)
      if (!signed) this.#others = true
      else {
        this.checkpoint = note
        this.unknownFrom = null
        this.unknown = []
      }
    }
    if (this.#known === null || this.#known.has(Buffer.from(trailer.signer).toString('base64'))) return
    this.unknownFrom ??= header.first
    this.unknown.push(frame.key)
  }

  /** By a key of before its rotation. */
  #wasSigned(note: string, vkey: string): boolean {
    const { name } = parseVkey(vkey)
    return this.#logKeys().some((key) => isSignedBy(note, ownVkey(name, Buffer.from(key, 'base64'))))
  }
}
