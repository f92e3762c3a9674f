// What a policy for legal holds says, line by line, on the whole server.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { World } from '../flow/harness.ts'
import type { Answer } from '../flow/harness.ts'

const YAML = `
trails:
  notifications: { retain: { period: P30D, classes: { phi: { period: P6Y } } } }
`
const receipt = (message: string, status: string, more: JsonObject = {}): JsonObject => ({
  message_uuid: message,
  delivery_status: status,
  customer_external_id: `customer of ${message}`,
  ...more,
})
const LARGE = { details: { note: 'x', ...Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`flag_${i}`, i % 2 === 0])) } }

describe('legal holds', () => {
  let world: World
  let first: string
  before(async () => {
    world = await World.open(YAML)
    for (const message of ['kept', 'other', 'third']) for (const status of ['DELIVERED', 'READ']) await post(receipt(message, status))
    await post(receipt('large', 'DELIVERED', LARGE))
  })
  after(() => world.end())

  const post = (body: unknown): Promise<Answer> => world.send('/api/v1/events', body, { role: 'ingest' })
  const hold = (body: JsonObject, role: 'officer' | 'admin' = 'officer'): Promise<Answer> => world.send('/api/v1/holds', body, { role })
  const release = (id: string, reason = 'the matter is closed'): Promise<Answer> => world.send(`/api/v1/holds/${id}/release`, { reason }, { role: 'admin' })
  const list = async (): Promise<JsonObject[]> => (await world.get('/api/v1/holds', 'auditor')).body['holds'] as JsonObject[]

  /** Store keys of a log that are on hold. */
  async function held(log = 'notifications'): Promise<string[]> {
    const { store } = world.local.sealing
    const keys: string[] = []
    for await (const { key } of store.list(`${log}/`)) if ((await store.held(key))?.legalHold === true) keys.push(key)
    return keys
  }

  async function segmentsOf(message: string, log = 'notifications'): Promise<string[]> {
    const { body } = await world.get(`/api/v1/records?subject=${message}&limit=100`)
    const keys = new Set<string>()
    for (const { index } of body['records'] as JsonObject[]) keys.add((await world.local.sealing.records.segmentOf(log, Number(index)))?.key ?? '')
    return [...keys].sort()
  }

  it('is placed with reason, name and date on a subject, sealed, and then on every object with a record of it and no other', async () => {
    const answer = await hold({ subject: 'kept', reason: 'matter 2026-7', scope: 'content' })
    assert.equal(answer.status, 201, answer.text)
    const { id, state, placed, objects } = answer.body
    assert.deepEqual([state, objects], ['placed', 2])
    assert.deepEqual({ ...(placed as JsonObject), at: '' }, { approvedBy: null, at: '', by: 'officer.token', reason: 'matter 2026-7' })
    assert.deepEqual((await held()).sort(), await segmentsOf('kept'))
    const [record] = await world.system('hold')
    assert.deepEqual(record, { approved_by: null, by: 'officer.token', hold: id, reason: 'matter 2026-7', scope: 'content', subject: 'kept' })
    assert.deepEqual(await world.system('hold-applied'), [{ hold: id, objects: 2, op: 'place' }])
    first = String(id)
  })

  it('holds what is sealed later, too, from the moment it is written', async () => {
    await post(receipt('kept', 'FAILED'))
    await post(receipt('other', 'FAILED'))
    await world.flush()
    await world.local.holding.idle()
    const segments = await segmentsOf('kept')
    assert.equal(segments.length, 3)
    assert.deepEqual((await held()).sort(), segments)
  })

  it('covers what is to be asked before anything is removed, and the store itself removes nothing that is held', async () => {
    const { holds, store } = world.local.sealing
    assert.equal(holds.covers('notifications', 0, 'kept'), 'content')
    assert.equal(holds.covers('notifications', 0, 'other'), null)
    const [key] = await held()
    await assert.rejects(store.remove(String(key), Date.now() + 1_000 * 86_400_000), { code: 'OBJECT_LOCKED' })
  })

  it('another matter may hold the same; the same matter holds it once; nobody holds what is not there', async () => {
    assert.deepEqual([(await hold({ subject: 'kept', reason: 'matter 2026-7', scope: 'content' })).body['code']], ['HOLD_EXISTS'])
    assert.equal((await hold({ subject: 'kept', reason: 'matter 2026-8' })).status, 201)
    for (const [body, code] of [
      [{ subject: 'nobody', reason: 'x' }, 'NOT_FOUND'],
      [{ range: 'notifications:0..999', reason: 'x' }, 'BAD_REQUEST'],
      [{ range: 'nolog:0..1', reason: 'x' }, 'UNKNOWN_TRAIL'],
      [{ range: 'notifications:3..3', reason: 'x' }, 'BAD_REQUEST'],
      [{ range: 'notifications', reason: 'x' }, 'BAD_REQUEST'],
      [{ subject: 'kept' }, 'BAD_REQUEST'],
      [{ subject: 'kept', reason: 'ask +13175550142' }, 'BAD_REQUEST'],
      [{ subject: 'kept', reason: 'x', scope: 'all' }, 'BAD_REQUEST'],
      [{ subject: 'kept', range: 'notifications:0..1', reason: 'x' }, 'BAD_REQUEST'],
      [{ subject: 'kept', reason: 'x', until: 'then' }, 'BAD_REQUEST'],
    ] as Array<[JsonObject, string]>)
      assert.equal((await hold(body)).body['code'], code, JSON.stringify(body))
    assert.equal((await release('0'.repeat(32))).body['code'], 'NOT_FOUND')
    assert.equal((await release('constructor')).body['code'], 'NOT_FOUND')
  })

  it('is released with reason, and only from what no other hold covers', async () => {
    // Of the segments of `kept` one stays held by the range, and all of them by the second matter until that is released.
    const range = await hold({ range: 'notifications:0..1', reason: 'audit' })
    assert.equal(range.body['objects'], 1)
    const answer = await release(first)
    assert.deepEqual([answer.status, answer.body['state'], answer.body['objects']], [200, 'released', 0])
    assert.equal((await held()).length, 3)
    assert.equal(world.local.sealing.holds.covers('notifications', 5, 'kept'), 'record')
    const second = (await list()).find(({ placed }) => (placed as JsonObject)['reason'] === 'matter 2026-8') as JsonObject
    assert.equal((await release(String(second['id']))).body['objects'], 2)
    assert.deepEqual(await held(), [(await world.local.sealing.records.segmentOf('notifications', 0))?.key])
    assert.equal((await release(String(range.body['id']))).body['objects'], 1)
    assert.deepEqual(await held(), [])
    assert.match(String((await release(first)).body['detail']), /was released on \d{4}-/)
    assert.deepEqual(
      (await list()).map(({ state }) => state),
      ['released', 'released', 'released'],
    )
    assert.equal((await world.system('hold-released')).length, 3)
  })

  it('an open range holds what follows; data beside a record is held with it', async () => {
    const open = await hold({ range: 'notifications:6..', reason: 'from here on' })
    assert.equal(open.status, 201, open.text)
    await post(receipt('large', 'READ', LARGE))
    await world.flush()
    await world.local.holding.idle()
    const keys = await held()
    const objects: string[] = []
    for await (const { key } of world.local.sealing.store.list('notifications/object/')) objects.push(key)
    assert.equal(objects.length, 2)
    assert.ok(objects.every((key) => keys.includes(key)))
    assert.equal((await release(String(open.body['id']))).status, 200)
    assert.deepEqual(await held(), [])
  })

  it('counts as soon as its record is sealed, also when nobody waits for it: its asker may have died with the server before', async () => {
    const hold = '5'.repeat(32)
    const data = { approved_by: null, by: 'ann', hold, reason: 'asked for before', scope: 'record', subject: 'third' }
    await world.local.sealing.system({ what: 'hold', subject: `hold/${hold}`, id: `hold/${hold}/placed`, data })
    await world.flush()
    await world.local.holding.idle()
    assert.equal(world.local.sealing.holds.covers('notifications', 0, 'third'), 'record')
    assert.deepEqual((await held()).sort(), await segmentsOf('third'))
    assert.equal((await release(hold)).body['objects'], 2)
  })

  it('stands over restarts, also when all that is derived is gone, and is put on again where it was taken off behind our back', async () => {
    const { body } = await hold({ subject: 'third', reason: 'matter 9' })
    const keys = await held()
    const { store } = world.local.sealing
    await store.hold(String(keys[0]), false)
    assert.deepEqual(await world.closeAndAudit(), [])
    for (const derived of ['retain', 'index', 'ledger', 'tiles']) rmSync(join(world.data, derived), { recursive: true })
    await world.start(YAML)
    await world.local.holding.idle()
    assert.deepEqual(await held(), keys)
    const [view] = await list()
    assert.deepEqual(view, body)
    await post(receipt('third', 'FAILED'))
    await world.flush()
    assert.equal((await held()).length, 3)
  })

  it('is for officers; auditors see them', async () => {
    for (const role of ['auditor', 'security', 'ingest'] as const)
      assert.equal((await world.send('/api/v1/holds', { subject: 'kept', reason: 'x' }, { role })).status, 403)
    assert.equal((await world.get('/api/v1/holds', 'security')).status, 403)
    assert.equal((await world.get('/api/v1/holds', 'auditor')).headers.has('signature'), true)
  })

  it('is in one log or another: a subject of a class is held where it is', async () => {
    await post(receipt('classed', 'DELIVERED', { regulatory_tag: 'phi' }))
    await world.flush()
    assert.equal((await hold({ subject: 'classed', reason: 'matter 10' })).body['objects'], 1)
    assert.deepEqual(await held('default.notifications.phi'), await segmentsOf('classed', 'default.notifications.phi'))
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})

describe('legal holds under dual control', () => {
  let world: World
  let nowMs = Date.UTC(2026, 5, 1)
  const yaml = 'auth: { dualControl: true, approveWithin: 2h }'
  before(async () => {
    world = await World.open(yaml, { now: () => nowMs })
    await world.send('/api/v1/events', receipt('kept', 'DELIVERED'), { role: 'ingest' })
    await world.flush()
  })
  after(() => world.end())
  const hold = (body: JsonObject): Promise<Answer> => world.send('/api/v1/holds', body, { role: 'officer' })
  const approve = (id: unknown, role: 'officer' | 'admin'): Promise<Answer> => world.send(`/api/v1/holds/${String(id)}/approve`, undefined, { role })
  const covers = (): unknown => world.local.sealing.holds.covers('notifications', 0, 'kept')

  it('one person asks, another one approves, and nothing counts before', async () => {
    const asked = await hold({ subject: 'kept', reason: 'matter 1' })
    assert.deepEqual([asked.status, asked.body['state'], covers()], [202, 'requested', null])
    const { id } = asked.body
    assert.equal((await hold({ subject: 'kept', reason: 'matter 1' })).body['code'], 'HOLD_EXISTS')
    assert.deepEqual([(await approve(id, 'officer')).status, covers()], [403, null])
    assert.equal((await approve(id, 'officer')).body['code'], 'SAME_APPROVER')
    const approved = await approve(id, 'admin')
    assert.deepEqual([approved.status, approved.body['state'], covers()], [200, 'placed', 'record'])
    const placed = approved.body['placed'] as JsonObject
    assert.deepEqual([placed['by'], placed['approvedBy'], placed['reason']], ['officer.token', 'admin.token', 'matter 1'])
    assert.equal((await approve(id, 'admin')).body['code'], 'NOT_FOUND', 'it was approved already')

    const path = `/api/v1/holds/${String(id)}/release`
    assert.equal((await world.send(path, { reason: 'closed' }, { role: 'admin' })).status, 202)
    assert.equal((await world.send(path, { reason: 'closed' }, { role: 'officer' })).body['code'], 'HOLD_EXISTS')
    assert.equal(covers(), 'record')
    assert.equal((await approve(id, 'admin')).body['code'], 'SAME_APPROVER')
    const done = await approve(id, 'officer')
    assert.deepEqual([done.status, done.body['state'], covers()], [200, 'released', null])
  })

  it('a request expires, and stands over a restart until it does', async () => {
    const { id } = (await hold({ subject: 'kept', reason: 'matter 2' })).body
    await world.restart(yaml, { now: () => nowMs })
    assert.equal(((await world.get('/api/v1/holds')).body['holds'] as JsonObject[])[0]?.['id'], id)
    nowMs += 2 * 3_600_000
    const late = await approve(id, 'admin')
    assert.deepEqual([late.status, late.body['code']], [404, 'NOT_FOUND'])
    assert.match(String(late.body['detail']), /expired/)
    assert.equal(
      ((await world.get('/api/v1/holds')).body['holds'] as JsonObject[]).some((each) => each['id'] === id),
      false,
    )
    assert.equal((await hold({ subject: 'kept', reason: 'matter 2' })).status, 202)
    assert.equal(covers(), null)
  })

  it('two approvals at once are one', async () => {
    const { id } = (await hold({ subject: 'kept', reason: 'matter 3' })).body
    const answers = await Promise.all([approve(id, 'admin'), approve(id, 'admin'), approve(id, 'admin')])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404, 404])
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
