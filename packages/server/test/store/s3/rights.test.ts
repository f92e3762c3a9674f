// The policy of docs/stores.md: enough, and nothing of it in vain.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Probe } from '../../../src/store/store.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { BUCKET, openOn, PREFIX, SWIFT, withServer } from './open.ts'
import { documentedPolicy } from './policy.ts'
import type { S3Server } from './server.ts'

const NAME = 'AKIAPOLICY'
const rights = documentedPolicy().Statement.flatMap(({ Action }) => Action)

/** Everything a store is asked for, a deletion marker and a lost answer in the way; what goes wrong is named. */
async function everything(server: S3Server): Promise<{ readonly failed: readonly string[]; readonly probe: Probe | null }> {
  const store = openOn(server, {}, SWIFT, NAME)
  const failed: string[] = []
  const step = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      failed.push(`${name}: ${(error as Error).message}`)
    }
  }
  const [one, two] = [randomBytes(300), randomBytes(300)]
  const [key, other] = [keyOf('calls', 'segment', 0, one), keyOf('calls', 'segment', 1, two)]
  const shortly = { mode: 'COMPLIANCE', retainUntilMs: server.now() + 2_000 } as const
  await step('put', () => store.put(key, one, shortly, { format: 'x', legalHold: true }))
  server.fault({ does: 'cut-after', on: ({ operation }) => operation === 'PutObject' })
  await step('put, its answer lost', () => store.put(other, two, LOCK))
  server.bucket(BUCKET).delete(PREFIX + key, null, null)
  await step('get', () => store.get(key))
  await step('get of nothing', async () => assert.equal(await store.get(keyOf('calls', 'segment', 9, one)), null))
  await step('list', () => keysIn(store, ''))
  await step('held', async () => assert.equal((await store.held(other))?.legalHold, false))
  await step('extend', () => store.extend(other, { ...LOCK, retainUntilMs: LOCK.retainUntilMs + 86_400_000 }))
  await step('release', () => store.hold(key, false))
  await server.pass(5_000)
  await step('remove', () => store.remove(key, server.now()))
  let probe: Probe | null = null
  await step('probe', async () => {
    probe = await store.probe({ now: () => server.now(), random: randomBytes, pause: (ms) => server.pass(ms) })
    assert.equal(probe.assurance, 'store-enforced', JSON.stringify(probe.checks))
    for (const name of ['default-retention', 'suspend-versioning'])
      assert.doesNotMatch(probe.checks.find((check) => check.name === name)?.seen ?? '', /403 AccessDenied$/, `${name} could not be looked at`)
  })
  await store.close()
  return { failed, probe }
}

test('with the rights of the policy everything works, and nothing else is called but what only a probe may be refused', () =>
  withServer(async (server) => {
    server.limit(NAME, rights)
    const { failed } = await everything(server)
    assert.deepEqual(failed, [])
    const used = new Set(server.seen.flatMap((seen) => seen.rights))
    const beyond = [...used].filter((right) => !rights.includes(right)).sort()
    assert.deepEqual(beyond, ['s3:BypassGovernanceRetention', 's3:DeleteObject', 's3:PutBucketVersioning'])
    // Those three are only ever tried on the probe's own objects, and on the bucket's versioning.
    for (const { rights: asked, key } of server.seen)
      if (asked.some((right) => beyond.includes(right)) && key !== '') assert.ok(key.startsWith(`${PREFIX}.probe/`), key)
  }))

test('without any one of them something does not work', async () => {
  for (const right of rights) {
    await withServer(async (server) => {
      server.limit(
        NAME,
        rights.filter((each) => each !== right),
      )
      const { failed } = await everything(server)
      assert.notDeepEqual(failed, [], `${right} is not needed`)
    })
  }
})
