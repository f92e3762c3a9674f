import { SealtrailError } from '../errors.ts'
import type { StorePlace } from './store-config.ts'

/**
 * A store named on the command line: `s3://BUCKET[/PREFIX][?region=R&endpoint=URL]`, `azure://ACCOUNT/CONTAINER[/PREFIX][?endpoint=URL]`,
 * `gs://BUCKET[/PREFIX][?endpoint=URL]`. Secrets come from the environment, as each platform's own tools take them.
 * @throws SealtrailError USAGE
 */
export function parseStoreAddress(address: string, env: Readonly<Record<string, string | undefined>>): StorePlace {
  const parts = /^(s3|azure|gs):\/\/([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(address)
  if (parts === null) throw new SealtrailError('USAGE', 'a store is named s3://BUCKET/PREFIX, azure://ACCOUNT/CONTAINER/PREFIX or gs://BUCKET/PREFIX')
  const [, scheme, first = '', path = '', query = ''] = parts
  const options = new URLSearchParams(query)
  const unknown = [...options.keys()].filter((key) => key !== 'endpoint' && !(scheme === 's3' && key === 'region'))
  if (unknown.length > 0) throw new SealtrailError('USAGE', `the store's address takes ${scheme === 's3' ? 'region and ' : ''}endpoint, nothing else`)
  const endpoint = options.get('endpoint')
  const folder = (text: string): string => (text === '' || text.endsWith('/') ? text : `${text}/`)
  if (scheme === 's3') {
    const region = options.get('region') ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1'
    return {
      type: 's3',
      bucket: first,
      prefix: folder(path),
      region,
      endpoint: endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'] ?? null,
      credentials: null,
    }
  }
  if (scheme === 'gs') return { type: 'gcs', bucket: first, prefix: folder(path), endpoint, credentialsFile: null }
  const [container = '', ...rest] = path.split('/')
  if (container === '') throw new SealtrailError('USAGE', 'an Azure store is named azure://ACCOUNT/CONTAINER/PREFIX')
  return {
    type: 'azure',
    account: first,
    container,
    prefix: folder(rest.join('/')),
    endpoint,
    accountKey: accountKeyIn(env),
  }
}

/** The reference to an Azure account's key where no configuration has one: the variable that Azure's own tools read, if it is set. */
export function accountKeyIn(env: Readonly<Record<string, string | undefined>>): string | null {
  return env['AZURE_STORAGE_KEY'] === undefined ? null : 'env:AZURE_STORAGE_KEY'
}
