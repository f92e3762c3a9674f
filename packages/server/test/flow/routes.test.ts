// One receipt by the platform's topics and as the flat record another system made of it: one record, as long as they do not contradict.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { World } from './harness.ts'
import type { Answer } from './harness.ts'

const EVENTS = '/api/v1/events'
const FLAT = '/api/v1/compliance/notifications'
const EVENTBRIDGE = '/api/v1/sources/eventbridge'

interface Receipt {
  readonly message: string
  readonly status?: string
  readonly address?: string | null
  readonly contact?: string | null
  readonly error?: string | null
}

/** The queue's topic: a message of a conversation, its receiver on the participant. */
function topic({ message, status = 'delivery-failed', address = '+442079460111', contact = 'contact-1', error = 'sms.30003' }: Receipt): JsonObject {
  const eventBody = {
    id: 'c0ffee00-0000-4000-8000-000000000001',
    participants: [
      {
        id: 'p1',
        purpose: 'customer',
        ...(address === null ? {} : { address }),
        ...(contact === null ? {} : { externalContact: { id: contact } }),
        messages: [],
      },
      {
        id: 'p2',
        purpose: 'agent',
        user: { id: 'agent-3' },
        type: 'sms',
        messages: [
          {
            message: { id: message },
            messageStatus: status,
            messageTime: '2026-02-03T08:15:30.000Z',
            ...(error === null ? {} : { errorInfo: { code: error, message: `the carrier says ${error}` } }),
          },
        ],
      },
    ],
  }
  const pattern = 'v2.routing.queues.{id}.conversations.messages'
  return {
    version: '0',
    id: `delivery-${message}`,
    'detail-type': pattern,
    source: 'aws.partner/genesys.com/cloud/0ddba11/flow',
    time: '2026-02-03T08:15:30Z',
    detail: { topicName: pattern.replace('{id}', 'c0ffee00-0000-4000-8000-000000000002'), version: '2', eventBody, timestamp: '2026-02-03T08:15:30.500Z' },
  }
}

/** The flat record of the same; it has no address but where the sender adds one. */
function flat({ message, status = 'FAILED', address = null, contact = 'contact-1', error = 'sms.30003' }: Receipt): JsonObject {
  return {
    audit_id: `evt_${message}`,
    message_uuid: message,
    customer_external_id: contact,
    communication_type: 'outbound_message_status_update',
    delivery_status: status,
    carrier_receipt_timestamp: '2026-02-03T08:15:31Z',
    carrier_error_code: error,
    originating_workflow_id: 'wf_renewal',
    originating_agent_id: null,
    regulatory_tag: 'KEEP_7Y',
    platform_tenant_id: 'emea',
    ingestion_timestamp: '2026-02-03T08:15:32Z',
    ...(address === null ? {} : { recipient_address: address }),
  }
}

/** The platform's own history of the message. */
function history({ message, address = '+442079460111', error = 'sms.30003' }: Receipt): JsonObject {
  return {
    id: message,
    direction: 'outbound',
    messengerType: 'sms',
    toAddress: address,
    status: 'delivery-failed',
    normalizedReceipts: [{ id: message, status: 'Failed', reasons: [{ code: error, message: 'no' }], channel: { time: '2026-02-03T08:15:30.000Z' } }],
    conversationId: 'c0ffee00-0000-4000-8000-000000000001',
  }
}

