import type { Gate } from '../assure/gate.ts'
import type { Notebook } from '../assure/notebook.ts'
import type { SealtrailError } from '../errors.ts'
import type { Batch } from '../event/batch.ts'
import type { Numbered } from '../event/numbered.ts'
import type { Flow } from '../flow.ts'
import type { SqliteHead } from '../head/sqlite/head.ts'
import type { JournalOptions } from '../journal/files/journal.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { ForkAlarm } from '../publish/alarm.ts'
import type { Committed } from '../seal/commit.ts'
import type { HashFiles } from '../seal/tiles.ts'
import type { Holds } from '../retain/holds.ts'
import type { Longer } from '../retain/longer.ts'
import type { SegmentReader } from '../store/segments.ts'
import type { WatchedStore } from '../store/watched.ts'
import type { SystemEvent } from '../threads/system-entry.ts'
import type { Sizes } from '../threads/sizes.ts'
import type { LevelThreads } from '../threads/level-threads.ts'
import type { ErasableVault } from '../vault/erasable.ts'
import type { LevelVault } from '../vault/level/vault.ts'
import type { Vault } from '../vault/vault.ts'
import type { AcceptedEvents } from './accepted-events.ts'
import type { Config } from './config.ts'
import type { ExpiredView } from './expired-view.ts'
import type { OpenPacks } from './open-packs.ts'
import type { OpenStore } from './open-store.ts'

export interface SealingEnv {
  readonly now: () => number
  readonly journal?: JournalOptions
  readonly log: Log
  /** Where the store's calls are counted. */
  readonly metrics?: Metrics
  /** How long the service that keeps the keys is waited for when it does not answer; not at all, when left out. */
  readonly waitForKeysMs?: number
  /** How the store is opened; a test says otherwise. */
  readonly openStore?: OpenStore
  /** Other threads that have vault or index open; they come and go. */
  readonly threads?: LevelThreads
  /** Told of each commit after its answers: index and other followers. */
  onCommit(log: string, committed: Committed, items: readonly Numbered[]): void
}

/** Everything the sealing thread holds open, recovered and ready. */
export interface Sealing {
  readonly config: Config
  readonly flow: Flow
  readonly keys: Keyring
  readonly vault: Vault & ErasableVault & Pick<LevelVault, 'expire' | 'merge' | 'split' | 'assertSplit' | 'wrapped' | 'rewrap'>
  /**
   * Has vault and index closed and opened anew, in every thread: their lists of files, which name keys that are long gone, and
   * their own logs are new then. Reads and writes wait meanwhile. @throws SealtrailError NOT_DURABLE: try again
   */
  renewManifests(): Promise<void>
  readonly heads: SqliteHead
  readonly store: WatchedStore
  /** Whether the store's lock is what the configuration promises, and what was observed of it. */
  readonly gate: Gate
  readonly notebook: Notebook
  readonly records: SegmentReader
  /** What has expired, and what was kept of it. */
  readonly expired: ExpiredView
  readonly hashes: ReadonlyMap<string, HashFiles>
  /** When the newest commit found at this start was made, ms since the epoch; null: there was none. */
  readonly foundMs: number | null
  /** Where a log stands, and its signed note. */
  committed(log: string): { readonly size: number; readonly root: string; readonly note: string }
  /** Seals entries of the server's own; when it resolves they are in a segment. @throws SealtrailError NOT_DURABLE, LOG_STOPPED */
  sealedBatch(batch: Batch): Promise<void>
  /** Gives back the room of identities that were forgotten. */
  forgotten(): Promise<void>
  /** Has the journal go on in a new file: the old one is deleted once all of it is sealed. */
  turnJournal(): void
  /** Forgets identities of records that expire, by the ids of their packs. */
  forget(trail: string, ids: readonly string[]): Promise<void>
  /** Forgets what they said: the person is erased whose values it was. */
  forgetContent(trail: string, ids: readonly string[]): Promise<void>
  readonly accepted: AcceptedEvents
  readonly packs: OpenPacks
  readonly sizes: Sizes
  readonly holds: Holds
  readonly longer: Longer
  readonly findings: readonly string[]
  /** The log's vkey: what a verifier is given. */
  vkey(log: string): string
  /** The same of every log. */
  vkeys(): Record<string, string>
  /** Stops a log for which a fork alarm was raised. */
  fork(alarm: ForkAlarm): void
  /** Seals something the server did in the system trail; resolves when it is durable. */
  system(event: SystemEvent): Promise<void>
  /** The same; resolves when it is sealed. @throws SealtrailError NOT_DURABLE, LOG_STOPPED */
  sealed(event: SystemEvent): Promise<void>
  /** Why nothing can be accepted for a log (or any, without a name), or null. */
  trouble(log?: string): SealtrailError | null
  /** What is degraded and keeps no event out, one line each. */
  notes(): readonly string[]
  /** Held and queued, per log. */
  backlog(): ReadonlyMap<string, { held: number; queuedBytes: number }>
  /** Releases everything held and seals it. */
  flush(): Promise<void>
  /** Resolves when everything that is not held is sealed. */
  drained(): Promise<void>
  /** Seals what is queued, then closes; what is held stays in the journal. */
  close(): Promise<void>
}
