import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { auditId } from '@sealtrail/evidence'
import { TYPE_ED25519, formatVkey, keyId } from '@sealtrail/tlog'
import type { Signer } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { readTokens } from '../event/entry.ts'
import type { Numbered } from '../event/numbered.ts'
import { Flow } from '../flow.ts'
import { SqliteHead } from '../head/sqlite/head.ts'
import type { Head } from '../head/head.ts'
import { openJournal } from '../journal/files/journal.ts'
import type { JournalOptions } from '../journal/files/journal.ts'
import type { Position } from '../event/position.ts'
import { Marks } from '../journal/marks.ts'
import { openFileKeys } from '../keys/files/keyring.ts'
import type { Keyring } from '../keys/keyring.ts'
import { LogWriter } from '../log-writer.ts'
import { ClockGuard } from '../observe/clock-guard.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { Log } from '../observe/log.ts'
import { replayJournal } from '../replay.ts'
import type { Committed } from '../seal/commit.ts'
import { packedSize, storeHashPacks } from '../seal/hashpacks.ts'
import { assertPromised } from '../seal/promised.ts'
import { publishCheckpoint, readCheckpoint, signCheckpoint } from '../seal/publish.ts'
import { recover } from '../seal/recover.ts'
import { HashFiles } from '../seal/tiles.ts'
import { openLedger } from '../sequence/level/ledger.ts'
import { FileStore } from '../store/files/store.ts'
import { SegmentReader } from '../store/segments.ts'
import { SYSTEM_LOG, systemBatch } from '../threads/system-entry.ts'
import type { SystemEvent } from '../threads/system-entry.ts'
import { Sizes } from '../threads/sizes.ts'
import { LevelVault } from '../vault/level/vault.ts'
import type { Vault } from '../vault/vault.ts'
import { catchUpLedger, disagreement } from './catch-up-ledger.ts'
import { checkVault } from './check-vault.ts'
import type { Config } from './config.ts'
import { lastSealed } from './last-sealed.ts'
import type { LastSealed } from './last-sealed.ts'
import { openPacks } from './open-packs.ts'
import type { OpenPacks } from './open-packs.ts'
import { keepRepairing } from './repair.ts'

export interface SealingEnv {
  readonly now: () => number
  readonly journal?: JournalOptions
  readonly log: Log
  /** Told of each commit after its answers: index and other followers. */
  onCommit(log: string, committed: Committed, items: readonly Numbered[]): void
}

/** Everything the sealing thread holds open, recovered and ready. */
export interface Sealing {
  readonly config: Config
  readonly flow: Flow
  readonly keys: Keyring
  readonly vault: Vault
  readonly heads: SqliteHead
  readonly store: FileStore
  readonly records: SegmentReader
  readonly hashes: ReadonlyMap<string, HashFiles>
  readonly packs: OpenPacks
  readonly sizes: Sizes
  readonly findings: readonly string[]
  /** The log's vkey: what a verifier is given. */
  vkey(log: string): string
  /** Seals something the server did in the system trail; resolves when it is durable. */
  system(event: SystemEvent): Promise<void>
  /** Why nothing can be accepted for a log (or any, without a name), or null. */
  trouble(log?: string): SealtrailError | null
  /** Held and queued, per log. */
  backlog(): ReadonlyMap<string, { held: number; queuedBytes: number }>
  /** Releases everything held and seals it. */
  flush(): Promise<void>
  /** Resolves when everything that is not held is sealed. */
  drained(): Promise<void>
  /** Seals what is queued, then closes; what is held stays in the journal. */
  close(): Promise<void>
}

/** Bytes waiting for their commit before senders are told to wait. */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024

/**
 * Opens a data directory for writing: locks it, recovers every log by the ways of daily work, replays the journal.
 * @throws SealtrailError DATA_IN_USE, DATA_UNWRITABLE, DATA_CORRUPT, HEAD_MISSING, FORKED, KEY_PERMISSIONS, PACK_INVALID
 */
