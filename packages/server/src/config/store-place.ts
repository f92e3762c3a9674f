import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SealtrailError } from '../errors.ts'
import { replaceDurably } from '../durable-file.ts'
import type { StorePlace } from './store-config.ts'

/** In the data directory: where its evidence lies, so that commands that are given the directory alone find it. No secret is in it. */
const FILE = 'store.json'

/** Where a data directory's evidence lies; files, when it does not say. Secrets come from the environment then. @throws SealtrailError DATA_CORRUPT */
export function placeOf(data: string): StorePlace {
  const path = join(data, FILE)
  if (!existsSync(path)) return { type: 'files' }
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as StorePlace
  } catch (cause) {
    throw new SealtrailError('DATA_CORRUPT', `${FILE} is damaged: it says where the write-once store is`, { cause })
  }
}

/**
 * Notes the place at the first start; a later start with another place is refused, since the log's records would lie in two.
 * @param begun whether the directory has logs already.
 * @throws SealtrailError CONFIG_INVALID
 */
export function keepPlace(data: string, place: StorePlace, begun: boolean): void {
  const wanted = describe(place)
  if (begun) {
    const known = describe(placeOf(data))
    if (known !== wanted) throw new SealtrailError('CONFIG_INVALID', `the logs of this data directory lie in ${known}, the configuration names ${wanted}`)
  }
  if (place.type !== 'files' || existsSync(join(data, FILE))) replaceDurably(join(data, FILE), `${JSON.stringify(withoutSecrets(place))}\n`, FILE)
}

/** As one would write it in an address. */
export function describe(place: StorePlace): string {
  switch (place.type) {
    case 'files':
      return 'files of the data directory'
    case 's3':
      return `s3://${place.bucket}/${place.prefix}${at(place)}`
    case 'azure':
      return `azure://${place.account}/${place.container}/${place.prefix}${at(place)}`
    case 'gcs':
      return `gs://${place.bucket}/${place.prefix}`
  }
}

/** Another service may have a bucket of the same name. */
function at({ endpoint }: { readonly endpoint: string | null }): string {
  return endpoint === null ? '' : ` at ${endpoint}`
}

/** References name secrets and are none, but what they name is this configuration's own affair. */
function withoutSecrets(place: StorePlace): StorePlace {
  if (place.type === 's3') return { ...place, credentials: null }
  if (place.type === 'azure') return { ...place, accountKey: null }
  return place.type === 'gcs' ? { ...place, credentialsFile: null } : place
}
