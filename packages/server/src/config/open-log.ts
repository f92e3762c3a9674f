import { join } from 'node:path'
import { TYPE_ED25519, formatVkey, keyId } from '@sealtrail/tlog'
import type { Signer } from '@sealtrail/tlog'
import type { Gate } from '../assure/gate.ts'
import { SealtrailError } from '../errors.ts'
import type { Numbered } from '../event/numbered.ts'
import type { Position } from '../event/position.ts'
import type { Flow } from '../flow.ts'
import type { Head } from '../head/head.ts'
import type { SqliteHead } from '../head/sqlite/head.ts'
import type { Journal } from '../journal/journal.ts'
import type { Marks } from '../journal/marks.ts'
import type { Keyring } from '../keys/keyring.ts'
import { LogWriter } from '../log-writer.ts'
import type { ClockGuard } from '../observe/clock-guard.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { Log } from '../observe/log.ts'
import type { SegmentSigner } from '../seal/build.ts'
import { checkpointPath, readCheckpoint, signCheckpoint, writeCheckpoint } from '../seal/checkpoint.ts'
import type { Committed } from '../seal/commit.ts'
import { assertPromised } from '../seal/promised.ts'
import { recover } from '../seal/recover.ts'
import { HashFiles } from '../seal/tiles.ts'
import type { Holds } from '../retain/holds.ts'
import type { Longer } from '../retain/longer.ts'
import type { Ledger } from '../sequence/ledger.ts'
import type { SegmentReader } from '../store/segments.ts'
import { atLeast } from '../store/lock.ts'
import type { Lock, Store } from '../store/store.ts'
import type { Sizes } from '../threads/sizes.ts'
import { signPublished } from '../publish/sign-published.ts'
import { SYSTEM_LOG } from '../threads/system-entry.ts'
import type { Vault } from '../vault/vault.ts'
import { catchUpLedger } from './catch-up-ledger.ts'
import type { Config } from './config.ts'
import type { ExpiredView } from './expired-view.ts'
import { hashPacker } from './hash-packer.ts'
import { lastSealed } from './last-sealed.ts'
import type { LastSealed } from './last-sealed.ts'
import { planOf } from './logs.ts'
import type { OpenPacks } from './open-packs.ts'

/** What the logs of a server share before any of them is written to. */
export interface Ground {
  /** What has expired of which log. */
  readonly expired: ExpiredView
  readonly config: Config
  readonly keys: Keyring
  readonly heads: SqliteHead
  readonly store: Store
  readonly records: SegmentReader
  /** Told of everything that was not as a quiet close leaves it. */
  note(text: string): void
}

/** A log as recovery left it: head, segments and hash files agree. */
export interface RecoveredLog {
  readonly log: string
  /** Its name in checkpoints. */
  readonly origin: string
  /** What a verifier is given. */
  readonly vkey: string
  readonly files: HashFiles
  readonly head: Head
  readonly last: LastSealed | null
}

/** Recovers one log. `opened` is told of what is to be closed when the start fails. @throws SealtrailError DATA_CORRUPT, HEAD_MISSING, FORKED */
export async function recoverLog(log: string, ground: Ground, opened: (close: () => unknown) => void): Promise<RecoveredLog> {
  const { config, keys, heads, store, records } = ground
  const origin = `${config.origin}/${log}`
  const vkey = formatVkey(origin, TYPE_ED25519, keys.logPublicKey)
  const files = HashFiles.open(join(config.data, 'tiles', log))
  opened(() => files.close())
  const head = await recover({
    log,
    origin,
    store,
    heads,
    hashes: files,
    segmentKeys: new Set(keys.segmentPublicKeys.map((key) => Buffer.from(key).toString('base64'))),
    segments: records,
    report: ground.note,
  })
  const [, ...earlier] = keys.logPublicKeys.map((key) => formatVkey(origin, TYPE_ED25519, key))
  assertPromised(log, readCheckpoint(checkpointPath(config.data, log), vkey, ...earlier), head, files)
  return { log, origin, vkey, files, head, last: await lastSealed(records, log, head) }
}

/** What the logs share once they are written to. */
export interface Works extends Ground {
  readonly packs: OpenPacks
  readonly ledger: Ledger
  readonly vault: Vault
  readonly journal: Journal
  readonly marks: Marks
  readonly flow: Flow
  readonly clock: ClockGuard
  readonly gate: Gate
  readonly sizes: Sizes
  readonly holds: Holds
  readonly longer: Longer
  /** Nothing from here on may leave the journal, sealed or not. */
  journalEnd(): Position
  now(): number
  onCommit(log: string, committed: Committed, items: readonly Numbered[]): void
  readonly serverLog: Log
}

export interface OpenLog {
  readonly writer: LogWriter
  readonly recovered: RecoveredLog
  /** After the writer's close: what is derived is synced, and the files are closed. */
  close(): Promise<void>
}