describe('one receipt by several routes', () => {
  let world: World
  let n = 0
  const message = (): string => `routes-${++n}`
  const send = (path: string, body: JsonObject): Promise<Answer> => world.send(path, body, { role: 'ingest' })
  const records = async (id: string): Promise<JsonObject[]> => (await world.records('notifications')).filter((record) => record['subject'] === id)
  const outcome = ({ status, body }: Answer): unknown[] => [status, body['outcome'], body['code']]

  before(async () => {
    world = await World.open()
  })
  after(() => world.end())

  it('topic, flat record and history, in every order: the first is sealed, the others are it again', async () => {
    const routes: ReadonlyArray<readonly [string, (receipt: Receipt) => JsonObject]> = [
      [EVENTBRIDGE, topic],
      [EVENTS, topic],
      [FLAT, flat],
      [EVENTS, history],
    ]
    for (const [firstPath, first] of routes) {
      const receipt = { message: message() }
      assert.ok((await send(firstPath, first(receipt))).status < 300)
      await world.flush()
      const [stands] = await records(receipt.message)
      for (const [path, make] of routes) {
        const answer = await send(path, make(receipt))
        assert.deepEqual(outcome(answer), [200, 'duplicate', undefined], `${first.name} then ${make.name}`)
        assert.equal(answer.body['auditid'], stands?.['auditid'])
      }
      assert.equal((await records(receipt.message)).length, 1)
    }
    assert.deepEqual(await world.system('conflict'), [])
  })

  it('what only one of them tells is no contradiction', async () => {
    for (const [first, second] of [
      [topic, flat],
      [flat, topic],
    ] as const) {
      for (const silent of [{ contact: null }, { error: null }, { contact: null, error: null, address: null }]) {
        const id = message()
        assert.equal((await send(EVENTS, first({ message: id, ...silent }))).status, 201)
        assert.deepEqual(outcome(await send(EVENTS, second({ message: id }))), [200, 'duplicate', undefined], JSON.stringify(silent))
      }
    }
    const id = message()
    assert.equal((await send(EVENTS, flat({ message: id, address: 'tel:+44 20 7946 0111' }))).status, 201)
    assert.deepEqual(outcome(await send(EVENTS, topic({ message: id }))), [200, 'duplicate', undefined], 'one spelling of a number is as good as another')
  })

  it('another error, address or customer is a conflict by whatever route, sealed in the system trail, and what stands stays', async () => {
    const other: ReadonlyArray<readonly [string, Partial<Receipt>]> = [
      ['error', { error: 'sms.30007' }],
      ['address', { address: '+442079460222' }],
      ['customer', { contact: 'contact-2' }],
    ]
    const address = '+442079460111'
    let conflicts = 0
    for (const [first, second] of [
      [topic, flat],
      [flat, topic],
      [flat, flat],
      [topic, topic],
    ] as const) {
      for (const [what, change] of other) {
        const receipt = { message: message(), address }
        assert.equal((await send(EVENTS, first(receipt))).status, 201)
        for (const path of [EVENTS, EVENTS]) {
          const answer = await send(path, second({ ...receipt, ...change }))
          assert.deepEqual(outcome(answer), [422, 'refused', 'IDENTITY_CONFLICT'], `${first.name} then ${second.name} with another ${what}`)
        }
        conflicts++
        assert.deepEqual(outcome(await send(EVENTS, second(receipt))), [200, 'duplicate', undefined])
        assert.equal((await records(receipt.message)).length, 1)
      }
    }
    // The platform's own route answers as the platform wants it, and seals the conflict all the same.
    const receipt = { message: message() }
    assert.equal((await send(FLAT, flat(receipt))).status, 201)
    const quiet = await send(EVENTBRIDGE, topic({ ...receipt, error: 'sms.30007' }))
    assert.ok(quiet.status < 300)
    // What is answered later was accepted later.
    assert.equal((await send(FLAT, flat({ message: message() }))).status, 201)
    assert.equal((await world.system('conflict')).length, conflicts + 1)
  })

  it('between two flat records everything counts as before, null too', async () => {
    for (const change of [
      { originating_workflow_id: 'wf_other' },
      { regulatory_tag: null },
      { customer_external_id: null },
      { carrier_error_code: null },
      { extra: 1 },
    ]) {
      const id = message()
      assert.equal((await send(FLAT, flat({ message: id }))).status, 201)
      assert.deepEqual(outcome(await send(FLAT, { ...flat({ message: id }), ...change })), [422, 'refused', 'IDENTITY_CONFLICT'], JSON.stringify(change))
      const times = { audit_id: 'x', carrier_receipt_timestamp: '2026-02-05T00:00:00Z', ingestion_timestamp: null }
      assert.deepEqual(outcome(await send(FLAT, { ...flat({ message: id }), ...times })), [200, 'duplicate', undefined])
    }
  })

  it('the same after the ledger was made again from the segments and the vault', async () => {
    const receipt = { message: message(), address: '+442079460111' }
    assert.equal((await send(EVENTS, topic(receipt))).status, 201)
    assert.deepEqual(await world.closeAndAudit(), [])
    rmSync(join(world.data, 'ledger'), { recursive: true })
    await world.start()
    assert.ok(world.local.sealing.findings.some((text) => /notifications: ledger state caught up from size 0/.test(text)))
    assert.deepEqual(outcome(await send(FLAT, flat({ message: receipt.message }))), [200, 'duplicate', undefined])
    assert.deepEqual(outcome(await send(FLAT, flat({ message: receipt.message, error: 'sms.30007' }))), [422, 'refused', 'IDENTITY_CONFLICT'])
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
