import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditIdBytes } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { isRawLog } from '../event/raw-log.ts'
import type { SqliteHead } from '../head/sqlite/head.ts'
import type { Token } from '../index/index.ts'
import { rebuildIndex } from '../index/level/rebuild.ts'
import { createFolder, folderExists, readFolder } from '../keys/files/folder.ts'
import type { Keyring } from '../keys/keyring.ts'
import { type Recovered, recoverLogs } from '../recover/recover.ts'
import { HashFiles } from '../seal/tiles.ts'
import { openLedger } from '../sequence/level/ledger.ts'
import { logsIn } from '../store/logs.ts'
import { readObject } from '../store/objects.ts'
import { ExpiredView } from './expired-view.ts'
import { SegmentReader } from '../store/segments.ts'
import type { Store } from '../store/store.ts'
import { LevelVaultReader } from '../vault/level/reader.ts'
import { decodeRow } from '../vault/row.ts'
import type { KeptCheckpoint } from '../verify/policy.ts'
import { isSignedBy } from '../verify/promised.ts'
import { type StoredName, storedName } from '../verify/store.ts'
import { ownVkey, vkeyFor } from '../verify/trust.ts'
import { keysPlaceOf, placeOfKeys } from './keys-place.ts'
import type { KeysConfig } from './keys-config.ts'
import { keysFolder, openKeys } from './open-keys.ts'
import { openHeads, openStoreAt } from './open-store.ts'
import type { StoreConfig } from './store-config.ts'
import { keepPlace } from './store-place.ts'

export interface RecoverOptions {
  readonly data: string
  readonly store: Pick<StoreConfig, 'place' | 'timeoutMs'>
  /** A back-up of the keyring; null: the one in the data directory, if there is one. */
  readonly keys: string | null
  /** What a configuration says of the keyring; left out: what the directory does. */
  readonly keeping?: KeysConfig
  /** vkey of any log of the server, from elsewhere; only where there is no keyring. */
  readonly key: string | null
  readonly kept: readonly KeptCheckpoint[]
  /** Looks only; nothing is written but to a scratch folder. */
  readonly dryRun: boolean
  readonly now: () => number
  readonly onProgress: (what: string, done: number, total: number) => void
}

/** What was made of a data directory, and what of it cannot come from the store. */
export interface RecoveredDirectory {
  readonly logs: readonly Recovered[]
  /** Records the index holds; null: it was not built. */
  readonly indexed: number | null
  readonly keys: boolean
  readonly vault: boolean
  readonly journal: boolean
}

/**
 * `sealtrail recover`: makes head, hash files, checkpoint and index of a data directory from the store alone, which is only
 * read. What is there stays: a log with a head is left as it is. May be killed at any time and run again.
 * @throws SealtrailError NOT_FOUND (nothing is in the store), DATA_IN_USE, DATA_UNWRITABLE, DATA_CORRUPT (a head file that is damaged), CONFIG_INVALID, KEY_UNKNOWN, KEY_PERMISSIONS, STORE_UNREADABLE
 */
export async function recoverDirectory(options: RecoverOptions): Promise<RecoveredDirectory> {
  const { data, dryRun } = options
  const scratch = dryRun ? mkdtempSync(join(tmpdir(), 'sealtrail-recover-')) : null
  const open: Array<() => unknown> = []
  try {
    const store = await openStoreAt(options.store, data, { readOnly: true })
    open.push(() => store.close())
    const names = await logsIn(store)
    if (names.length === 0) throw new SealtrailError('NOT_FOUND', 'nothing of Sealtrail is in this store: check bucket and prefix')
    const keys = await keyring(options, (close) => open.push(close))
    const called = new Map<string, StoredName | null>()
    for (const log of names) called.set(log, await storedName(store, log))
    if (keys !== null) assertKeysOf([...called.values()], keys)
    if (!dryRun) {
      await prepare(options, open)
      copyKeys(options, keys)
    }
    const heads = dryRun && !existsSync(join(data, 'head.sqlite')) ? null : openHeads(data, { readOnly: dryRun })
    if (heads !== null) open.push(() => heads.close())
    const vkeyOf = (log: string): string | null => {
      const name = called.get(log) ?? null
      if (keys !== null) return name === null ? null : ownVkey(name.origin, keys.logPublicKey)
      return options.key === null ? null : vkeyFor(options.key, log, names)
    }
    const logs = await recoverLogs(names, {
      data,
      store,
      heads,
      files: (log) => HashFiles.open(join(scratch ?? join(data, 'tiles'), log)),
      vkeyOf,
      segmentKeys: keys?.segmentPublicKeys ?? null,
      signers: keys?.logSigners ?? [],
      logPublicKeys: keys?.logPublicKeys ?? [],
      kept: options.kept,
      dryRun,
      onProgress: options.onProgress,
    })
    const indexed = heads === null || dryRun || existsSync(join(data, 'index')) ? null : await index(options, store, heads, logs)
    const at = (name: string): boolean => existsSync(join(data, name))
    return { logs, indexed, keys: keys !== null, vault: at('vault'), journal: at('journal') }
  } finally {
    for (const close of open.reverse()) await Promise.resolve().then(close)
    if (scratch !== null) rmSync(scratch, { recursive: true, force: true })
  }
}

