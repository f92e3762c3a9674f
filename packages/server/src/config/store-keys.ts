import type { Cold } from '../store/lifecycle.ts'
import type { StoreConfig, StorePlace } from './store-config.ts'

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
  return { place: readPlace(reading, 'store'), timeoutMs, probeMs, unlocked: reading.get('store.unlocked'), cold: readCold(reading) }
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

function credentialsOf(reading: StoreReading, path: string): { accessKeyId: string; secretAccessKey: string } | null {
  const accessKeyId = reading.find<string>(`${path}.accessKeyId`)
  const secretAccessKey = reading.find<string>(`${path}.secretAccessKey`)
  if (accessKeyId !== null && secretAccessKey !== null) return { accessKeyId, secretAccessKey }
  if (accessKeyId !== null || secretAccessKey !== null)
    reading.mistake(path, `${path}.${accessKeyId === null ? 'accessKeyId' : 'secretAccessKey'} is missing: both are needed`)
  return null
}
