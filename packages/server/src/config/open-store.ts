import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SealtrailError } from '../errors.ts'
import { SqliteHead } from '../head/sqlite/head.ts'
import { CountedStore } from '../store/counted.ts'
import type { StoreCounts } from '../store/counted.ts'
import { FileStore } from '../store/files/store.ts'
import { type ReplicaDeps, ReplicatedStore } from '../store/replica/store.ts'
import type { RemoteOptions } from '../store/remote.ts'
import type { Store } from '../store/store.ts'
import { accountKeyIn } from './store-address.ts'
import type { StoreConfig, StorePlace } from './store-config.ts'
import { placeOf } from './store-place.ts'
import { openSecret } from './value.ts'

export interface OpenOptions {
  /** For all but the one that seals: nothing is created or changed. */
  readonly readOnly?: boolean
  /** Where calls, bytes and errors are counted, under the store's type. */
  readonly counts?: StoreCounts
  /** Told how far a replica is behind, and what was had from it. */
  readonly replica?: Partial<Pick<ReplicaDeps, 'onLag' | 'onReplicaRead' | 'onReplicaPut'>>
}

/** What opening a store takes of the configuration. */
export interface Stored {
  /** The data directory. */
  readonly data: string
  readonly store: Pick<StoreConfig, 'place' | 'timeoutMs' | 'unlocked'> & Partial<Pick<StoreConfig, 'replica'>>
}

/** As `openStore`; a test says otherwise. */
export type OpenStore = (stored: Stored, options?: OpenOptions) => Promise<Store>

/** How long one request to a store may take where no configuration says it. */
export const TIMEOUT_MS = 30_000

/** The write-once store of a server. @throws SealtrailError DATA_UNWRITABLE, STORE_UNREADABLE */
export async function openStore(stored: Stored, options: OpenOptions = {}): Promise<Store> {
  return openBoth(stored, (place, prefix) => openCounted(stored, place, options, prefix), options)
}

/** The main store, with its replica where there is one. */
async function openBoth({ store }: Stored, open: (place: StorePlace, prefix: string) => Promise<Store>, options: OpenOptions): Promise<Store> {
  const { replica = null } = store
  const main = await open(store.place, '')
  if (replica === null) return main
  try {
    return new ReplicatedStore({
      mode: replica.mode,
      main,
      replica: await open(replica.place, 'replica-'),
      readOnly: options.readOnly ?? false,
      now: Date.now,
      pause: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
      onLag: () => {},
      onReplicaRead: () => {},
      onReplicaPut: () => {},
      ...options.replica,
    })
  } catch (error) {
    await main.close()
    throw error
  }
}

async function openCounted(stored: Stored, place: StorePlace, options: OpenOptions, prefix: string): Promise<Store> {
  const { counts } = options
  const name = prefix + place.type
  const store = await openPlace(stored, place, options, name)
  return counts === undefined ? store : new CountedStore(store, counts, name)
}

async function openPlace({ data, store }: Stored, place: StorePlace, options: OpenOptions, name: string): Promise<Store> {
  const remote: RemoteOptions = { timeoutMs: store.timeoutMs, requireLock: store.unlocked === 'stop', readOnly: options.readOnly ?? false }
  const traffic = options.counts === undefined ? {} : { traffic: options.counts.traffic(name) }
  switch (place.type) {
    case 'files':
      return FileStore.open(place.path ?? join(data, 'store'), options)
    case 'gcs': {
      // Google's library is loaded where it is used, and nowhere else.
      const { GcsStore } = await import('../store/gcs/store.ts')
      return GcsStore.open({ ...place, ...traffic, ...remote })
    }
    case 's3': {
      // Amazon's as well.
      const { S3Store } = await import('../store/s3/store.ts')
      const { credentials: keys } = place
      const credentials = keys === null ? null : { accessKeyId: opened(keys.accessKeyId), secretAccessKey: opened(keys.secretAccessKey) }
      return new S3Store({ ...place, credentials }, { ...remote, ...traffic })
    }
    case 'azure': {
      const { AzureStore } = await import('../store/azure/store.ts')
      const accountKey = place.accountKey === null ? null : opened(place.accountKey)
      return AzureStore.open({ ...place, ...traffic, ...remote, accountKey })
    }
  }
}

/** The write-once store of a data directory, for commands that are given nothing else. @throws SealtrailError DATA_UNWRITABLE, DATA_CORRUPT, STORE_UNREADABLE */
export function openStoreOf(data: string, options: OpenOptions = {}): Promise<Store> {
  return openStoreAt({ place: knownPlace(data), timeoutMs: TIMEOUT_MS }, data, options)
}

/** Where a data directory's evidence lies, with what the environment says of credentials. @throws SealtrailError DATA_CORRUPT */
export function knownPlace(data: string): StorePlace {
  const place = placeOf(data)
  return place.type === 'azure' ? { ...place, accountKey: accountKeyIn(process.env) } : place
}

/** A store that a command is given by its address, or by a configuration. @param data for files, which lie in a data directory. @throws SealtrailError STORE_UNREADABLE */
export function openStoreAt({ place, timeoutMs }: Pick<StoreConfig, 'place' | 'timeoutMs'>, data: string, options: OpenOptions = {}): Promise<Store> {
  return openStore({ data, store: { place, timeoutMs, unlocked: 'stop' } }, options)
}

/** A secret is opened when it is used. @throws SealtrailError STORE_UNREADABLE when its reference can no longer be opened */
function opened(reference: string): string {
  try {
    return openSecret(reference, process.env)
  } catch (cause) {
    throw new SealtrailError('STORE_UNREADABLE', `the credentials of the store: ${(cause as Error).message}`, { cause })
  }
}

/**
 * For probing beside a server that may be running: files are left to their one writer and copies to its replica's, and the
 * lock is looked for whatever `store.unlocked` says.
 */
export function openStoreToProbe({ data, store }: Stored, options: Pick<OpenOptions, 'counts'> = {}): Promise<Store> {
  const stored: Stored = { data, store: { ...store, unlocked: 'stop' } }
  const open = (place: StorePlace, prefix: string): Promise<Store> => openCounted(stored, place, { ...options, readOnly: place.type === 'files' }, prefix)
  return openBoth(stored, open, { readOnly: true })
}

/** The heads of its logs. @throws SealtrailError DATA_CORRUPT, DATA_UNWRITABLE */
export function openHeads(data: string, options: OpenOptions = {}): SqliteHead {
  return SqliteHead.open(join(data, 'head.sqlite'), options)
}