/** Keeps servers and other recoveries out, and notes where the evidence lies before there is a head over it. */
async function prepare({ data, store }: RecoverOptions, open: Array<() => unknown>): Promise<void> {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SealtrailError('DATA_UNWRITABLE', `the data directory cannot be made: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
  const { ledger } = await openLedger(join(data, 'ledger'))
  open.push(() => ledger.close())
  keepPlace(data, store.place, existsSync(join(data, 'head.sqlite')))
}

function ringOf({ data, keeping }: RecoverOptions): { readonly data: string; readonly keys: KeysConfig } {
  return { data, keys: keeping === undefined ? keysPlaceOf(data) : placeOfKeys({ data, keys: keeping }) }
}

async function keyring(options: RecoverOptions, opening: (close: () => Promise<void>) => void): Promise<Keyring | null> {
  const { keys, now } = options
  const ring = ringOf(options)
  const own = keysFolder(ring)
  const opened = async (folder: string): Promise<Keyring> => {
    const one = await openKeys(ring, { folder, create: false, now })
    opening(one.close)
    return one.keys
  }
  if (keys === null) return folderExists(own) ? opened(own) : null
  const given = await opened(keys)
  if (folderExists(own) && Buffer.compare((await opened(own)).logPublicKey, given.logPublicKey) !== 0)
    throw new SealtrailError('KEY_UNKNOWN', 'the data directory has another keyring than the one given: move its folder keys/ away if it signed nothing')
  return given
}

/** Whoever signs on with another key begins other logs under the names of these. */
function assertKeysOf(names: ReadonlyArray<StoredName | null>, keys: Keyring): void {
  const noted = names.find((name) => name !== null && name.note !== null) ?? null
  if (noted === null || keys.logPublicKeys.some((key) => isSignedBy(noted.note as string, ownVkey(noted.origin, key)))) return
  throw new SealtrailError('KEY_UNKNOWN', `the keyring is not the one that signed ${noted.origin}: give a back-up of that one`)
}

/** The back-up itself is left as it is. */
function copyKeys(options: RecoverOptions, opened: Keyring | null): void {
  const { keys } = options
  const own = keysFolder(ringOf(options))
  if (keys === null || opened === null || folderExists(own)) return
  createFolder(own, readFolder(keys), randomBytes(8).toString('hex'))
}

/** The index from the records, with the search tokens of the vault as far as that is there. Without it the next start builds it. */
async function index({ data, onProgress }: RecoverOptions, store: Store, heads: SqliteHead, found: readonly Recovered[]): Promise<number | null> {
  const sizes = new Map(found.flatMap(({ log, head }) => (head === null || isRawLog(log) ? [] : [[log, head.size] as const])))
  const expired = ExpiredView.over(store, data, (log) => sizes.get(log) ?? 0)
  const segments = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null, expired: expired.view })
  expired.open(segments)
  const vault = existsSync(join(data, 'vault')) ? await LevelVaultReader.open(join(data, 'vault'), async () => []) : null
  const tokens = async (auditid: string): Promise<readonly Token[]> => {
    const rows = vault === null ? [] : await vault.rows(auditIdBytes(auditid))
    return rows.map((row) => decodeRow(row.key, row.value)).find((entry) => entry !== null)?.tokens ?? []
  }
  try {
    return await rebuildIndex(join(data, 'index'), {
      records: {
        logs: () => [...sizes.keys()],
        size: (log) => sizes.get(log) ?? 0,
        record: (log, at) => segments.record(log, at),
        object: (log, digest) => readObject(store, log, digest),
        range: (log, from, to) => segments.range(log, from, to),
        gone: (log) => expired.view.gone(log),
      },
      tokens: (auditids) => Promise.all(auditids.map(tokens)),
      onProgress: (done, total) => onProgress('index', done, total),
    })
  } catch (error) {
    // Behind a hole no index can be built; the heads stand all the same.
    if (error instanceof SealtrailError && error.code === 'DATA_CORRUPT') return null
    throw error
  } finally {
    await vault?.close()
  }
}
