// A whole server whose evidence lies in a container: sealed under the role of docs/stores.md, verified from there, attacked behind its back.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { decodeSegment } from '@sealtrail/evidence'
import { sealtrail } from '../../cli/io.ts'
import { World } from '../../flow/harness.ts'
import type { BlobVersion, Lie } from './rules.ts'
import { ACCOUNT, AzureServer, CONTAINER, KEY, type ServerOptions } from './server.ts'

const PREFIX = 'audit/eu/'
const receipt = (id: string): object => ({
  message_uuid: id,
  delivery_status: 'DELIVERED',
  customer_external_id: 'CUST_81818',
  carrier_message_id: `carrier-${id}`,
})

async function onServer(options: ServerOptions, run: (server: AzureServer, world: World, yaml: string) => Promise<void>, more = ''): Promise<void> {
  const server = await AzureServer.start(options)
  const world = new World()
  const before = process.env['AZURE_STORAGE_KEY']
  // Commands that are given the directory or an address alone take the key as Azure's own tools do.
  process.env['AZURE_STORAGE_KEY'] = KEY
  writeFileSync(join(world.folder, 'key'), `${KEY}\n`)
  const yaml = `store: { type: azure, account: ${ACCOUNT}, container: ${CONTAINER}, prefix: ${PREFIX}, endpoint: '${server.endpoint}', accountKey: 'file:key'${more} }`
  try {
    await world.start(yaml)
    await run(server, world, yaml)
  } finally {
    await world.end()
    await server.stop()
    if (before === undefined) delete process.env['AZURE_STORAGE_KEY']
    else process.env['AZURE_STORAGE_KEY'] = before
  }
}

interface Line {
  readonly log: string
  readonly ok: boolean
  readonly size: number
  readonly root: string
  readonly problems: readonly { readonly code: string; readonly object: string }[]
}

async function verified(source: string, ...more: string[]): Promise<Line[]> {
  const { out, err } = await sealtrail(['verify', source, '--json', ...more], { env: { AZURE_STORAGE_KEY: KEY } })
  assert.notEqual(out, '', err)
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
const states = (lines: readonly Line[]): string[] =>
  lines.filter(({ log, size }) => log !== '*' && size > 0).map(({ log, size, root }) => `${log} ${size} ${root}`)
const evidence = (server: AzureServer): [string, readonly BlobVersion[]][] => [...server.blobs.blobs].filter(([name]) => !name.includes('.probe/')).sort()

test('sealed, locked, pinned and verified from the container; written over and deleted by name it is the same evidence', () =>
  onServer({}, async (server, world, yaml) => {
    for (let i = 0; i < 4; i++) assert.equal((await world.send('/api/v1/compliance/notifications', receipt(`m-${i}`))).status, 201)
    await world.restart(yaml)
    assert.equal((await world.send('/api/v1/compliance/notifications', receipt('m-4'))).status, 201)
    assert.deepEqual(await world.closeAndAudit(), [])

    const blobs = evidence(server)
    assert.ok(blobs.length > 4)
    for (const [name, versions] of blobs) {
      assert.ok(name.startsWith(PREFIX))
      assert.deepEqual([versions.length, versions[0]!.policy?.locked, versions[0]!.policy!.untilMs > Date.now()], [1, true, true], name)
    }
    const segments = blobs.filter(([name]) => name.startsWith(`${PREFIX}notifications/segment/`))
    assert.ok(segments.every(([, versions]) => versions[0]!.metadata.get('format') === 'sealtrail/segment/1'))
    const headers = segments.map(([, versions]) => decodeSegment(zstdDecompressSync(versions[0]!.bytes)).header)
    for (const [i, { previous }] of headers.entries()) assert.equal(previous.version, i === 0 ? undefined : segments[i - 1]![1][0]!.id)

    const address = `azure://${ACCOUNT}/${CONTAINER}/${PREFIX}?endpoint=${encodeURIComponent(server.endpoint)}`
    const good = await verified(address, '--store-locks')
    assert.deepEqual(
      good.flatMap(({ problems }) => problems),
      [],
    )
    assert.deepEqual(states(good), states(await verified(world.data, '--no-vault')))

    for (const [i, [name]] of segments.entries()) {
      if (i % 2 === 0) server.blobs.put(name, randomBytes(99), { md5: '', fresh: false, policy: null, hold: false, metadata: new Map() })
      else server.blobs.delete(name, null)
    }
    const after = await verified(address)
    assert.ok(after.every(({ ok }) => ok))
    assert.deepEqual(states(after), states(good))
    const told = (await verified(address, '--store-locks')).flatMap(({ problems }) => problems.map(({ object }) => object))
    for (const [name] of segments) assert.ok(told.includes(name.slice(PREFIX.length)), name)
  }))

test('over a container that forgets its locks nothing is acknowledged, unless the file says to go on', async () => {
  const forgetful: ServerOptions = { lies: new Set<Lie>(['ignores-lock']) }
  await onServer(
    forgetful,
    async (server, world) => {
      assert.equal((await world.send('/api/v1/compliance/notifications', receipt('m-0'))).status, 201)
      assert.deepEqual(await world.closeAndAudit(), [])
      assert.ok(evidence(server).length > 0)
    },
    ', unlocked: go-on',
  )
  await assert.rejects(
    onServer(forgetful, async (_server, world) => {
      const { status } = await world.send('/api/v1/compliance/notifications', receipt('m-0'))
      assert.equal(status, 503)
      throw new Error('not acknowledged')
    }),
    /not acknowledged|STORE_NOT_LOCKED|took .* and not its lock/,
  )
})
