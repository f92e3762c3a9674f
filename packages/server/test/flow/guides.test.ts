// Every JSON block and request of the two guides Sealtrail answers to, as printed there, through the whole server: it works,
// or its error names the correction.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { ANSWER, FILTER, PUT_BODY, RAW, RETRIEVAL, SUBSCRIPTION, TRANSFORM } from '../guides.ts'
import { grep, grepAll, World } from './harness.ts'

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/
const block = (text: string, spaces: number): string => text.replace(/^/gm, ' '.repeat(spaces))
const expected = JSON.parse(ANSWER) as { audit_record: JsonObject }

/** The request as printed, its placeholder token replaced. */
function ask(world: World): ReturnType<World['get']> {
  const [first, ...lines] = RETRIEVAL.split('\n')
  const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]))
  assert.ok(headers['Authorization']?.includes('[service_account_token]'))
  return world.get(first?.split(' ')[1] as string, 'auditor', { host: headers['Host'] as string, accept: headers['Accept'] as string })
}

function checkAnswer(body: JsonObject, record: JsonObject): void {
  assert.deepEqual(Object.keys(body).slice(0, 3), ['status', 'audit_record', 'verification_timestamp'])
  assert.equal(body['status'], 'verified')
  assert.match(String(body['verification_timestamp']), RFC3339)
  const shown = body['audit_record'] as JsonObject
  assert.deepEqual(Object.keys(shown), Object.keys(expected.audit_record))
  assert.match(String(shown['integrity_hash']), /^sha256:[0-9a-f]{64}$/)
  assert.deepEqual({ ...shown, integrity_hash: null }, { ...record, integrity_hash: null })
}

