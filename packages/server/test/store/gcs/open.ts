import { GcsStore } from '../../../src/store/gcs/store.ts'
import type { GcsOptions } from '../../../src/store/gcs/store.ts'
import { PATIENCE } from '../../../src/store/remote.ts'
import { type GcsServer, startGcs } from './server.ts'

/** A store on that server; nobody waits between tries. */
export function openGcs(server: GcsServer, options: Partial<GcsOptions> = {}): Promise<GcsStore> {
  return GcsStore.open({
    bucket: 'bucket',
    prefix: '',
    endpoint: server.endpoint,
    credentialsFile: null,
    timeoutMs: 60_000,
    limit: () => server.limit(),
    requireLock: true,
    patience: { ...PATIENCE, pause: async () => undefined, random: () => 0.5 },
    ...options,
  })
}

/** A server and a store on it for as long as the function runs. */
export async function within(run: (server: GcsServer, store: GcsStore) => Promise<void>, options: Partial<GcsOptions> = {}): Promise<void> {
  const server = await startGcs()
  const store = await openGcs(server, options)
  try {
    await run(server, store)
  } finally {
    await store.close()
    await server.close()
  }
}
