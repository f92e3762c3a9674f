import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { SealtrailError } from '../errors.ts'
import type { SqliteHead } from '../head/sqlite/head.ts'
import { folderExists } from '../keys/files/folder.ts'
import { LevelVault } from '../vault/level/vault.ts'
import { checkCommitments, type CommitmentCheck, CommitmentSum, type KnownKeys } from '../verify/commitments.ts'
import type { ErasedIn } from '../verify/erasures.ts'
import { auditData, type AuditDataOptions } from '../verify/data.ts'
import { type AskedLocks, LockAudit } from '../verify/locks.ts'
import type { LogVerdict } from '../verify/verdict.ts'
import { auditStore, type AuditStoreOptions } from '../verify/store.ts'
import type { KeysConfig } from './keys-config.ts'
import { keysPlaceOf } from './keys-place.ts'
import { keysFolder, openKeys } from './open-keys.ts'
import type { StoreConfig } from './store-config.ts'
import { openHeads, openStoreAt, openStoreOf } from './open-store.ts'

export interface AuditDirectoryOptions extends Pick<AuditDataOptions, 'key' | 'policy' | 'kept' | 'askWitnesses' | 'logs' | 'onProgress' | 'tsaRoots'> {
  /** Whether each record's commitments are looked up in the vault, where there is one with its keyring; several times slower than the log. */
  readonly vault: boolean
  /** What a configuration says of the keyring; left out: what the directory does. */
  readonly keys?: KeysConfig
  /** Ask the store of every object what holds it, and hold it against what was asked for it; left out: not asked. */
  readonly locks?: AskedLocks
  readonly now: () => number
}

/** Segments whose commitments are looked up at once. */
const AT_ONCE = 4

/**
 * `sealtrail verify DATA_DIR`: audits every log of a data directory. The log's files are only read; the vault and ledger
 * databases are opened, which rewrites their own bookkeeping, but never when their files are damaged.
 * @throws SealtrailError DATA_IN_USE when a server holds the directory, NOT_FOUND when it is no data directory, KEY_PERMISSIONS.
 */
export async function auditDirectory(directory: string, options: AuditDirectoryOptions): Promise<LogVerdict[]> {
  if (!existsSync(join(directory, 'store')) && !existsSync(join(directory, 'head.sqlite')))
    throw new SealtrailError('NOT_FOUND', 'this is no data directory: it has neither store nor head.sqlite')
  const at = { data: directory, keys: options.keys ?? keysPlaceOf(directory) }
  const ring = folderExists(keysFolder(at)) ? await openKeys(at, { create: false, now: options.now }) : null
  const keys = ring?.keys ?? null
  const store = await openStoreOf(directory, { readOnly: true })
  const heads = headsOrFault(directory)
  let vault: LevelVault | null = null
  try {
    return await auditData(directory, {
      store,
      heads,
      key: options.key,
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      ...(options.askWitnesses === undefined ? {} : { askWitnesses: options.askWitnesses }),
      ...(options.kept === undefined ? {} : { kept: options.kept }),
      own: keys === null ? null : { log: keys.logPublicKey, logs: keys.logPublicKeys, segment: keys.segmentPublicKeys },
      ...(options.tsaRoots === undefined ? {} : { tsaRoots: options.tsaRoots }),
      ...(options.logs === undefined ? {} : { logs: options.logs }),
      ...(options.locks === undefined ? {} : { locks: new LockAudit(store, options.locks) }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      async openCommitments(damaged) {
        await assertFree(join(directory, 'ledger'))
        if (!options.vault || damaged || keys === null || !existsSync(join(directory, 'vault'))) return null
        vault = await LevelVault.open(join(directory, 'vault'), { keys, random: randomBytes, now: options.now })
        return commitmentsIn(vault)
      },
    })
  } finally {
    await (vault as LevelVault | null)?.close()
    if (heads !== null && 'close' in heads) heads.close()
    await store.close()
    await ring?.close()
  }
}

export interface AuditPlaceOptions extends Omit<AuditStoreOptions, 'store' | 'locks'> {
  readonly locks?: AskedLocks
}

/** `sealtrail verify s3://…`: audits every log of a store by itself, without a data directory. @throws SealtrailError STORE_UNREADABLE */
export async function auditPlace(at: Pick<StoreConfig, 'place' | 'timeoutMs'>, options: AuditPlaceOptions): Promise<LogVerdict[]> {
  const store = await openStoreAt(at, '', { readOnly: true })
  const { locks, ...others } = options
  try {
    return await auditStore({ ...others, store, ...(locks === undefined ? {} : { locks: new LockAudit(store, locks) }) })
  } finally {
    await store.close()
  }
}

function commitmentsIn(vault: LevelVault): (log: string, erased: ErasedIn) => CommitmentCheck {
  const known: KnownKeys = new Map()
  return (_, erased) => new CommitmentSum((key, first, ndjson, objects) => checkCommitments(key, first, ndjson, vault, known, objects, erased), AT_ONCE)
}

function headsOrFault(directory: string): SqliteHead | { readonly fault: string } | null {
  if (!existsSync(join(directory, 'head.sqlite'))) return null
  try {
    return openHeads(directory, { readOnly: true })
  } catch (error) {
    if (error instanceof SealtrailError) return { fault: error.message }
    throw error
  }
}

/** A running server holds the ledger's lock. Opened after its files were checked: opening rewrites some. */
async function assertFree(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  const ledger = new ClassicLevel(folder, { createIfMissing: false, compression: false })
  try {
    await ledger.open()
    await ledger.close()
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause
    if (cause?.code === 'LEVEL_LOCKED')
      throw new SealtrailError('DATA_IN_USE', 'a server holds the data directory; call it with --url, or stop it', { cause: error })
    // Damaged: reported already, and rebuilt at the next start.
  }
}