/** Brings ledger state, checkpoint file and hash packs of a recovered log up to its head and makes its one writer. */
export async function openLog(recovered: RecoveredLog, works: Works): Promise<OpenLog> {
  const { log, origin, files, head } = recovered
  const { trail } = planOf(works.config, log)
  const { config, keys, heads, store, ledger, clock, flow, sizes } = works
  const checkpointFile = checkpointPath(config.data, log)
  const lock = (): Lock => lockFor(config, log, works.now())
  const sign = (next: Head): string => signCheckpoint(origin, next, logSignersOf(keys, origin))

  const packs = await hashPacker(log, files, store, () => longLockFor(config, log, works.now()), works.serverLog)
  packs.pack(head.size)
  await catchUpLedger({ ...works, log, trail, head, tenant: config.tenant })
  const checkpoint = sign(head)
  writeCheckpoint(checkpointFile, checkpoint)
  signPublished(config.data, log, logSignersOf(keys, origin), keys.logPublicKeys)
  sizes.set(log, head.size)

  const writer = new LogWriter({
    log,
    standing: { origin, head, checkpoint, frontier: files.frontier() },
    hold: config.trails[trail]?.sequence ?? { settleMs: 0, quietMs: 0, holdMs: 0 },
    ledger,
    journal: works.journal,
    marks: works.marks,
    seal: {
      store,
      heads,
      segmentSigner: segmentSignerOf(keys),
      signCheckpoint: sign,
      lock,
      longer(items) {
        let longest: Lock | null = null
        for (const { entry } of items) {
          const asked = works.longer.of(log, entry.subject)
          if (asked !== null) longest = atLeast(longest, asked)
        }
        return longest
      },
      legalHold: (items, first) => works.holds.any && items.some(({ entry }, i) => works.holds.covers(log, first + i, entry.subject) !== null),
      now: works.now,
      // What the server found is sealed where it can be: in a log that others keep a copy of, it counts all the same.
      refusal: () => (log === SYSTEM_LOG ? null : works.gate.refusal()),
      ...config.seal,
    },
    journalEnd: works.journalEnd,
    monotonic: () => performance.now(),
    publish(committed) {
      const { completed, frontier, leafHashes } = committed.built
      if (files.size < committed.next.size) files.append(leafHashes, { completed, frontier })
      crashPoint('publish:hashes')
      clock.sealed(works.now())
      writeCheckpoint(checkpointFile, committed.checkpoint)
      sizes.set(log, committed.next.size)
    },
    feed(committed, items) {
      works.onCommit(log, committed, items)
      packs.pack(committed.next.size)
    },
    sealed: (identity, index, place) => flow.sealed(identity, index, place),
    settled: (identities) => flow.settled(identities),
    onTrouble(error) {
      works.serverLog.error(error.stopsLog ? 'the log has stopped sealing' : 'a commit failed and is tried again', {
        log,
        code: error.code,
        detail: error.message,
      })
      if (error.stopsLog) flow.stopped(log, stoppedBy(log, error))
    },
  })

  return {
    writer,
    recovered,
    async close() {
      await packs.idle()
      try {
        heads.saveCheckpoint(log, writer.standing.checkpoint)
        await files.sync()
      } catch (error) {
        // A full disk: both are derived, and made again at the next start.
        works.serverLog.warn('a copy of the checkpoint or the hash files could not be synced', { log, code: codeOf(error) })
      }
      files.close()
    },
  }
}

/** What senders and readiness are told of a stopped log; a fork keeps its own code. */
export function stoppedBy(log: string, error: SealtrailError): SealtrailError {
  return error.code === 'FORKED' ? error : new SealtrailError('LOG_STOPPED', `${log}: ${error.message}`)
}

/** Signs with the current key each time it is asked: it may be rotated while the server runs. */
export function segmentSignerOf(keys: Keyring): SegmentSigner {
  return {
    get publicKey() {
      return keys.segmentPublicKey
    },
    sign: (message) => keys.signSegment(message),
  }
}

/** Every log key that is not retired signs, each time as it is then: one may be added while the server runs. */
export function logSignersOf(keys: Keyring, origin: string): Signer[] {
  return keys.logSigners.map(({ publicKey, sign }) => ({ name: origin, keyId: keyId(origin, TYPE_ED25519, publicKey), sign }))
}

/** How long and how hard segments of a log, and the objects that its records name, are locked when they are stored now. */
export function lockFor(config: Config, log: string, nowMs: number): Lock {
  const { mode, periodMs, detailMs } = planOf(config, log)
  return { mode, retainUntilMs: nowMs + (detailMs ?? periodMs) }
}

/** The same for what is to outlive them: leaf hashes, kept records, time stamps. */
export function longLockFor(config: Config, log: string, nowMs: number): Lock {
  const { mode, periodMs } = planOf(config, log)
  return { mode, retainUntilMs: nowMs + periodMs }
}

function codeOf(error: unknown): string {
  return error instanceof SealtrailError ? error.code : 'INTERNAL'
}
