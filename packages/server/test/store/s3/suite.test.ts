import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { storeSuite } from '../store.suite.ts'
import { BUCKET, openOn, withServer } from './open.ts'
import { S3Server } from './server.ts'

storeSuite('s3', async () => {
  const server = await S3Server.start()
  server.bucket(BUCKET)
  return {
    open: async () => openOn(server),
    remove: () => server.close(),
    clock: { now: () => server.now(), pass: (ms) => server.pass(ms) },
    assurance: 'store-enforced' as const,
  }
})

test('a probe of a lock that holds names every attack, and leaves nothing that a later probe does not sweep', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const env = { now: () => server.now(), random: randomBytes, pause: (ms: number) => server.pass(ms) }
    const probe = await store.probe(env)
    assert.deepEqual(
      probe.checks.map(({ name, result }) => `${name} ${result}`),
      [
        'lock-shown held',
        'overwrite held',
        'shorten held',
        'shorten-bypass held',
        'relax held',
        'bypass held',
        'delete-version held',
        'mixed-list held',
        'legal-hold held',
        'delete-expired held',
        'suspend-versioning held',
        'default-retention skipped',
        'if-none-match held',
        'lifecycle skipped',
      ],
      JSON.stringify(probe.checks, null, 1),
    )
    const left = server.bucket(BUCKET).all().length
    await server.pass(120_000)
    await store.probe(env)
    assert.ok(server.bucket(BUCKET).all().length <= left)
    await store.close()
  }))