export async function openSealing(config: Config, env: SealingEnv): Promise<Sealing> {
  const open: Array<() => unknown> = []
  try {
    return await openParts(config, env, open)
  } catch (error) {
    // What was opened before is let go, so that whoever corrects the cause can start again at once.
    for (const close of open.reverse())
      await Promise.resolve()
        .then(close)
        .catch(() => {})
    throw error
  }
}

async function openParts(config: Config, env: SealingEnv, open: Array<() => unknown>): Promise<Sealing> {
  const at = (...names: string[]): string => join(config.data, ...names)
  const findings: string[] = []
  const note = (text: string): void => {
    findings.push(text)
    env.log.warn(text)
  }
  const fresh = !existsSync(at('head.sqlite'))
  makeFolder(config.data)
  const packs = openPacks(config)
  // First, because LevelDB's lock on it is what keeps a second server out.
  let { ledger, rebuilt } = await openLedger(at('ledger'))
  open.push(() => ledger.close())
  if (rebuilt !== null) note(`ledger state rebuilt: ${rebuilt}`)
  const keys = openFileKeys({ folder: at('keys'), create: fresh, complete: true, now: env.now, random: randomBytes })
  crashPoint('open:keys')
  const heads = SqliteHead.open(at('head.sqlite'))
  open.push(() => heads.close())
  const store = await FileStore.open(at('store'))
  open.push(() => store.close())
  const marks = new Marks()
  const records = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null })

  const logs = [...Object.keys(config.trails), SYSTEM_LOG]
  const sizes = new Sizes(logs)
  const hashes = new Map<string, HashFiles>()
  const writers = new Map<string, LogWriter>()
  let broken: SealtrailError | null = null
  const packings: Array<() => Promise<void>> = []
  const origin = (log: string): string => `${config.origin}/${log}`
  const vkey = (log: string): string => formatVkey(origin(log), TYPE_ED25519, keys.logPublicKey)

  const recovered = new Map<string, Head>()
  const last: LastSealed[] = []
  for (const log of logs) {
    const files = HashFiles.open(at('tiles', log))
    open.push(() => files.close())
    hashes.set(log, files)
    const head = await recover({
      log,
      origin: origin(log),
      store,
      heads,
      hashes: files,
      segmentKeys: new Set(keys.segmentPublicKeys.map((key) => Buffer.from(key).toString('base64'))),
      segments: records,
      report: note,
    })
    assertPromised(log, readCheckpoint(at('checkpoint', log), vkey(log)), head, files)
    recovered.set(log, head)
    const sealed = await lastSealed(records, log, head)
    if (sealed !== null) last.push(sealed)
  }
  const wrong = logs.map((log) => disagreement(ledger, log, hashes.get(log) as HashFiles)).find((reason) => reason !== null)
  if (wrong !== undefined) {
    await ledger.close()
    ;({ ledger } = await openLedger(at('ledger'), { fresh: wrong }))
    note(`ledger state rebuilt: ${wrong}`)
  }

  const vaultDamaged = await checkVault(at('vault'), {
    expected: [...recovered.values()].some(({ size }) => size > 0),
    nowMs: env.now(),
    repair: () => LevelVault.repair(at('vault')),
    report: note,
  })
  const vault = await LevelVault.open(at('vault'), { keys, random: randomBytes, now: env.now })
  open.push(() => vault.close())
  // A journal that is gone begins behind the one the segments speak of: its positions must not come again.
  const firstFile = Math.max(0, ...last.map(({ journal: { file } }) => file)) + 1
  if (last.length > 0 && !hasFiles(at('journal'))) note('journal: its files are gone; what was accepted and not sealed by then is lost')
  const journal = await openJournal(at('journal'), { firstFile, ...env.journal })
  open.push(() => journal.close())
  if (journal.cut !== null) note(`journal file ${journal.cut.file}: ${journal.cut.bytes} bytes of an append that was never acknowledged cut`)
  const clock = new ClockGuard(Math.max(0, ...last.map(({ createdMs }) => createdMs)), config.clock.acceptMs)
  const journalEnd = (): Position => flow.writingFrom ?? journal.end

  const flow = new Flow({
    ledger,
    vault,
    journal,
    place: (log, entries) => (writers.get(log) as LogWriter).place(entries),
    refusal: (log) => refusal(log),
    checkpoint: (log) => (writers.get(log) as LogWriter).standing.checkpoint,
    conflict: (log, standing, offered) => void system(conflictEvent(log, standing, offered)).catch(() => {}),
    answerWithinMs: config.limits.answerWithinMs,
  })

  for (const log of logs) {
    const signer: Signer = { name: origin(log), keyId: keyId(origin(log), TYPE_ED25519, keys.logPublicKey), sign: (text) => keys.signLog(text) }
    const files = hashes.get(log) as HashFiles
    const head = recovered.get(log) as Head
    let packed = await packedSize(store, log)
    let packing: Promise<void> = Promise.resolve()
    const pack = (size: number): void => {
      packing = packing
        .then(async () => {
          packed = await storeHashPacks(log, files, store, packed, size, lockFor(config, log, env.now()))
        })
        .catch((error: unknown) => env.log.warn('a hash pack could not be stored yet', { log, code: codeOf(error) }))
    }
    pack(head.size)
    packings.push(() => packing)
    await catchUpLedger({ log, head, ledger, records, vault, keys, tenant: config.tenant, packs, note })
    const sign = (next: Head): string => signCheckpoint(origin(log), next, signer)
    const checkpoint = sign(head)
    publishCheckpoint(at('checkpoint', log), checkpoint)
    sizes.set(log, head.size)
    writers.set(
      log,
      new LogWriter({
        log,
        standing: { origin: origin(log), head, checkpoint, frontier: files.frontier() },
        hold: config.trails[log]?.sequence ?? { settleMs: 0, quietMs: 0, holdMs: 0 },
        ledger,
        journal,
        marks,
        seal: {
          store,
          heads,
          // Asked each time: the key may be rotated while the server runs.
          segmentSigner: {
            get publicKey() {
              return keys.segmentPublicKey
            },
            sign: (message) => keys.signSegment(message),
          },
          signCheckpoint: sign,
          lock: () => lockFor(config, log, env.now()),
          now: env.now,
          ...config.seal,
        },
        journalEnd,
        monotonic: () => performance.now(),
        publish(committed) {
          const { completed, frontier, leafHashes } = committed.built
          if (files.size < committed.next.size) files.append(leafHashes, { completed, frontier })
          crashPoint('publish:hashes')
          clock.sealed(env.now())
          publishCheckpoint(at('checkpoint', log), committed.checkpoint)
          sizes.set(log, committed.next.size)
        },
        feed(committed, items) {
          env.onCommit(log, committed, items)
          pack(committed.next.size)
        },
        sealed: (identity, index, superseded) => flow.sealed(identity, index, superseded),
        settled: (identities) => flow.settled(identities),
        onTrouble(error) {
          env.log.error(error.stopsLog ? 'the log has stopped sealing' : 'a commit failed and is tried again', { log, code: error.code, detail: error.message })
          if (error.stopsLog) flow.stopped(log, new SealtrailError('LOG_STOPPED', `${log}: ${error.message}`))
        },
      }),
    )
  }

  function refusal(log: string): SealtrailError | null {
    const writer = writers.get(log)
    if (writer === undefined) return new SealtrailError('UNKNOWN_TRAIL', 'there is no such trail')
    if (broken !== null) return broken
    if (writer.stopped !== null) return new SealtrailError('LOG_STOPPED', `${log}: ${writer.stopped.message}`)
    if (journal.failed !== null) return journal.failed
    if (vault.failed !== null) return vault.failed
    if (writer.failing !== null) return writer.failing
    // What the server itself has to say is sealed at any time, this first of all.
    if (log !== SYSTEM_LOG && isClockBehind()) return clock.check(env.now())
    if (writer.queuedBytes > MAX_QUEUED_BYTES) return new SealtrailError('OVERLOADED', 'too many events wait for their commit')
    return null
  }

  let clockTold = false
  function isClockBehind(): boolean {
    const error = clock.check(env.now())
    if (error !== null && !clockTold) {
      env.log.error('the clock is behind what is sealed', { code: error.code, detail: error.message })
      void system({
        what: 'clock',
        subject: 'server',
        id: `clock/${clock.newestMs}/${env.now()}`,
        data: { newest_sealed: new Date(clock.newestMs).toISOString() },
      }).catch(() => {})
    }
    clockTold = error !== null
    return clockTold
  }

  async function system(event: SystemEvent): Promise<void> {
    await flow.accept(systemBatch(event, env.now(), config.tenant, keys))
  }

  await replayJournal(journal, vault, flow, { report: note, vaultDamaged })

  const endRepairs = keepRepairing(
    {
      journal: () => ({ failed: journal.failed, again: () => journal.reopen() }),
      vault: () => ({ failed: vault.failed, again: () => vault.heal() }),
    },
    env.log,
  )

  return {
    config,
    flow,
    keys,
    vault,
    heads,
    store,
    records,
    hashes,
    packs,
    sizes,
    findings,
    vkey,
    system,
    trouble: (log) => (log === undefined ? (logs.map(refusal).find((reason) => reason !== null) ?? null) : refusal(log)),
    backlog: () => new Map([...writers].map(([log, writer]) => [log, { held: writer.held, queuedBytes: writer.queuedBytes }])),
    async flush() {
      for (const writer of writers.values()) writer.flush()
      for (const writer of writers.values()) await writer.drained()
    },
    async drained() {
      for (const writer of writers.values()) await writer.drained()
    },
    async close() {
      broken = new SealtrailError('NOT_READY', 'the server is closing')
      endRepairs()
      for (const writer of writers.values()) await writer.drained()
      for (const writer of writers.values()) await writer.close()
      for (const packing of packings) await packing()
      for (const [log, files] of hashes) {
        try {
          heads.saveCheckpoint(log, (writers.get(log) as LogWriter).standing.checkpoint)
          await files.sync()
        } catch (error) {
          // A full disk: both are derived, and made again at the next start.
          env.log.warn('a copy of the checkpoint or the hash files could not be synced', { log, code: codeOf(error) })
        }
        files.close()
      }
      await journal.close()
      await vault.close()
      await store.close()
      heads.close()
      await ledger.close()
    },
  }
}

