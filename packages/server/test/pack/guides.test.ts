import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { loadPack } from '../../src/pack/load.ts'
import { readFileSync } from 'node:fs'
import { FILTER, RAW, RECORD, SUBSCRIPTION, TRANSFORM } from '../guides.ts'
import { input } from './input.ts'

// The JSON blocks and expressions of the two integration guides the packs answer to, as they stand there.

const PACKS = join(import.meta.dirname, '../../../../packs')
const context = { tenant: 'tenant_prod_01' }

const subscribed = JSON.parse(SUBSCRIPTION) as { eventTypes: string[]; filterExpression: string }
const transform = JSON.parse(TRANSFORM) as JsonObject
const record = JSON.parse(RECORD) as JsonObject

describe('the first guide', () => {
  const subscription = { eventTypes: subscribed.eventTypes }
  const pack = loadPack(join(PACKS, 'genesys-interactions'), { trail: 'interactions', subscription, filter: subscribed.filterExpression })
  const sample = (name: string): JsonObject => JSON.parse(readFileSync(join(PACKS, 'genesys-interactions/samples', `${name}.json`), 'utf8')) as JsonObject
  const kept = (value: JsonObject): number => {
    const result = pack.apply(input(value), context)
    assert.ok(result.kind === 'events')
    return result.events.length
  }

  it('its subscription keeps calls, messages and e-mails and all their transitions', () => {
    for (let i = 1; i <= 17; i++) {
      const name = [
        'customer.start',
        'flow.start',
        'flow.outcome',
        'flow.end',
        'acd.start',
        'contact',
        'acd.end',
        'user.start',
        'attributes',
        'user.end',
        'acw',
        'voicemail.start',
        'voicemail.end',
        'customer.end',
        'wrapup',
        'outbound',
        'agent-state-hold',
      ][i - 1]!
      assert.equal(kept(sample(`topic-${String(i).padStart(2, '0')}-${name}`)), 1, name)
    }
    assert.equal(kept(sample('message-customer.start')), 1)
    assert.equal(kept(sample('email-customer.start')), 1)
    assert.equal(kept(sample('callback-acd.start')), 0, 'callbacks were not subscribed to')
  })

  it('takes an event with eventId, timestamp, eventType, interactionId and payload, and filters what is no state change', () => {
    const event = {
      eventId: 'evt_98765',
      timestamp: '2023-10-27T10:00:00Z',
      eventType: 'call.stateChange',
      interactionId: 'int_1',
      payload: { ssn: '078-05-1120', creditCardNumber: '4111111111111111', state: 'TRANSFERRED' },
    }
    const result = pack.apply(input(event), context)
    assert.ok(result.kind === 'events')
    const [mapped] = result.events
    assert.deepEqual(
      [mapped!.subject, mapped!.time, mapped!.type, mapped!.data],
      ['int_1', '2023-10-27T10:00:00.000Z', 'com.genesys.cloud.interaction.call.stateChange', event],
    )
    assert.ok(!mapped!.id.includes('078'))
    assert.equal(kept({ ...event, eventType: 'chat.stateChange' }), 0)
    assert.equal(
      loadPack(join(PACKS, 'genesys-interactions'), { filter: subscribed.filterExpression }).apply(input({ ...event, eventType: 'call.heartbeat' }), context)
        .kind,
      'events',
    )
    assert.equal(kept({ ...event, eventType: 'call.heartbeat' }), 0)
  })

  it('takes the result of its transformation, as the same event', () => {
    const event = { eventId: 'evt_1', timestamp: '2023-10-27T10:00:00Z', eventType: 'call.stateChange', interactionId: 'int_1', payload: { state: 'x' } }
    const transformed = { audit_id: event.interactionId, timestamp: event.timestamp, event_type: event.eventType, data: event, schema_version: 'v1.2' }
    const [first, second] = [event, transformed].map((value) => pack.apply(input(value), context))
    assert.ok(first!.kind === 'events' && second!.kind === 'events')
    assert.deepEqual(
      [second!.events[0]!.id, second!.events[0]!.compared, second!.events[0]!.data['schema_version']],
      [first!.events[0]!.id, first!.events[0]!.compared, 'v1.2'],
    )
  })
})

describe('the second guide', () => {
  const dir = join(PACKS, 'genesys-notifications')
  const pasted = loadPack(dir, { trail: 'notifications', filter: FILTER, map: transform })

  it('its filter and Transform block, pasted, map the raw event', () => {
    const result = pasted.apply(input(RAW, { receivedMs: Date.parse('2024-05-10T14:32:03Z') }), context)
    assert.ok(result.kind === 'events')
    const { integrity_hash: _, ...flat } = record
    assert.deepEqual(result.events[0]!.data, { ...flat, ingestion_timestamp: '2024-05-10T14:32:03.000Z' })
    assert.ok(!JSON.stringify(result.events[0]!.data).includes('13175550164'), 'the address is not in the flat record')
  })

  it('its filter drops the intermediate states', () => {
    for (const status of ['QUEUED', 'SENT', 'DELIVERED', 'READ', 'FAILED', 'EXPIRED']) {
      const result = pasted.apply(input({ ...RAW, status }), context)
      assert.ok(result.kind === 'events')
      assert.equal(result.events.length, status === 'QUEUED' || status === 'SENT' ? 0 : 1, status)
    }
  })

  it("the block works on the platform's own topics too", () => {
    const sample = JSON.parse(readFileSync(join(dir, 'samples/queue-message-delivery-failed.json'), 'utf8')) as JsonObject
    const result = pasted.apply(input(sample), context)
    assert.ok(result.kind === 'events')
    assert.deepEqual(Object.keys(result.events[0]!.data), Object.keys(transform))
    assert.deepEqual(
      [result.events[0]!.data['delivery_status'], result.events[0]!.data['carrier_error_code'], result.events[0]!.data['platform_tenant_id']],
      ['FAILED', 'sms.30003', 'tenant_prod_01'],
    )
  })

  it("takes the flat record of its answer, unchanged by a trail's map, with its tag for retention", () => {
    const { integrity_hash: _, ...flat } = record
    for (const pack of [pasted, loadPack(dir)]) {
      const result = pack.apply(input(flat), context)
      assert.ok(result.kind === 'events')
      assert.deepEqual(result.events[0]!.data, flat)
      assert.deepEqual(
        [result.events[0]!.subject, result.events[0]!.regulatorytag, result.events[0]!.status?.name],
        [flat['message_uuid'], 'COMPLIANCE_ARCHIVE_V1', 'DELIVERED'],
      )
    }
  })

  it('the raw event and the flat record made of it are one receipt', () => {
    const { integrity_hash: _, ...flat } = record
    const [a, b] = [RAW, flat].map((value) => pasted.apply(input(value), context))
    assert.ok(a!.kind === 'events' && b!.kind === 'events')
    assert.deepEqual([a!.events[0]!.id, a!.events[0]!.compared], [b!.events[0]!.id, b!.events[0]!.compared])
  })
})
