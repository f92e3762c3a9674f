// A whole server whose evidence lies in a bucket: what it seals of where the store put it.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { decodeSegment } from '@sealtrail/evidence'
import type { JsonObject } from '../../../src/event/json.ts'
import { World } from '../../flow/harness.ts'
import { withServer } from './open.ts'
import type { S3Server } from './server.ts'

const receipt = (id: string, more: JsonObject = {}): JsonObject => ({
  message_uuid: id,
  delivery_status: 'DELIVERED',
  customer_external_id: 'CUST_81818',
  carrier_message_id: `carrier-${id}`,
  details: more,
})

async function onServer(run: (server: S3Server, world: World, yaml: string) => Promise<void>, more = '', options: { lock?: boolean } = {}): Promise<void> {
  await withServer(async (server) => {
    const world = new World()
    const before = { ...process.env }
    try {
      for (const name of ['id', 'secret']) writeFileSync(join(world.folder, name), `AKIA${name}\n`)
      // Commands that are given the directory alone take the secrets as the platform's own tools do.
      Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAid', AWS_SECRET_ACCESS_KEY: 'secret' })
      const yaml = `store: { type: s3, bucket: evidence, prefix: audit/eu, region: us-east-1, endpoint: '${server.endpoint}', accessKeyId: 'file:id', secretAccessKey: 'file:secret'${more} }`
      await world.start(yaml)
      await run(server, world, yaml)
    } finally {
      await world.end()
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    }
  }, options)
}

test('each segment’s version stands in the next header, the last one’s in the head, other objects’ in the system trail', () =>
  onServer(async (server, world, yaml) => {
    const large = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`flag_number_${i}`, i % 3 === 0]))
    for (const [i, more] of [{}, large, {}].entries()) {
      const { status } = await world.send('/api/v1/compliance/notifications', receipt(`m-${i}`, more))
      assert.equal(status, 201)
    }
    await world.restart(yaml)
    await world.send('/api/v1/compliance/notifications', receipt('m-last'))
    await world.restart(yaml)

    // What a probe tried lies apart, and is no evidence.
    const all = server
      .bucket('evidence')
      .all()
      .filter(({ key }) => !key.startsWith('audit/eu/.probe/'))
    assert.ok(all.every(({ key, retention }) => key.startsWith('audit/eu/') && retention?.mode === 'COMPLIANCE'))
    for (const log of ['notifications', 'system']) {
      let previous: string | undefined
      let count = 0
      for (const { id, bytes, metadata } of all.filter(({ key }) => key.startsWith(`audit/eu/${log}/segment/`))) {
        const { header } = decodeSegment(zstdDecompressSync(bytes!))
        assert.equal(header.previous.version, previous)
        previous = id
        count++
        assert.equal(metadata['x-amz-meta-sealtrail-format'], 'sealtrail/segment/1')
        assert.match(metadata['x-amz-meta-sealtrail-schemas'] ?? '', log === 'system' ? /schema:system\./ : /notifications/)
      }
      if (log === 'notifications') {
        assert.ok(count >= 4)
        assert.equal(world.local.sealing.heads.read(log)?.version, previous)
      }
    }
    const objects = all.filter(({ key }) => key.includes('/object/'))
    assert.equal(objects.length, 1)
    const pins = (await world.records('system', '&type=sealtrail.system.stored')).flatMap((record) => (record['data'] as { objects: JsonObject[] }).objects)
    assert.deepEqual(
      pins,
      objects.map(({ key, id, bytes }) => ({ digest: hash('sha256', bytes!, 'hex'), key: key.slice('audit/eu/'.length), version: id })),
    )
    assert.deepEqual(await world.closeAndAudit(), [])
  }))

test('another place than the one its logs lie in is refused', () =>
  onServer(async (_, world, yaml) => {
    await assert.rejects(world.restart(yaml.replace('audit/eu', 'audit/us')), { code: 'CONFIG_INVALID' })
    await world.start(yaml)
  }))

test('the rule for a colder class is written once the lock was seen enforced, and sealed; not in a bucket without lock', async () => {
  const cold = ', cold: { after: P90D, class: GLACIER_IR }'
  await onServer(async (server, world) => {
    assert.match(server.bucket('evidence').lifecycle, /GLACIER_IR/)
    assert.deepEqual(
      (await world.system('lifecycle')).map(({ id, storage_class: storageClass }) => [id, storageClass]),
      [['sealtrail-cold-audit-eu', 'GLACIER_IR']],
    )
  }, cold)
  await onServer(
    async (server, world) => {
      const { status } = await world.send('/api/v1/compliance/notifications', receipt('m-1'))
      assert.equal(status, 201)
      await world.local.assuring.look()
      assert.equal(server.bucket('evidence').lifecycle, '')
      assert.match(world.local.assuring.notes().join(), /store.cold: the lock was not seen enforced/)
    },
    `${cold}, unlocked: go-on`,
    { lock: false },
  )
})
