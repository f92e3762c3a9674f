// Delivery receipts in the wrong order, twice, on several routes, changed, in snapshots: what is answered and what is sealed.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { World } from './harness.ts'
import type { Answer, Send } from './harness.ts'

const RANK = ['DELIVERED', 'READ', 'FAILED', 'EXPIRED']
const COMPLIANCE = '/api/v1/compliance/notifications'
const EVENTS = '/api/v1/events'

const flat = (message: string, status: string, more: JsonObject = {}): JsonObject => ({
  audit_id: `evt_${message}_${status}`,
  message_uuid: message,
  customer_external_id: 'CUST_70707',
  communication_type: 'outbound_message_status_update',
  delivery_status: status,
  carrier_receipt_timestamp: '2026-02-03T08:15:30Z',
  carrier_error_code: null,
  originating_workflow_id: 'wf_renewal',
  originating_agent_id: null,
  regulatory_tag: 'KEEP_7Y',
  platform_tenant_id: 'emea',
  ingestion_timestamp: '2026-02-03T08:15:31Z',
  ...more,
})

/** A conversation as a queue's topic shows it: one entry for each message and its latest status. */
const snapshot = (messages: ReadonlyArray<readonly [id: string, status: string]>, topic = 'queues'): JsonObject => {
  const owner = topic === 'queues' ? 'v2.routing.queues' : 'v2.users'
  return {
    version: '0',
    id: `snap-${topic}-${messages.length}`,
    'detail-type': `${owner}.{id}.conversations.messages`,
    source: 'aws.partner/genesys.com/cloud/0ddba11/flow',
    time: '2026-02-03T08:15:30Z',
    detail: {
      topicName: `${owner}.5eed5eed-0000-4000-8000-000000000001.conversations.messages`,
      version: '2',
      eventBody: {
        id: '5eed5eed-0000-4000-8000-000000000002',
        participants: [
          { id: 'p1', purpose: 'customer', address: '+442079460199', externalContact: { id: 'contact-9' }, messages: [] },
          {
            id: 'p2',
            purpose: 'agent',
            user: { id: 'agent-3' },
            type: 'sms',
            messages: messages.map(([id, messageStatus]) => ({ message: { id }, messageStatus, messageTime: '2026-02-03T08:15:30.000Z' })),
          },
        ],
      },
      timestamp: '2026-02-03T08:15:30.500Z',
    },
  }
}