/** Search tokens of committed items, one list per record, as the index takes them. */
export function tokensOf(items: readonly Numbered[]): ReadonlyArray<ReadonlyArray<{ kind: string; token: Uint8Array }>> {
  return items.map(({ entry }) => readTokens(entry.tokens))
}

function lockFor(config: Config, log: string, nowMs: number): { mode: 'COMPLIANCE' | 'GOVERNANCE'; retainUntilMs: number } {
  const retain = config.trails[log]?.retain ?? longest(config)
  return { mode: retain.mode, retainUntilMs: nowMs + retain.periodMs }
}

/** The system trail is evidence about all others and stays as long as the longest of them. */
function longest(config: Config): Config['trails'][string]['retain'] {
  return Object.values(config.trails)
    .map(({ retain }) => retain)
    .reduce((a, b) => (b.periodMs > a.periodMs ? b : a))
}

function conflictEvent(log: string, standing: { identity: string; timeMs: number }, offered: { fingerprint: string }): SystemEvent {
  const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')
  return {
    what: 'conflict',
    subject: `conflict/${log}`,
    // Once per fingerprint: the same other content again is the same system record.
    id: `conflict/${log}/${hex(standing.identity)}/${hex(offered.fingerprint)}`,
    data: { trail: log, code: 'IDENTITY_CONFLICT', auditid: auditId(standing.timeMs, standing.identity) },
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SealtrailError('DATA_UNWRITABLE', `the data directory cannot be made: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

function hasFiles(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.journal'))
}

function codeOf(error: unknown): string {
  return error instanceof SealtrailError ? error.code : 'INTERNAL'
}
