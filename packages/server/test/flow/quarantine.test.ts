// Input no pack can take is kept, and sealed once one can. What must not be kept is refused, whether a pack knows it or not.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../../src/event/json.ts'
import { grep, grepAll, World } from './harness.ts'
import type { Answer } from './harness.ts'

const FRONT_DESK = fileURLToPath(new URL('fixtures/front-desk', import.meta.url))
const results = (answer: Answer): JsonObject[] => answer.body as unknown as JsonObject[]

describe('quarantine and replay', () => {
  const GUEST = { name: 'Barnaby Thistlewood', mail: 'barnaby@thistlewood.example' }
  const visit = (n: number, step = 'arrived'): JsonObject => ({ visit: `V-${n}`, step, at: '2026-05-06T07:08:09Z', desk: 'north', guest: GUEST })
  let world: World
  let firstId = ''
  before(async () => {
    world = await World.open()
  })
  after(() => world.end())

  it('an event no pack knows is sealed as quarantined, with the reason and nothing readable of it; sent again it is the same record', async () => {
    const sent = await world.send('/api/v1/events', visit(1), { role: 'ingest' })
    assert.deepEqual([sent.status, sent.body['outcome'], sent.body['code']], [201, 'quarantined', 'UNMATCHED'])
    assert.ok((sent.body['receipt'] as JsonObject)['proof'])
    firstId = String(sent.body['auditid'])
    const again = await world.send('/api/v1/events', visit(1), { role: 'ingest' })
    assert.deepEqual([again.status, again.body['outcome'], again.body['auditid']], [200, 'duplicate', sent.body['auditid']])
    assert.deepEqual((await world.send('/api/v1/sources/eventbridge', visit(2), { role: 'ingest' })).body['outcome'], 'quarantined')
    const many = results(await world.send('/api/v1/events?trail=notifications', [visit(3), visit(4, 'left'), { visit: 'V-5' }], { role: 'ingest' }))
    assert.deepEqual(
      many.map((each) => [each['outcome'], (each['receipt'] as JsonObject)['log']]),
      Array.from({ length: 3 }, () => ['quarantined', 'notifications']),
    )

    const { body } = await world.get(`/api/v1/records/${String(sent.body['auditid'])}`, 'auditor')
    assert.deepEqual([body['type'], body['subject']], ['sealtrail.quarantined', `quarantine/${String(sent.body['auditid'])}`])
    assert.deepEqual((body['data'] as JsonObject)['content'], null)
    assert.deepEqual(body['field_states'], { content: 'sealed' })
    assert.ok(JSON.stringify((await world.get(`/api/v1/records/${String(sent.body['auditid'])}`, 'officer')).body['data']).includes('Barnaby'))
    assert.deepEqual(await grepAll(world.data, Object.values(GUEST)), [])
  })

  it('what is wrong with an input is its reason, never its content', async () => {
    const cases: Array<[text: string, code: string]> = [
      [`{"a":"${GUEST.name}","a":2}`, 'NOT_I_JSON'],
      [`{"${GUEST.name}":1234567890123456789}`, 'NOT_I_JSON'],
      [`{"a":"\\ud800 ${GUEST.name}"}`, 'NOT_I_JSON'],
      [`{"...":"${GUEST.name}"}`, 'RESERVED_KEY'],
      [`{"x":{"_sd":["${GUEST.name}"]}}`, 'RESERVED_KEY'],
      [`${'{"a":'.repeat(80)}"${GUEST.name}"${'}'.repeat(80)}`, 'TOO_DEEP'],
      [`{"message_uuid":"u","delivery_status":"READ","customer_external_id":["${GUEST.name}"]}`, 'SCHEMA_BROKEN'],
      [`{"message_uuid":["${GUEST.name}"],"delivery_status":"READ"}`, 'SCHEMA_BROKEN'],
    ]
    for (const [text, code] of cases) {
      const answer = await world.send('/api/v1/events', text, { role: 'ingest' })
      assert.deepEqual([answer.status, answer.body['outcome'], answer.body['code']], [201, 'quarantined', code], text)
      assert.deepEqual(grep('answer', answer.text, [GUEST.name]), [], text)
      // In the trail of the pack that tried, else in the first.
      assert.equal((answer.body['receipt'] as JsonObject)['log'], code === 'SCHEMA_BROKEN' ? 'notifications' : 'interactions')
    }
    const lines = await world.send(
      '/api/v1/events',
      cases
        .map(([text]) => text)
        .concat('{"a":', `"${GUEST.name}"`, '[1]', 'null')
        .join('\n'),
      { role: 'ingest', headers: { 'content-type': 'application/x-ndjson' } },
    )
    assert.deepEqual(
      results(lines).map((each) => each['outcome']),
      [...cases.map(() => 'duplicate'), 'quarantined', 'quarantined', 'quarantined', 'quarantined'],
    )
    assert.deepEqual(await grepAll(world.data, Object.values(GUEST)), [])
    assert.deepEqual(grep('log', world.lines.join('') + (await world.get('/metrics')).text, Object.values(GUEST)), [])
  })

  it('lists them by trail and reason; replaying before there is a pack changes nothing', async () => {
    const { body } = await world.get('/api/v1/quarantine', 'auditor')
    assert.equal((body['records'] as JsonObject[]).length, 17)
    assert.ok((body['records'] as JsonObject[]).every((each) => each['replayed'] === false && typeof each['reason'] === 'string'))
    assert.equal(((await world.get('/api/v1/quarantine?trail=notifications&code=UNMATCHED', 'auditor')).body['records'] as JsonObject[]).length, 3)
    const before = (await world.records('interactions')).length + (await world.records('notifications')).length
    const replay = await world.send('/api/v1/quarantine/replay', undefined, { role: 'officer' })
    assert.deepEqual([replay.status, replay.body['total'], replay.body['quarantined']], [200, 17, 17])
    assert.equal((await world.records('interactions')).length + (await world.records('notifications')).length, before)
  })

  it('a user adds a pack with YAML alone: replay seals what it takes, once, with the time it came', async () => {
    await world.restart(`trails: { visits: { pack: ${FRONT_DESK} } }`)
    assert.ok(JSON.stringify((await world.get('/api/v1/packs')).body).includes('front-desk'))
    const quarantined = (await world.get('/api/v1/quarantine?trail=interactions&code=UNMATCHED')).body['records'] as JsonObject[]
    const replay = async (which: JsonObject): Promise<JsonObject> => {
      const { body } = await world.send('/api/v1/quarantine/replay', which, { role: 'officer' })
      await world.flush()
      return body
    }
    const none = { total: 1, missing: 0, sealed: 0, held: 0, duplicate: 0, filtered: 0, quarantined: 0, refused: 0 }
    assert.deepEqual(await replay({ auditids: [firstId] }), { ...none, sealed: 1 })
    // Sent for the trail of notifications, visits 3 and 4 are nobody's yet, as are {visit: 'V-5'}, a bare text, a list and null.
    assert.deepEqual(await replay({ code: 'UNMATCHED' }), { ...none, total: 8, sealed: 1, duplicate: 1, quarantined: 6 })
    const visits = await world.records('visits')
    assert.deepEqual(
      visits.map((record) => record['subject']),
      ['V-1', 'V-2'],
    )

    await world.restart(`trails: { visits: { pack: ${FRONT_DESK} }, notifications: { pack: [genesys-notifications, ${FRONT_DESK}] } }`)
    assert.deepEqual(await replay({ code: 'UNMATCHED' }), { ...none, total: 8, sealed: 2, duplicate: 2, quarantined: 4 })
    assert.deepEqual(
      (await world.records('notifications', '&type=example.visit.left')).map((record) => record['subject']),
      ['V-4'],
    )
    assert.equal((await world.records('visits')).length, 2)
    for (const record of visits) {
      const source = quarantined.find((each) => each['recordedtime'] === record['recordedtime'])
      assert.ok(source, 'received when it was received')
      assert.deepEqual((record['data'] as JsonObject)['guest'], GUEST.name)
    }
    const listed = (await world.get('/api/v1/quarantine', 'auditor')).body['records'] as JsonObject[]
    assert.equal(listed.filter((each) => each['replayed'] === true).length, 4)
    assert.equal((await world.send('/api/v1/quarantine/replay', {}, { role: 'officer' })).body['sealed'], 0)
    const notes = await world.system('replay')
    assert.deepEqual(
      notes.map((note) => [note['by'], note['outcome']]),
      Array.from({ length: 4 }, () => ['officer.token', 'sealed']),
    )
    assert.deepEqual(await grepAll(world.data, Object.values(GUEST)), [])
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})

describe('sensitive authentication data', () => {
  let world: World
  before(async () => {
    world = await World.open()
  })
  after(() => world.end())

  /** Values no other text of the test may contain. */
  const CODE = '90371'.slice(1)
  const TRACK = ';4111111111111111=29051010000012345678?'
  const PIN = '70294'
  const secrets = ['"cvv":"0371"', '4111111111111111', '29051010000012345678', PIN, `\\u0030371`]
  const known = { eventId: 'evt', timestamp: '2026-01-02T03:04:05Z', eventType: 'call.stateChange', interactionId: 'int_sad' }

  it('is refused in events a pack knows, and in those none knows', async () => {
    const bodies: Array<[name: string, body: unknown]> = [
      ['cvv', { ...known, eventId: 'e1', payload: { cvv: CODE } }],
      ['attributes.card_pin', { ...known, eventId: 'e2', payload: { attributes: { card_pin: PIN } } }],
      ['note', { ...known, eventId: 'e3', payload: { note: `swiped ${TRACK} just now` } }],
      ['cvv', { unheard: 'of', cvv: CODE }],
      ['track', { unheard: 'of', deep: [{ track2: TRACK }] }],
      ['pin', { unheard: 'of', customer: { pin: PIN } }],
      ['schema broken', { message_uuid: 'u-sad', delivery_status: 'READ', customer_external_id: ['x'], cvv2: CODE }],
    ]
    for (const [name, body] of bodies) {
      for (const [path, status] of [
        ['/api/v1/events', 422],
        ['/api/v1/sources/eventbridge', 200],
      ] as const) {
        const answer = await world.send(path, body, { role: 'ingest' })
        assert.deepEqual([answer.status, answer.body['outcome'], answer.body['code']], [status, 'refused', 'SENSITIVE_AUTHENTICATION_DATA'], `${name} ${path}`)
        assert.deepEqual(grep(name, answer.text, secrets), [])
      }
      const [one] = results(await world.send('/api/v1/events', [body], { role: 'ingest' }))
      assert.deepEqual([one?.['outcome'], one?.['code']], ['refused', 'SENSITIVE_AUTHENTICATION_DATA'], name)
    }
  })

  it('is refused in what is no I-JSON and in what is no JSON at all', async () => {
    const texts = [
      `{"cvv":"${CODE}","cvv":"${CODE}"}`,
      `{"n":1234567890123456789,"security_code":"${CODE}"}`,
      `{"a":"\\ud800","cvc":"\\u0030371"}`,
      `{"...":1,"cvv2":"${CODE}"}`,
      `${'{"a":'.repeat(80)}{"pin":"${PIN}"}${'}'.repeat(80)}`,
      `{"truncated":1,"track2Data":"${TRACK}"`,
      `card verification code: 0371, thank you`,
      `"my pin is ${PIN}"`,
    ]
    const lines = await world.send('/api/v1/events', texts.join('\n'), { role: 'ingest', headers: { 'content-type': 'application/x-ndjson' } })
    assert.deepEqual(
      results(lines).map((each) => [each['outcome'], each['code']]),
      texts.map(() => ['refused', 'SENSITIVE_AUTHENTICATION_DATA']),
    )
    for (const text of texts) {
      const answer = await world.send('/api/v1/sources/eventbridge', text, { role: 'ingest' })
      assert.deepEqual([answer.status, answer.body['outcome']], [200, 'refused'], text)
    }
    // One broken text alone is turned away, as nothing of it can be told apart.
    assert.equal((await world.send('/api/v1/events', texts[5], { role: 'ingest' })).status, 400)
  })

  it('is refused when a quarantined event is replayed with a pack that finds it, and is nowhere on the disk', async () => {
    await world.flush()
    const refusals = [...(await world.records('interactions', '&type=sealtrail.refused')), ...(await world.records('notifications', '&type=sealtrail.refused'))]
    assert.ok(refusals.length >= 7 + 8)
    for (const record of refusals) {
      const data = record['data'] as JsonObject
      assert.equal(data['code'], 'SENSITIVE_AUTHENTICATION_DATA')
      assert.ok(Array.isArray(data['fields']) && data['fields'].length > 0)
    }
    // In the event's place: with its id, type and time, numbered with its interaction.
    const { body } = await world.get('/api/v1/audit/interactions/int_sad')
    assert.deepEqual(
      (body['records'] as JsonObject[]).map((record) => [record['type'], record['time'], record['subjectsequence']]),
      [1, 2, 3].map((n) => ['sealtrail.refused', '2026-01-02T03:04:05.000Z', n]),
    )
    assert.deepEqual(((body['records'] as JsonObject[])[0]?.['data'] as JsonObject)['event_type'], 'com.genesys.cloud.interaction.call.stateChange')
    assert.equal(((await world.get('/api/v1/quarantine')).body['records'] as unknown[]).length, 0)

    assert.deepEqual(await grepAll(world.data, secrets), [])
    assert.deepEqual(grep('log', world.lines.join('') + (await world.get('/metrics')).text, secrets), [])
    assert.deepEqual(await world.closeAndAudit(), [])
    assert.deepEqual(await grepAll(world.data, secrets), [])
  })
})

describe('the system trail', () => {
  it('says what the server runs with, who read what, what was counted, what was in conflict – and no value', async () => {
    const world = await World.open()
    try {
      const flat = { message_uuid: 'sys-1', delivery_status: 'READ', customer_external_id: 'CUST_60606', carrier_error_code: null }
      const sent = await world.send('/api/v1/events', flat, { role: 'ingest' })
      await world.send('/api/v1/events', { ...flat, carrier_error_code: 'x' }, { role: 'ingest' })
      await world.send('/api/v1/events', { ...flat, delivery_status: 'SENT' }, { role: 'ingest' })
      const purpose = { 'x-audit-purpose': 'CASE-2026/17' }
      await world.get('/api/v1/audit/notifications?customer_external_id=CUST_60606', 'auditor', purpose)
      await world.get(`/api/v1/records/${String(sent.body['auditid'])}`, 'officer')
      for (const path of ['/healthz', '/metrics', '/log/notifications/checkpoint', '/api/v1/records?log=system', '/api/v1/records/00000000000000000000000000'])
        await world.get(path, 'admin')
      assert.equal((await world.get('/api/v1/records?log=notifications', 'officer', { 'x-audit-purpose': 'because Barnaby asked' })).status, 400)
      await world.restart(`trails: { notifications: { filter: 'event.status == "READ"' } }`)

      const [first, second] = (await world.system('start')) as [JsonObject, JsonObject]
      assert.notEqual(first['config_digest'], second['config_digest'], 'a narrower filter shows')
      assert.ok(JSON.stringify(second['config']).includes('event.status == '))
      assert.deepEqual(
        (first['packs'] as JsonObject[]).map((pack) => pack['name']),
        ['genesys-interactions', 'genesys-notifications'],
      )
      assert.ok((first['packs'] as JsonObject[]).every((pack) => /^sha256:[0-9a-f]{64}$/.test(String(pack['digest']))))

      const reads = (await world.system('read')).flatMap((each) => each['reads'] as JsonObject[])
      assert.deepEqual(
        reads.map(({ token, role, operation, parameters, purpose: why, shown }) => [token, role, operation, parameters, why, shown]),
        [
          [
            'auditor.token',
            'auditor',
            'auditNotifications',
            ['customer_external_id'],
            'CASE-2026/17',
            [{ auditid: sent.body['auditid'], log: 'notifications', view: 0 }],
          ],
          ['officer.token', 'officer', 'readRecord', [], null, [{ auditid: sent.body['auditid'], log: 'notifications', view: 0 }]],
        ],
      )
      assert.deepEqual((reads[0]?.['views'] as JsonObject[])[0], { disclosed: ['customer_external_id'], masked: [] }, 'names of fields, no value')

      const [counts] = await world.system('counts')
      assert.deepEqual(counts?.['notifications'], { received: 3, sealed: 1, refused: 1, filtered: 1 })
      assert.equal((await world.system('conflict')).length, 1)

      const trail = await world.records('system')
      assert.ok(trail.every((record) => record['specversion'] === '1.0' && String(record['type']).startsWith('sealtrail.system.')))
      assert.deepEqual(await grepAll(world.data, ['CUST_60606', 'Barnaby']), [])
      assert.deepEqual(await world.closeAndAudit(), [])
    } finally {
      await world.end()
    }
  })
})
