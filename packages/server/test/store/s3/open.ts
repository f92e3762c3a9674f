import { S3Store } from '../../../src/store/s3/store.ts'
import { PATIENCE, type Patience } from '../../../src/store/remote.ts'
import type { S3Options } from '../../../src/store/s3/client.ts'
import { S3Server } from './server.ts'

export const BUCKET = 'evidence'
export const PREFIX = 'audit/eu/'

/** Pauses are not waited for, and none is left to chance. */
export const SWIFT: Patience = { ...PATIENCE, pause: () => Promise.resolve(), random: () => 0.5 }

/** An S3 server with a bucket, for as long as the function runs. */
export async function withServer(run: (server: S3Server) => Promise<void>, options: Parameters<S3Server['bucket']>[1] = {}): Promise<void> {
  const server = await S3Server.start()
  server.bucket(BUCKET, options)
  try {
    await run(server)
  } finally {
    await server.close()
  }
}

export function openOn(server: S3Server, options: Partial<S3Options> = {}, patience: Patience = SWIFT, accessKeyId = 'AKIATEST'): S3Store {
  const address = { ...server.place(BUCKET, PREFIX), credentials: { accessKeyId, secretAccessKey: 'secret' } }
  return new S3Store(address, { timeoutMs: 5_000, requireLock: true, ...options }, patience)
}