describe('delivery receipts', () => {
  let world: World
  const tally: Record<string, number> = {}
  const count = (result: JsonObject): void => {
    const outcome = result['outcome'] as string
    tally[outcome] = (tally[outcome] ?? 0) + 1
  }
  /** Sends to a route, and counts what became of each input. */
  async function send(path: string, body: unknown, options: Send = {}): Promise<Answer> {
    const answer = await world.send(path, body, { role: 'ingest', ...options })
    for (const result of Array.isArray(answer.body) ? (answer.body as JsonObject[]) : [answer.body]) count(result as JsonObject)
    return answer
  }
  const results = (answer: Answer): JsonObject[] => answer.body as unknown as JsonObject[]
  const audit = async (message: string): Promise<JsonObject> => (await world.get(`/api/v1/audit/notifications?message_uuid=${message}`, 'auditor')).body
  const current = async (message: string): Promise<unknown> => ((await audit(message))['audit_record'] as JsonObject)['delivery_status']

  before(async () => {
    world = await World.open('limits: { maxBody: 64KiB }')
  })
  after(() => world.end())

  it('READ before DELIVERED: both are sealed, the later and lower one is answered 409 and stays superseded', async () => {
    const read = await send(COMPLIANCE, flat('m-a', 'READ'))
    assert.deepEqual(
      [read.status, read.body['outcome'], read.body['superseded'], read.headers.get('location')],
      [201, 'sealed', undefined, `/api/v1/events/${String(read.body['auditid'])}`],
    )
    const delivered = await send(COMPLIANCE, flat('m-a', 'DELIVERED'))
    assert.deepEqual([delivered.status, delivered.body['code'], delivered.body['outcome'], delivered.body['superseded']], [409, 'SUPERSEDED', 'sealed', true])
    assert.deepEqual([delivered.headers.get('content-type'), delivered.headers.get('idempotent-replayed')], ['application/problem+json', null])
    const receipt = delivered.body['receipt'] as JsonObject
    assert.ok(Number(receipt['index']) > Number((read.body['receipt'] as JsonObject)['index']))

    const again = await send(COMPLIANCE, flat('m-a', 'DELIVERED'))
    assert.deepEqual([again.status, again.headers.get('idempotent-replayed'), (again.body['receipt'] as JsonObject)['index']], [409, 'true', receipt['index']])
    const elsewhere = await send(EVENTS, flat('m-a', 'DELIVERED'))
    assert.deepEqual(
      [elsewhere.status, elsewhere.body['outcome'], elsewhere.body['superseded'], elsewhere.headers.get('idempotent-replayed')],
      [200, 'duplicate', true, 'true'],
    )
    assert.deepEqual(
      [(elsewhere.body['receipt'] as JsonObject)['integrity_hash'], (elsewhere.body['receipt'] as JsonObject)['index']],
      [receipt['integrity_hash'], receipt['index']],
    )

    const body = await audit('m-a')
    assert.equal(body['status'], 'verified')
    assert.deepEqual({ ...(body['audit_record'] as JsonObject), integrity_hash: null }, { ...flat('m-a', 'READ'), integrity_hash: null })
    assert.deepEqual(
      (body['history'] as JsonObject[]).map((each) => [each['delivery_status'], each['superseded'], each['subjectsequence'], each['auditid']]),
      [
        ['READ', false, 1, read.body['auditid']],
        ['DELIVERED', true, 2, delivered.body['auditid']],
      ],
    )
    assert.equal((body['history'] as JsonObject[])[1]?.['integrity_hash'], receipt['integrity_hash'])
    assert.deepEqual(body['field_states'], { customer_external_id: 'disclosed' })
    const location = await world.get(`/api/v1/events/${String(delivered.body['auditid'])}`)
    assert.deepEqual([location.status, location.body['outcome'], location.body['superseded']], [200, 'sealed', true])
  })

  it('EXPIRED over READ, and nothing over EXPIRED', async () => {
    assert.equal((await send(COMPLIANCE, flat('m-b', 'READ'))).status, 201)
    assert.equal((await send(COMPLIANCE, flat('m-b', 'EXPIRED', { carrier_error_code: 'sms.30005' }))).status, 201)
    for (const status of ['FAILED', 'DELIVERED']) assert.equal((await send(COMPLIANCE, flat('m-b', status))).status, 409)
    assert.equal((await send(COMPLIANCE, flat('m-b', 'READ'))).status, 200, 'READ was current when it came, so its own receipt again is no conflict')
    const body = await audit('m-b')
    assert.deepEqual(
      [(body['audit_record'] as JsonObject)['delivery_status'], (body['audit_record'] as JsonObject)['carrier_error_code']],
      ['EXPIRED', 'sms.30005'],
    )
    assert.deepEqual(
      (body['history'] as JsonObject[]).map((each) => [each['delivery_status'], each['superseded']]),
      [
        ['READ', false],
        ['EXPIRED', false],
        ['FAILED', true],
        ['DELIVERED', true],
      ],
    )
  })

  it('every order of the four statuses, in one request each: current is the highest, superseded what came below it', async () => {
    const orders = (rest: readonly string[]): string[][] =>
      rest.length === 0 ? [[]] : rest.flatMap((first) => orders(rest.filter((each) => each !== first)).map((tail) => [first, ...tail]))
    for (const [n, order] of orders(RANK).entries()) {
      const answer = await send(
        EVENTS,
        order.map((status) => flat(`m-order-${n}`, status)),
      )
      assert.equal(answer.status, 200)
      let highest = -1
      const expected = order.map((status) => {
        const below = RANK.indexOf(status) < highest
        highest = Math.max(highest, RANK.indexOf(status))
        return ['sealed', below ? true : undefined]
      })
      assert.deepEqual(
        results(answer).map((each) => [each['outcome'], each['superseded']]),
        expected,
        order.join(),
      )
      assert.equal(await current(`m-order-${n}`), 'EXPIRED')
    }
  })

  it('the same receipt on two routes is one record; a receipt sent by ten at once too', async () => {
    const raw = {
      id: 'evt_m-c',
      type: 'outbound_message_status_update',
      status: 'DELIVERED',
      message_id: 'm-c',
      recipient: { external_id: 'CUST_70707', address: '+442079460199' },
      timestamp: '2026-02-03T08:15:30Z',
      workflow_id: 'wf_renewal',
      error_code: null,
      agent_id: null,
    }
    const first = await send(EVENTS, raw)
    assert.equal(first.status, 201)
    const same = { regulatory_tag: 'COMPLIANCE_ARCHIVE_V1', platform_tenant_id: 'default' }
    for (const [path, status] of [
      [COMPLIANCE, 200],
      [EVENTS, 200],
      ['/api/v1/sources/eventbridge', 200],
    ] as const) {
      const answer = await send(
        path,
        flat('m-c', 'DELIVERED', {
          ...same,
          audit_id: 'another',
          ingestion_timestamp: '2026-02-04T00:00:00Z',
          carrier_receipt_timestamp: '2026-02-03T08:15:31Z',
        }),
      )
      assert.deepEqual(
        [answer.status, answer.body['outcome'], (answer.body['receipt'] as JsonObject)['index']],
        [status, 'duplicate', (first.body['receipt'] as JsonObject)['index']],
        path,
      )
    }
    const [queue, user] = [snapshot([['m-d', 'read']]), snapshot([['m-d', 'read']], 'users')]
    assert.equal((await send(EVENTS, queue)).status, 201)
    const second = await send(EVENTS, user)
    assert.deepEqual([second.status, second.body['outcome'], second.headers.get('idempotent-replayed')], [200, 'duplicate', 'true'])

    const many = await Promise.all(Array.from({ length: 10 }, (_, i) => send(i % 2 === 0 ? EVENTS : COMPLIANCE, flat('m-e', 'FAILED'))))
    assert.deepEqual(many.map(({ status }) => status).sort(), [...new Array<number>(9).fill(200), 201])
    assert.equal(new Set(many.map(({ body }) => (body['receipt'] as JsonObject)['index'])).size, 1)
    for (const message of ['m-c', 'm-d', 'm-e']) assert.equal(((await audit(message))['history'] as unknown[]).length, 1)
  })

  it('the same identity with another body is 422, and sealed in the system trail once for each other body', async () => {
    const first = await send(COMPLIANCE, flat('m-f', 'DELIVERED'))
    for (const path of [COMPLIANCE, EVENTS, COMPLIANCE]) {
      const other = await send(path, flat('m-f', 'DELIVERED', { originating_workflow_id: 'wf_other' }))
      assert.deepEqual(
        [other.status, other.body['code'], other.body['outcome'], other.headers.get('content-type')],
        [422, 'IDENTITY_CONFLICT', 'refused', 'application/problem+json'],
      )
      assert.equal(other.body['auditid'], first.body['auditid'], 'names the record that stands')
    }
    const mixed = await send(EVENTS, [flat('m-f', 'DELIVERED', { originating_workflow_id: 'wf_third' }), flat('m-f', 'DELIVERED'), flat('m-g', 'READ')])
    assert.deepEqual(
      results(mixed).map((each) => [each['outcome'], each['code']]),
      [
        ['refused', 'IDENTITY_CONFLICT'],
        ['duplicate', undefined],
        ['sealed', undefined],
      ],
    )
    await world.local.sealing.drained()
    const conflicts = (await world.system('conflict')).filter((each) => each['trail'] === 'notifications')
    assert.deepEqual(
      conflicts.map((each) => [each['code'], each['auditid']]),
      [
        ['IDENTITY_CONFLICT', first.body['auditid']],
        ['IDENTITY_CONFLICT', first.body['auditid']],
      ],
    )
    assert.equal(((await audit('m-f'))['audit_record'] as JsonObject)['originating_workflow_id'], 'wf_renewal')
  })

  it('a snapshot with five receipts of which two are new: counts once, and lists all five', async () => {
    const three = (
      [
        ['m-1', 'read'],
        ['m-2', 'delivery-success'],
        ['m-3', 'failed'],
      ] as const
    ).map((each) => each)
    const begun = await send(EVENTS, snapshot([...three, ['m-4', 'queued'], ['m-5', 'sent']]))
    assert.deepEqual([begun.status, begun.body['outcome'], (begun.body['records'] as JsonObject[]).length], [201, 'sealed', 3])
    const five = snapshot([...three, ['m-4', 'delivery-failed'], ['m-5', 'delivery-success']])
    const answer = await send(EVENTS, five)
    assert.deepEqual([answer.status, answer.body['outcome'], answer.headers.get('idempotent-replayed')], [201, 'sealed', null])
    const records = answer.body['records'] as JsonObject[]
    assert.deepEqual(
      records.map((each) => each['outcome']),
      ['duplicate', 'duplicate', 'duplicate', 'sealed', 'sealed'],
    )
    assert.ok(records.every((each) => typeof (each['receipt'] as JsonObject)['integrity_hash'] === 'string'))
    assert.deepEqual(
      records.slice(0, 3).map((each) => each['auditid']),
      (begun.body['records'] as JsonObject[]).map((each) => each['auditid']),
    )
    const again = await send(EVENTS, five)
    assert.deepEqual([again.status, again.body['outcome'], again.headers.get('idempotent-replayed')], [200, 'duplicate', 'true'])
    const [lean] = results(await send(EVENTS, [five]))
    assert.deepEqual(Object.keys(((lean?.['records'] as JsonObject[])[0] as JsonObject)['receipt'] as JsonObject).sort(), ['auditid', 'index', 'log'])
    const statuses = []
    for (const n of [1, 2, 3, 4, 5]) statuses.push(await current(`m-${n}`))
    assert.deepEqual(statuses, ['READ', 'DELIVERED', 'FAILED', 'FAILED', 'DELIVERED'])
    // Later one message moves on.
    const moved = await send(EVENTS, snapshot([...three.slice(0, 2), ['m-3', 'delivery-success']]))
    assert.deepEqual(
      (moved.body['records'] as JsonObject[]).map((each) => [each['outcome'], each['superseded']]),
      [
        ['duplicate', undefined],
        ['duplicate', undefined],
        ['sealed', true],
      ],
    )
  })

  it('filtered, asynchronous, overloaded: 200, 202 with a Location that reports, 503 with Retry-After', async () => {
    const queued = await send(COMPLIANCE, flat('m-h', 'QUEUED'))
    assert.deepEqual([queued.status, queued.body], [200, { outcome: 'filtered' }])
    assert.equal((await world.get('/api/v1/audit/notifications?message_uuid=m-h')).status, 404)

    const detached = await send(EVENTS, flat('m-i', 'READ'), { headers: { prefer: 'respond-async' } })
    assert.deepEqual([detached.status, detached.headers.get('preference-applied')], [202, 'respond-async'])
    await world.local.sealing.drained()
    const reported = await world.get(detached.headers.get('location') as string, 'ingest')
    assert.deepEqual([reported.status, reported.body['outcome'], reported.body['auditid']], [200, 'sealed', detached.body['auditid']])

    const large = (i: number): string => JSON.stringify(flat(`m-busy-${i}`, 'READ')) + ' '.repeat(60_000)
    const busy = await Promise.all(
      Array.from({ length: 12 }, (_, i) => world.send(EVENTS, large(i), { role: 'ingest', headers: { 'content-length': String(large(i).length) } })),
    )
    const turned = busy.filter(({ status }) => status === 503)
    for (const { headers, body } of turned) assert.deepEqual([headers.get('retry-after'), body['code']], ['1', 'OVERLOADED'])
    for (const answer of busy.filter(({ status }) => status !== 503)) {
      assert.equal(answer.status, 201)
      count(answer.body)
    }
    assert.ok(turned.length > 0)
  })

  it('the counts add up: what was received is what was answered, hour by hour in the system trail', async () => {
    await world.restart()
    const counts = await world.system('counts')
    const sum: Record<string, number> = {}
    for (const each of counts) {
      assert.match(String(each['hour']), /^\d{4}-\d\d-\d\dT\d\d$/)
      for (const [trail, outcomes] of Object.entries(each)) {
        if (trail === 'hour') continue
        const { received, ...ended } = outcomes as Record<string, number>
        assert.equal(
          Object.values(ended).reduce((a, b) => a + b, 0),
          received,
        )
        assert.equal(trail, 'notifications')
        for (const [outcome, n] of Object.entries(ended)) sum[outcome] = (sum[outcome] ?? 0) + n
      }
    }
    assert.deepEqual(sum, tally)
    // One record for each input or part of one that was new, and each has a place of its own.
    const records = await world.records('notifications')
    assert.equal(new Set(records.map((record) => record['auditid'])).size, records.length)
    assert.equal(records.length, (tally['sealed'] as number) + (tally['held'] as number) + 2 /* of the first snapshot */ + 1 /* of the second */)
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
