// Events whose records do not fit a leaf: what becomes of them, how they are read, and what an audit says when their objects are harmed.
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { World, grepAll } from './harness.ts'

const PHONE = '+14155550199'
const flags = (count: number): JsonObject => Object.fromEntries(Array.from({ length: count }, (_, i) => [`flag_number_${i}`, i % 3 === 0]))
const call = (id: string, count: number): JsonObject => ({
  eventId: `e-${id}`,
  timestamp: '2026-03-01T09:00:00Z',
  eventType: 'call.stateChange',
  interactionId: id,
  payload: { caller: PHONE, ...flags(count) },
})
const receipt = (id: string, count: number): JsonObject => ({
  message_uuid: id,
  delivery_status: 'DELIVERED',
  customer_external_id: 'CUST_81818',
  carrier_message_id: `carrier-${id}`,
  details: { note: 'Erika Mustermann', ...flags(count) },
})

describe('records over 65,535 bytes', () => {
  let world: World
  const objects = (log: string): string[] => {
    try {
      return readdirSync(join(world.data, 'store', log, 'object')).filter((name) => !name.endsWith('.lock'))
    } catch {
      return []
    }
  }
  const seal = async (event: JsonObject): Promise<string> => {
    const { body } = await world.send('/api/v1/events', event)
    await world.flush()
    return String(body['auditid'])
  }
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.end())

  it('are sealed; the object lies under its digest, without a personal value, and everything reads as if it stood in the record', async () => {
    const auditid = await seal(call('large-1', 5_000))
    const [name, ...more] = objects('interactions')
    assert.deepEqual(more, [])
    const bytes = readFileSync(join(world.data, 'store', 'interactions', 'object', name as string))
    assert.equal(createHash('sha256').update(bytes).digest('hex'), name)
    assert.ok(bytes.length > 65_535)
    const { body } = await world.get(`/api/v1/records/${auditid}`)
    assert.equal(body['dataobject'], `sha256:${name}`)
    assert.ok(String(body['leaf']).length <= 65_535)
    assert.ok(String(body['leaf']).includes(`"dataobject":"sha256:${name}","dataschema"`))
    const payload = (body['data'] as JsonObject)['payload'] as JsonObject
    assert.deepEqual([payload['caller'], payload['flag_number_4999'], Object.keys(payload).length], [PHONE, false, 5_001])
    assert.equal(body['problems'], undefined)
    const { body: interaction } = await world.get('/api/v1/audit/interactions/large-1')
    assert.deepEqual(((interaction['records'] as JsonObject[])[0]?.['data'] as JsonObject)['payload'], payload)
    // A role that may not see the value gets null for it, and all the rest.
    const { body: seen } = await world.get(`/api/v1/records/${auditid}`, 'auditor')
    assert.deepEqual(
      [((seen['data'] as JsonObject)['payload'] as JsonObject)['caller'], (seen['field_states'] as JsonObject)['payload.caller']],
      [null, 'sealed'],
    )
    assert.deepEqual(await world.closeAndAudit(), [])
    const [verdict] = await auditDirectory(world.data, { key: null, vault: true, now: Date.now, logs: ['interactions'] })
    assert.deepEqual(verdict?.commitments, { disclosed: 1, erased: 0, missing: 0, erasedUnder: new Map() }, 'commitments within the object are looked up')
    assert.deepEqual(await grepAll(world.data, [PHONE]), [])
  })

  it('are a duplicate when sent again, with no second object; smaller ones have none', async () => {
    const first = await world.send('/api/v1/events', receipt('large-2', 4_000))
    assert.equal(first.status, 201)
    const again = await world.send('/api/v1/events', receipt('large-2', 4_000))
    assert.deepEqual([again.status, again.body['auditid']], [200, first.body['auditid']])
    await seal(receipt('small', 10))
    assert.equal(objects('notifications').length, 1)
    const { body } = await world.get('/api/v1/audit/notifications?message_uuid=large-2')
    assert.deepEqual([body['status'], (body['audit_record'] as JsonObject)['delivery_status']], ['verified', 'DELIVERED'])
    // What the log's own bookkeeping needs stays in the record: nothing derived has to read objects.
    await world.restart()
    rmSync(join(world.data, 'index'), { recursive: true, force: true })
    const third = await world.send('/api/v1/events', receipt('large-2', 4_000))
    assert.equal(third.body['outcome'], 'duplicate')
    assert.deepEqual(await world.closeAndAudit(), [])
  })

  it('survive a member of the sender’s that is called like the attribute', async () => {
    const auditid = await seal({ ...call('large-3', 5_000), dataobject: `sha256:${'0'.repeat(64)}`, payload: { dataobject: true, ...flags(10) } })
    const { body } = await world.get(`/api/v1/records/${auditid}`)
    assert.equal(body['problems'], undefined)
    assert.deepEqual(await world.closeAndAudit(), [])
  })

  for (const [harm, code] of [
    ['taken away', 'OBJECT_MISSING'],
    ['one byte changed', 'OBJECT_CHANGED'],
    ['cut short', 'OBJECT_CHANGED'],
  ] as const) {
    it(`${harm}: ${code} in answers and in the audit, the record itself still proved`, async () => {
      const auditid = await seal(receipt('large-4', 4_000))
      const path = join(world.data, 'store', 'notifications', 'object', objects('notifications')[0] as string)
      const bytes = readFileSync(path)
      chmodSync(path, 0o600)
      if (harm === 'taken away') rmSync(path)
      else if (harm === 'cut short') writeFileSync(path, bytes.subarray(0, -1))
      else
        writeFileSync(
          path,
          bytes.map((byte, i) => (i === 1_000 ? byte ^ 1 : byte)),
        )
      const { body } = await world.get(`/api/v1/records/${auditid}`)
      assert.deepEqual(
        (body['problems'] as JsonObject[]).map((each) => each['code']),
        [code],
      )
      assert.equal((body['data'] as JsonObject)['delivery_status'], 'DELIVERED')
      assert.equal((body['data'] as JsonObject)['details'], undefined)
      assert.equal((await world.get('/api/v1/audit/notifications?message_uuid=large-4')).body['status'], 'tampered')
      assert.equal((await world.get(`/api/v1/records/${auditid}/proof`)).status, 200)
      assert.deepEqual(await world.closeAndAudit(), [`notifications ${code} notifications/object/${objects('notifications')[0] ?? path.split('/').at(-1)}`])
    })
  }
})