describe('the first guide', () => {
  let world: World
  before(async () => {
    world = await World.open(`trails:\n  interactions:\n    subscription:\n${block(SUBSCRIPTION, 6)}\n`)
  })
  after(() => world.end())

  const event = {
    eventId: 'evt_98765',
    timestamp: '2023-10-27T10:00:00Z',
    eventType: 'call.stateChange',
    interactionId: 'int_4711',
    payload: { state: 'transferred' },
  }

  it('its subscription, pasted under the trail, works; the destination is ignored with a warning that names the right ARN', () => {
    const { config, warnings } = world.loaded
    assert.deepEqual(config.trails['interactions']?.subscription?.eventTypes, ['call.stateChange', 'message.stateChange', 'email.stateChange'])
    const [warning] = warnings
    assert.equal(warning?.code, 'WRONG_DESTINATION')
    for (const word of ['ignored', 'arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME']) assert.ok(warning?.message.includes(word))
  })

  it('takes an event with eventId, timestamp, eventType, interactionId and payload; drops and counts what was not subscribed to', async () => {
    const sent = await world.send('/api/v1/events', event, { role: 'ingest' })
    assert.deepEqual([sent.status, sent.body['outcome']], [202, 'held'])
    assert.equal(sent.headers.get('location'), `/api/v1/events/${String(sent.body['auditid'])}`)
    assert.equal(
      (await world.send('/api/v1/events', { ...event, eventId: 'evt_2', eventType: 'stateChange' }, { role: 'ingest' })).body['outcome'],
      'held',
      'the type the guide itself filters for',
    )
    for (const eventType of ['call.heartbeat', 'webchat.stateChange', 'heartbeat']) {
      const answer = await world.send('/api/v1/events', { ...event, eventId: 'evt_3', eventType }, { role: 'ingest' })
      assert.deepEqual([answer.status, answer.body], [200, { outcome: 'filtered' }], eventType)
    }
    await world.flush()
    const { body } = await world.get('/api/v1/audit/interactions/int_4711')
    assert.deepEqual((body['records'] as JsonObject[]).map((record) => (record['data'] as JsonObject)['eventId']).sort(), ['evt_2', 'evt_98765'])
    assert.deepEqual((await world.get('/api/v1/audit/interactions/int_4711/state?at=2023-10-27T10:00:00Z')).body['id'], 'int_4711')
  })

  it('takes what its Python transformation returns; its unsalted hashes are not kept in the log either', async () => {
    const hash = '4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce'
    const payload = {
      ...event,
      interactionId: 'int_4712',
      eventId: 'evt_5',
      ssn: hash,
      creditCardNumber: hash,
      password: hash,
      emailAddress: 'ada.byron@post.example',
    }
    const output = { audit_id: payload.interactionId, timestamp: payload.timestamp, event_type: payload.eventType, data: payload, schema_version: 'v1.2' }
    const sent = await world.send('/api/v1/events', output, { role: 'ingest' })
    assert.deepEqual([sent.status, sent.body['outcome']], [202, 'held'])
    // The event it was made of is the same event, but for the hashes: those are what it says it is.
    await world.flush()
    const [record] = (await world.get('/api/v1/audit/interactions/int_4712')).body['records'] as [JsonObject]
    assert.deepEqual(
      [(record['data'] as JsonObject)['schema_version'], (record['data'] as JsonObject)['ssn'], (record['data'] as JsonObject)['password']],
      ['v1.2', hash, undefined],
    )
    assert.deepEqual(await grepAll(world.data, [hash, 'ada.byron@post.example']), [])
    const { body } = await world.get('/api/v1/records?log=interactions&schema_version=1')
    assert.equal((body['records'] as JsonObject[]).filter((each) => each['subject'] === 'int_4712').length, 1)
  })

  it('its PutObject call is answered with every correction, whatever the bucket is called', async () => {
    for (const path of ['/{bucket-name}/audit/event-12345.json', '/%7Bbucket-name%7D/audit/event-12345.json', '/my-bucket/audit/event-12345.json']) {
      const answer = await world.send(path, PUT_BODY, {
        method: 'PUT',
        headers: { 'x-amz-bucket-object-lock-mode': 'COMPLY', 'x-amz-bucket-object-lock-retention-date': '2031-01-01T00:00:00Z' },
      })
      assert.deepEqual([answer.status, answer.body['code'], answer.headers.get('content-type')], [400, 'WRONG_LOCK_HEADER', 'application/problem+json'])
      for (const word of ['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date', 'COMPLIANCE', 'POST /api/v1/events'])
        assert.ok(String(answer.body['detail']).includes(word), word)
    }
  })

  it('the lock headers as configuration are answered with the mode and keys that exist', async () => {
    const headers = 'x-amz-bucket-object-lock-mode: COMPLY\nx-amz-bucket-object-lock-retention-date: 2031-01-01T00:00:00Z'
    await assert.rejects(World.open(`trails:\n  interactions:\n    retain:\n${block(headers, 6)}\n`), (error: SealtrailError) => {
      assert.equal(error.code, 'WRONG_LOCK_HEADER')
      for (const word of ['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date', 'COMPLIANCE']) assert.ok(error.message.includes(word), word)
      return true
    })
    await assert.rejects(World.open('trails: { interactions: { retain: { mode: COMPLY } } }'), { code: 'WRONG_LOCK_MODE', message: /COMPLIANCE/ })
  })

  it('the body of that call, sent as an event: the dots are no JSON, and without them it is kept until a pack can read it', async () => {
    const broken = await world.send('/api/v1/events', PUT_BODY, { role: 'ingest' })
    assert.deepEqual([broken.status, broken.body['code']], [400, 'NOT_JSON'])
    const answer = await world.send('/api/v1/events', PUT_BODY.replace('{ ... }', '{}'), { role: 'ingest' })
    assert.deepEqual([answer.status, answer.body['outcome'], answer.body['code']], [201, 'quarantined', 'UNMATCHED'])
    assert.match(String(answer.body['message']), /no pack/)
  })

  it('leaves a log that verifies', async () => {
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})

describe('the second guide', () => {
  let world: World
  before(async () => {
    world = await World.open(`tenant: tenant_prod_01\ntrails:\n  notifications:\n    filter: '${FILTER}'\n    map:\n${block(TRANSFORM, 6)}\n`)
  })
  after(() => world.end())

  it('its filter expression keeps the terminal states and drops the others', async () => {
    for (const status of ['QUEUED', 'SENT'])
      assert.deepEqual((await world.send('/api/v1/events', { ...RAW, status }, { role: 'ingest' })).body, { outcome: 'filtered' })
    const all = await world.send(
      '/api/v1/events',
      ['DELIVERED', 'READ', 'FAILED', 'EXPIRED'].map((status) => ({ ...RAW, message_id: `other-${status}`, status })),
      { role: 'ingest' },
    )
    assert.deepEqual(
      (all.body as unknown as JsonObject[]).map((result) => result['outcome']),
      ['sealed', 'sealed', 'sealed', 'sealed'],
    )
  })

  it('the raw event, through its Transform block, is answered to its retrieval request as printed there', async () => {
    const sent = await world.send('/api/v1/events', RAW, { role: 'ingest' })
    assert.deepEqual([sent.status, sent.body['outcome']], [201, 'sealed'])
    const { status, body } = await ask(world)
    assert.equal(status, 200)
    // The time of arrival is ours; all else is what the guide shows.
    const shown = body['audit_record'] as JsonObject
    assert.match(String(shown['ingestion_timestamp']), RFC3339)
    checkAnswer(body, { ...expected.audit_record, ingestion_timestamp: shown['ingestion_timestamp'] as string })
    for (const key of ['history', 'proof', 'field_states', 'more']) assert.ok(key in body, key)
    assert.equal((body['history'] as JsonObject[]).length, 1)
    assert.deepEqual(grep('answer', JSON.stringify(body), ['13175550164']), [])
  })

  it('the flat record with its headers is the same receipt; sent alone it is answered as printed, its own times and tenant kept', async () => {
    const flat = { ...expected.audit_record }
    const post = (body: unknown, key = '{{event.message_id}}'): ReturnType<World['send']> =>
      world.send('/api/v1/compliance/notifications', body, { role: 'ingest', headers: { 'x-idempotency-key': key } })
    const again = await post(flat)
    assert.deepEqual([again.status, again.body['outcome'], again.headers.get('idempotent-replayed')], [200, 'duplicate', 'true'])

    const other = JSON.parse(
      JSON.stringify(flat).replaceAll('8f3a9c21', '00aa9c21').replaceAll('CUST_99281', 'CUST_10001').replaceAll('tenant_prod_01', 'tenant_prod_02'),
    ) as JsonObject
    const sent = await post(other, String(other['message_uuid']))
    assert.deepEqual([sent.status, sent.body['outcome']], [201, 'sealed'])
    const receipt = sent.body['receipt'] as JsonObject
    assert.deepEqual(Object.keys(receipt).sort(), ['auditid', 'checkpoint', 'index', 'integrity_hash', 'log', 'proof', 'published'])
    const { body } = await world.get(`/api/v1/audit/notifications?message_uuid=${String(other['message_uuid'])}&customer_external_id=CUST_10001`, 'auditor')
    checkAnswer(body, other)
    assert.equal((body['audit_record'] as JsonObject)['integrity_hash'], receipt['integrity_hash'])
    // READ under the same key header is a receipt of its own: the guide's key is the message alone.
    assert.equal((await post({ ...other, delivery_status: 'READ' }, String(other['message_uuid']))).status, 201)
  })

  it('asks for identifiers: disagreeing or unknown ones are 404, none is 400, a placeholder token is 401', async () => {
    const path = '/api/v1/audit/notifications'
    assert.equal((await world.get(`${path}?message_uuid=${RAW.message_id}&customer_external_id=CUST_10001`, 'auditor')).status, 404)
    assert.equal((await world.get(`${path}?message_uuid=unknown`, 'auditor')).status, 404)
    assert.equal((await world.get(`${path}?from=2024-05-10T14:32:01Z`, 'auditor')).body['code'], 'NO_IDENTIFIER')
    assert.equal((await world.get(`${path}?message_uuid=${RAW.message_id}`, 'auditor', { authorization: 'Bearer [service_account_token]' })).status, 401)
    assert.equal((await world.send('/api/v1/compliance/notifications', RAW, { headers: { authorization: 'Bearer [static_api_key_or_jwt]' } })).status, 401)
    assert.equal(((await world.get(`${path}?customer_external_id=CUST_99281`, 'auditor')).body['audit_record'] as JsonObject)['message_uuid'], RAW.message_id)
  })

  it('its answer and its unfilled Transform block, sent as events, do no harm', async () => {
    const answer = await world.send('/api/v1/compliance/notifications', ANSWER, { role: 'ingest' })
    assert.deepEqual([answer.status, answer.body['outcome'], answer.body['code']], [201, 'quarantined', 'UNMATCHED'])
    assert.deepEqual((await world.send('/api/v1/compliance/notifications', TRANSFORM, { role: 'ingest' })).body, { outcome: 'filtered' })
  })

  it('leaves no address and no customer id on the disk, and a log that verifies', async () => {
    const personal = ['+13175550164', '13175550164', '3175550164', 'CUST_99281', 'CUST_10001']
    assert.deepEqual(await grepAll(world.data, personal), [])
    assert.deepEqual(grep('log', world.lines.join('') + (await world.get('/metrics')).text, personal), [])
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
