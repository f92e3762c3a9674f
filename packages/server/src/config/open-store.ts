import { join } from 'node:path'
import { SqliteHead } from '../head/sqlite/head.ts'
import { CountedStore } from '../store/counted.ts'
import type { StoreCounts } from '../store/counted.ts'
import { FileStore } from '../store/files/store.ts'
import type { Store } from '../store/store.ts'
import { accountKeyIn } from './store-address.ts'
import type { StoreConfig } from './store-config.ts'
import { placeOf } from './store-place.ts'
import { openSecret } from './value.ts'

export interface OpenOptions {
  /** For all but the one that seals: nothing is created or changed. */
  readonly readOnly?: boolean
  /** Where calls, bytes and errors are counted, under the store's type. */
  readonly counts?: StoreCounts
}

/** What opening a store takes of the configuration. */
export interface Stored {
  /** The data directory. */
  readonly data: string
  readonly store: Pick<StoreConfig, 'place' | 'timeoutMs' | 'unlocked'>
}

/** How long one request to a store may take where no configuration says it. */
const TIMEOUT_MS = 30_000

/** The write-once store of a server. @throws SealtrailError DATA_UNWRITABLE, STORE_UNREADABLE */
export async function openStore(stored: Stored, options: OpenOptions = {}): Promise<Store> {
  const { counts } = options
  const store = await openPlace(stored, options)
  return counts === undefined ? store : new CountedStore(store, counts, stored.store.place.type)
}

async function openPlace({ data, store }: Stored, options: OpenOptions): Promise<Store> {
  const { place } = store
  switch (place.type) {
    case 'files':
      return FileStore.open(join(data, 'store'), options)
    case 'gcs': {
      // Google's library is loaded where it is used, and nowhere else.
      const { GcsStore } = await import('../store/gcs/store.ts')
      const { counts, readOnly = false } = options
      const traffic = counts === undefined ? {} : { traffic: counts.traffic(place.type) }
      return GcsStore.open({ ...place, ...traffic, timeoutMs: store.timeoutMs, requireLock: store.unlocked === 'stop', readOnly })
    }
    case 'azure': {
      const { AzureStore } = await import('../store/azure/store.ts')
      const { counts, readOnly = false } = options
      const traffic = counts === undefined ? {} : { traffic: counts.traffic(place.type) }
      const accountKey = place.accountKey === null ? null : openSecret(place.accountKey, process.env)
      return AzureStore.open({ ...place, ...traffic, accountKey, timeoutMs: store.timeoutMs, requireLock: store.unlocked === 'stop', readOnly })
    }
    default:
      throw new Error(`no adapter for ${place.type}`)
  }
}

/** The write-once store of a data directory, for commands that are given nothing else. @throws SealtrailError DATA_UNWRITABLE, DATA_CORRUPT, STORE_UNREADABLE */
export function openStoreOf(data: string, options: OpenOptions = {}): Promise<Store> {
  const known = placeOf(data)
  const place = known.type === 'azure' ? { ...known, accountKey: accountKeyIn(process.env) } : known
  return openStore({ data, store: { place, timeoutMs: TIMEOUT_MS, unlocked: 'stop' } }, options)
}

/** The heads of its logs. @throws SealtrailError DATA_CORRUPT, DATA_UNWRITABLE */
export function openHeads(data: string, options: OpenOptions = {}): SqliteHead {
  return SqliteHead.open(join(data, 'head.sqlite'), options)
}
