import type { Cold } from '../store/lifecycle.ts'
import type { ReplicaConfig, StoreConfig, StorePlace } from './store-config.ts'
import { describe } from './store-place.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** What reading the keys needs of the reader of the whole file. */
export interface StoreReading {
  find<T>(path: string): T | null
  get<T>(path: string): T
  mistake(path: string, message: string): void
}

/** Which keys each store knows, and which it cannot do without. */
const KEYS_OF: Readonly<Record<StorePlace['type'], { readonly needs: readonly string[]; readonly takes: readonly string[] }>> = {
  files: { needs: [], takes: [] },
  s3: { needs: ['bucket', 'region'], takes: ['prefix', 'endpoint', 'accessKeyId', 'secretAccessKey'] },
  azure: { needs: ['account', 'container'], takes: ['prefix', 'endpoint', 'accountKey'] },
  gcs: { needs: ['bucket'], takes: ['prefix', 'endpoint', 'credentials'] },
}
const PLACE_KEYS = [...new Set(Object.values(KEYS_OF).flatMap(({ needs, takes }) => [...needs, ...takes]))]

/** The `store` part of the configuration. */
export function readStore(reading: StoreReading): StoreConfig {
  const timeoutMs = reading.get<number>('store.timeout')
  const probeMs = reading.get<number>('store.probe')
  if (timeoutMs < 100) reading.mistake('store.timeout', 'store.timeout: at least 100ms')
  if (probeMs < 60_000) reading.mistake('store.probe', 'store.probe: at least 1m')
  const place = readPlace(reading, 'store')
  return { place, replica: readReplica(reading, place), timeoutMs, probeMs, unlocked: reading.get('store.unlocked'), cold: readCold(reading) }
}

function readReplica(reading: StoreReading, main: StorePlace): ReplicaConfig | null {
  const path = 'store.replica'
  const written = [...PLACE_KEYS, 'type', 'mode', 'path'].some((key) => reading.find(`${path}.${key}`) !== null)
  if (!written) return null
  if (reading.find(`${path}.type`) === null) reading.mistake(path, `${path}.type is missing`)
  const place = readPlace(reading, path)
  const folder = reading.find<string>(`${path}.path`)
  if (place.type === 'files' && folder === null) reading.mistake(path, `${path}.path is missing: the folder of the replica`)
  if (place.type !== 'files' && folder !== null) reading.mistake(`${path}.path`, `${path}.path: a store of type ${place.type} has no such key`)
  if (place.type !== 'files' && describe(place) === describe(main)) reading.mistake(path, `${path} is the store itself`)
  return { place: place.type === 'files' ? { type: 'files', path: folder ?? '' } : place, mode: reading.get(`${path}.mode`) }
}

function readCold(reading: StoreReading): Cold | null {
  const afterMs = reading.find<number>('store.cold.after')
  const storageClass = reading.find<string>('store.cold.class')
  if (afterMs === null && storageClass === null) return null
  if (afterMs === null || storageClass === null) {
    reading.mistake('store.cold', `store.cold.${afterMs === null ? 'after' : 'class'} is missing: both are needed`)
    return null
  }
  if (afterMs < DAY_MS) reading.mistake('store.cold.after', 'store.cold.after: at least P1D; platforms count whole days')
  if (reading.get('store.type') === 'files') reading.mistake('store.cold', 'store.cold: files have no classes of storage')
  return { afterMs, storageClass }
}

/** Where objects lie, from the keys below `path`. */
export function readPlace(reading: StoreReading, path: string): StorePlace {
  const type = reading.get<StorePlace['type']>(`${path}.type`)
  const { needs, takes } = KEYS_OF[type]
  for (const key of PLACE_KEYS) {
    const written = reading.find(`${path}.${key}`) !== null
    if (written && !needs.includes(key) && !takes.includes(key)) reading.mistake(`${path}.${key}`, `${path}.${key}: a store of type ${type} has no such key`)
    if (!written && needs.includes(key)) reading.mistake(path, `${path}.${key} is missing`)
  }
  const text = (key: string): string => reading.find<string>(`${path}.${key}`) ?? ''
  const find = (key: string): string | null => reading.find<string>(`${path}.${key}`)
  const prefix = text('prefix').replace(/\/*$/, (end) => (text('prefix') === '' || end !== '' ? end.slice(0, 1) : '/'))
  switch (type) {
    case 'files':
      return { type }
    case 's3':
      return { type, bucket: text('bucket'), prefix, region: text('region'), endpoint: find('endpoint'), credentials: credentialsOf(reading, path) }
    case 'azure':
      return { type, account: text('account'), container: text('container'), prefix, endpoint: find('endpoint'), accountKey: find('accountKey') }
    case 'gcs':
      return { type, bucket: text('bucket'), prefix, endpoint: find('endpoint'), credentialsFile: find('credentials') }
  }
}

/** The pair of references below `path`; null when there is none. */
export function credentialsOf(reading: StoreReading, path: string): { accessKeyId: string; secretAccessKey: string } | null {
  const accessKeyId = reading.find<string>(`${path}.accessKeyId`)
  const secretAccessKey = reading.find<string>(`${path}.secretAccessKey`)
  if (accessKeyId !== null && secretAccessKey !== null) return { accessKeyId, secretAccessKey }
  if (accessKeyId !== null || secretAccessKey !== null)
    reading.mistake(path, `${path}.${accessKeyId === null ? 'accessKeyId' : 'secretAccessKey'} is missing: both are needed`)
  return null
}
