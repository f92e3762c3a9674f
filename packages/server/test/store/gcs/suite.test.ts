import { storeSuite } from '../store.suite.ts'
import { openGcs } from './open.ts'
import { startGcs } from './server.ts'

for (const prefix of ['', 'audit/eu/']) {
  storeSuite(`gcs, prefix '${prefix}'`, async () => {
    const server = await startGcs()
    return {
      open: () => openGcs(server, { prefix }),
      remove: () => server.close(),
      clock: { now: server.now, pass: async (ms) => server.pass(ms) },
      assurance: 'store-enforced' as const,
    }
  })
}
