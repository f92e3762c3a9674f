// Legal holds on a store that enforces them: S3 Object Lock, as AWS answers, in this process.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { BUCKET, PREFIX, withServer } from '../store/s3/open.ts'
import type { S3Server } from '../store/s3/server.ts'
import { World } from '../flow/harness.ts'

const receipt = (message: string, status: string): JsonObject => ({ message_uuid: message, delivery_status: status, customer_external_id: 'c' })

async function opened(server: S3Server): Promise<World> {
  const world = new World()
  writeFileSync(join(world.folder, 'id'), 'AKIATEST')
  writeFileSync(join(world.folder, 'secret'), 'secret')
  const { region, endpoint } = server.place(BUCKET, PREFIX)
  const credentials = 'accessKeyId: "file:id", secretAccessKey: "file:secret"'
  const store = `{ type: s3, bucket: ${BUCKET}, prefix: ${PREFIX}, region: ${region}, endpoint: "${endpoint}", ${credentials}, unlocked: go-on }`
  await world.start(`store: ${store}\ntrails: { interactions: false, notifications: { retain: { period: P30D } } }`, { now: () => server.now() })
  return world
}

test('a hold is on the versions that carry the records, one sealed later is written as held, and a release leaves none', () =>
  withServer(async (server) => {
    const world = await opened(server)
    try {
      const post = (body: unknown) => world.send('/api/v1/events', body, { role: 'ingest' })
      for (const status of ['DELIVERED', 'READ']) for (const message of ['ours', 'other']) assert.equal((await post(receipt(message, status))).status, 201)
      await world.flush()
      const { body } = await world.send('/api/v1/holds', { subject: 'ours', reason: 'matter 1' }, { role: 'officer' })
      assert.deepEqual([body['state'], body['objects']], ['placed', 2])
      await post(receipt('ours', 'FAILED'))
      await post(receipt('other', 'FAILED'))
      await world.flush()
      await world.local.holding.idle()

      const { store, records } = world.local.sealing
      const look = async (): Promise<boolean[]> => {
        const held: boolean[] = []
        for (let index = 0; index < 6; index++) {
          const key = (await records.segmentOf('notifications', index))?.key as string
          held.push((await store.held(key))?.legalHold === true)
        }
        return held
      }
      assert.deepEqual(await look(), [true, false, true, false, true, false])
      // The lock ends, the hold does not.
      const key = (await records.segmentOf('notifications', 0))?.key as string
      await server.pass(40 * 86_400_000)
      await assert.rejects(store.remove(key, server.now()), { code: 'OBJECT_LOCKED' })
      const released = await world.send(`/api/v1/holds/${String(body['id'])}/release`, { reason: 'closed' }, { role: 'admin' })
      assert.deepEqual([released.body['state'], released.body['objects']], ['released', 3])
      assert.deepEqual(await look(), Array<boolean>(6).fill(false))
    } finally {
      await world.end()
    }
  }))

test('a store that does not answer makes no hold less: it is sealed, counts, says that its objects follow, and they do', () =>
  withServer(async (server) => {
    const world = await opened(server)
    try {
      await world.send('/api/v1/events', receipt('ours', 'DELIVERED'), { role: 'ingest' })
      await world.flush()
      const { store } = world.local.sealing
      const hold = store.hold.bind(store)
      let fail = true
      store.hold = async (key, on) => {
        if (fail) throw Object.assign(new Error('503'), { code: 'NOT_DURABLE' })
        return hold(key, on)
      }
      const { status, body } = await world.send('/api/v1/holds', { subject: 'ours', reason: 'matter 1' }, { role: 'officer' })
      assert.deepEqual([status, body['state'], body['objects']], [201, 'placed', null])
      assert.equal(world.local.sealing.holds.covers('notifications', 0, 'ours'), 'record')
      assert.ok(world.local.holding.notes().some((note) => note.startsWith('a legal hold is not on all its objects yet')))
      fail = false
      world.local.holding.start()
      await world.local.holding.idle()
      const [view] = (await world.get('/api/v1/holds')).body['holds'] as JsonObject[]
      assert.equal(view?.['objects'], 1)
      assert.deepEqual(world.local.holding.notes(), [])
    } finally {
      await world.end()
    }
  }))
