// The servers of the store suites, as a place the flow can seal into and whose requests can be counted.
import type { StorePlace } from '../../src/config/store-config.ts'
import { ACCOUNT, AzureServer, CONTAINER, KEY } from '../../test/store/azure/server.ts'
import { startGcs } from '../../test/store/gcs/server.ts'
import { S3Server } from '../../test/store/s3/server.ts'
import type { StoreName } from './prices.ts'

/** One request as the platform bills it. */
export interface Request {
  /** The platform's own name for it. */
  readonly operation: string
  readonly key: string
}

export interface StandIn {
  readonly place: StorePlace
  /** Every request that arrived. */
  requests(): Request[]
  close(): Promise<void>
}

/** A server in this process that answers as the platform does. Sets what the platform's library looks for in the environment. */
export async function standIn(store: StoreName): Promise<StandIn> {
  switch (store) {
    case 's3': {
      const server = await S3Server.start()
      server.bucket('evidence')
      process.env['BENCH_ID'] = 'AKIATEST'
      process.env['BENCH_SECRET'] = 'secret'
      const place = { ...server.place('evidence'), credentials: { accessKeyId: 'env:BENCH_ID', secretAccessKey: 'env:BENCH_SECRET' } }
      return { place, requests: () => server.seen.map(({ operation, key }) => ({ operation, key })), close: () => server.close() }
    }
    case 'azure': {
      const server = await AzureServer.start({ now: Date.now })
      process.env['BENCH_KEY'] = KEY
      const place: StorePlace = { type: 'azure', account: ACCOUNT, container: CONTAINER, prefix: '', endpoint: server.endpoint, accountKey: 'env:BENCH_KEY' }
      return { place, requests: () => server.seen.map(({ operation, name }) => ({ operation, key: name })), close: () => server.stop() }
    }
    case 'gcs': {
      const server = await startGcs()
      server.pass(Date.now() - server.now())
      const place: StorePlace = { type: 'gcs', bucket: 'bucket', prefix: '', endpoint: server.endpoint, credentialsFile: null }
      return { place, requests: () => server.seen.map(({ method, name }) => ({ operation: method, key: name })), close: () => server.close() }
    }
  }
}

/** What a request is billed as, by the platforms' price lists; deletions are free. What is not known here is billed as the dearest. */
export function billedAs(operation: string): 'write' | 'list' | 'read' | null {
  if (/^Delete|\.delete$/.test(operation)) return null
  if (/^List|\.list$/.test(operation)) return 'list'
  if (/^(?:Get|Head)|\.get$/.test(operation)) return 'read'
  return 'write'
}
