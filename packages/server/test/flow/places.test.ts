// Personal values where nobody expects them: in ids, in names of members, in refusals, in addresses of requests.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { grep, grepAll, World } from './harness.ts'

const NAME = 'Xanthippe Quorn-Abernathy'
const PHONE = '+442079460877'
const MAIL = 'xanthippe@quorn.example'
const SECRETS = [NAME, 'Quorn-Abernathy', PHONE, PHONE.slice(1), PHONE.slice(3), MAIL]

const flat = (n: number): JsonObject => ({
  message_uuid: `s-${n}`,
  delivery_status: 'READ',
  communication_type: 'outbound_message_status_update',
  carrier_error_code: null,
  customer_external_id: NAME,
  recipient_address: PHONE,
})

describe('values where nobody expects them', () => {
  let world: World
  before(async () => {
    world = await World.open()
  })
  after(() => world.end())

  const post = (body: unknown): ReturnType<World['send']> => world.send('/api/v1/events', body, { role: 'ingest' })
  const call = (more: JsonObject): JsonObject => ({
    eventId: 'e',
    timestamp: '2026-01-02T03:04:05Z',
    eventType: 'call.stateChange',
    interactionId: 'i-1',
    payload: {},
    ...more,
  })

  it('a number or address in what names the record is quarantined: it would stand there in clear', async () => {
    for (const body of [
      call({ interactionId: PHONE }),
      call({ interactionId: MAIL }),
      call({ eventType: `${PHONE}.stateChange` }),
      call({ eventId: MAIL }),
      { ...flat(1), message_uuid: MAIL },
      { ...flat(2), regulatory_tag: PHONE },
    ]) {
      const answer = await post(body)
      assert.deepEqual([answer.status, answer.body['outcome'], answer.body['code']], [201, 'quarantined', 'UNMAPPABLE'], JSON.stringify(body))
      assert.match(String(answer.body['message']), /(interactionId|eventType|eventId|message_uuid|regulatory_tag) holds a personal value/)
    }
    // The Message-ID of an e-mail only looks like an address.
    assert.equal((await post({ ...flat(3), message_uuid: '<010f-42@mail.example>' })).body['outcome'], 'sealed')
    assert.equal((await post(call({ interactionId: '16505550123456' }))).body['outcome'], 'held')
  })

  it('names of members are the sender’s, and may be anything', async () => {
    const answer = await post({ ...flat(4), [NAME]: true, [PHONE]: { [MAIL]: false }, more: { [NAME]: { vip: true }, list: [{ [NAME]: null }] } })
    assert.equal(answer.body['outcome'], 'sealed')
    const { body } = await world.get(`/api/v1/records/${String(answer.body['auditid'])}`, 'officer')
    assert.equal(((body['data'] as JsonObject)['*'] as JsonObject)[NAME], true)
    assert.equal(((await world.get('/api/v1/audit/notifications?message_uuid=s-4', 'auditor')).body['audit_record'] as JsonObject)['delivery_status'], 'READ')
    await post(Array.from({ length: 50 }, (_, n) => ({ ...flat(1_000 + n), [`thing${n}`]: { [PHONE]: 1 }, [`mail${n}`]: { note: MAIL } })))
    assert.ok(((await world.get('/metrics')).text.match(/^sealtrail_detected_total\{/gm) ?? []).length < 10, 'members do not make metrics')
  })

  it('what is found in a field that a pack calls plain is told by field: with the packs, in metrics, sealed by the hour', async () => {
    await post({ ...flat(5), carrier_error_code: `call ${PHONE}` })
    await post({ ...flat(6), carrier_error_code: 'DE89 3704 0044 0532 0130 00' })
    await post({ ...flat(7), carrier_error_code: PHONE })
    await world.local.served.beat()
    const packs = ((await world.get('/api/v1/packs', 'officer')).body['items'] as JsonObject[]).map(({ name, detected }) => [name, detected])
    const found = Object.fromEntries(packs) as Record<string, JsonObject[]>
    const field = 'carrier_error_code'
    assert.deepEqual(
      (found['genesys-notifications'] ?? []).filter((hit) => hit['field'] === field),
      [
        { field, hits: 1, kind: 'iban' },
        { field, hits: 2, kind: 'phone' },
      ],
    )
    assert.ok(
      (found['genesys-interactions'] ?? []).some((hit) => hit['field'] === 'interactionId'),
      'also where it stood in a name, and the event went to quarantine',
    )
    assert.match((await world.get('/metrics')).text, /sealtrail_detected_total\{trail="notifications",path="carrier_error_code",kind="phone"\} 2/)
    await world.restart()
    await world.flush()
    const [counts] = await world.system('counts')
    assert.deepEqual(
      ((counts?.['notifications'] as JsonObject)['detected'] as JsonObject[]).filter((hit) => hit['field'] === field),
      [
        { field, hits: 1, kind: 'iban', pack: 'genesys-notifications@1' },
        { field, hits: 2, kind: 'phone', pack: 'genesys-notifications@1' },
      ],
    )
    assert.deepEqual(await grepAll(world.data, [...SECRETS, 'DE89']), [])
  })

  it('a refusal names fields, not what senders put into their names; however many and long they are', async () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${'n'.repeat(50)}${i}`, { deeper: { [`${'o'.repeat(60)}`]: { cvv: '037' } } }]))
    const bodies = [
      call({ payload: { [NAME]: { cvv: '037' } } }),
      call({ payload: { [`cvv of ${NAME}`]: '037' } }),
      call({ interactionId: PHONE, payload: { cvv: '037' } }),
      call({ payload: many }),
      { unheard: many },
      { [`card cvv ${NAME}`]: '037' },
    ]
    for (const body of bodies) {
      const answer = await post(body)
      assert.deepEqual([answer.status, answer.body['code']], [422, 'SENSITIVE_AUTHENTICATION_DATA'], answer.text)
      assert.ok(answer.text.length < 4_000)
      assert.deepEqual(grep('answer', answer.text, SECRETS), [])
    }
    const prose = await world.send('/api/v1/events', `${NAME} says her pin is 7029\n${NAME}, card cvv: 037\n{"x":1}`, {
      role: 'ingest',
      headers: { 'content-type': 'application/x-ndjson' },
    })
    assert.deepEqual(
      (prose.body as unknown as JsonObject[]).map((each) => each['outcome']),
      ['refused', 'refused', 'quarantined'],
    )
    assert.deepEqual(grep('answer', prose.text, SECRETS), [])
  })

  it('nor do paths, queries, purposes and names of tokens get into the log or onto the disk', async () => {
    for (const path of [
      `/api/v1/records/${PHONE}`,
      `/api/v1/audit/interactions/${encodeURIComponent(NAME)}`,
      `/api/v1/audit/notifications?customer_external_id=${encodeURIComponent(NAME)}`,
      `/${PHONE}`,
      `/api/v1/records?subject=${MAIL}&cursor=${PHONE}`,
      '/api/v1/records/%F0%9F',
      '/api/v1/%zz',
      `/log/${MAIL}/checkpoint`,
      `/api/v1/quarantine?trail=${MAIL}`,
      `/api/v1/records?log=${MAIL}`,
    ]) {
      const answer = await world.get(path)
      assert.ok([200, 400, 404].includes(answer.status), `${path} ${answer.status}`)
      assert.ok(answer.status === 200 || !answer.text.includes('Quorn'), path)
    }
    assert.equal((await world.get('/api/v1/records', 'officer', { 'x-audit-purpose': MAIL })).status, 400)
    assert.equal((await world.send('/api/v1/tokens', { name: NAME, role: 'auditor' }, { role: 'admin' })).status, 400)
  })

  it('none of it is on the disk, in the log or in the metrics', async () => {
    await world.flush()
    assert.deepEqual(grep('log', world.lines.join('') + (await world.get('/metrics')).text, SECRETS), [])
    assert.deepEqual(await grepAll(world.data, SECRETS), [])
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
