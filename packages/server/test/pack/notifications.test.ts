import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fingerprintOf, sameContent } from '../../src/event/fingerprint.ts'
import type { JsonObject } from '../../src/event/json.ts'
import type { MappedEvent } from '../../src/event/mapped.ts'
import { keyedHashes } from '../../src/keys/hashes.ts'
import { protectSample } from '../../src/cli/protect-sample.ts'
import { sampleInput, testPack } from '../../src/pack/check.ts'
import { loadPack } from '../../src/pack/load.ts'
import { input } from './input.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const DIR = join(ROOT, 'packs/genesys-notifications')
const PAYLOADS = join(ROOT, '../shared/payloads')
const context = { tenant: 'default' }
const pack = loadPack(DIR)

const hashes = keyedHashes({ naming: new Uint8Array(32), token: new Uint8Array(32), fingerprint: new Uint8Array(32) })
const fingerprint = (event: MappedEvent): string => fingerprintOf(event, hashes)

const sample = (name: string): JsonObject => JSON.parse(readFileSync(join(DIR, 'samples', `${name}.json`), 'utf8')) as JsonObject

function events(value: JsonObject): readonly MappedEvent[] {
  const result = pack.apply(input(value), context)
  assert.equal(result.kind, 'events', JSON.stringify(result))
  return result.kind === 'events' ? result.events : []
}

function one(value: JsonObject): MappedEvent {
  const all = events(value)
  assert.equal(all.length, 1)
  return all[0]!
}

describe('genesys-notifications', () => {
  it('passes its own pack test, every event reached', () => {
    const report = testPack(DIR, { protect: protectSample })
    assert.deepEqual(
      report.samples.filter((s) => s.difference !== null),
      [],
    )
    assert.deepEqual([report.ok, report.problems, report.untested, report.unclassified], [true, [], [], ['campaign_name']])
    assert.deepEqual([report.detected, report.refused], [[], []])
  })

  it('ranks statuses EXPIRED > FAILED > READ > DELIVERED', () => {
    assert.deepEqual(
      [...pack.statuses].toSorted((a, b) => b[1] - a[1]).map(([name]) => name),
      ['EXPIRED', 'FAILED', 'READ', 'DELIVERED'],
    )
    assert.ok(
      [...pack.statuses.values()].every((rank) => rank > 0),
      'rank 0 means no status',
    )
    assert.equal(pack.sequenced, false)
  })

  it('maps each message status, keeps the original, and filters hand-offs', () => {
    for (const [status, mapped] of [
      ['delivery-success', 'DELIVERED'],
      ['read', 'READ'],
      ['failed', 'FAILED'],
      ['delivery-failed', 'FAILED'],
    ] as const) {
      const event = one(sample(`queue-message-${status}`))
      assert.deepEqual([event.data['delivery_status'], event.data['original_status'], event.status?.name], [mapped, status, mapped])
    }
    assert.equal(one(sample('queue-message-expired')).data['delivery_status'], 'EXPIRED')
    for (const status of ['queued', 'sent', 'received', 'removed', 'published', 'unknown-status'])
      assert.deepEqual(pack.apply(input(sample(`queue-message-${status}`)), context), { kind: 'events', events: [], dropped: 1 })
  })

  it('a receipt is one by queue topic, user topic, whole-conversation topic and message data', () => {
    const queue = one(sample('queue-message-delivery-success'))
    const others = [
      one(sample('user-message-same-receipt-websocket')),
      one(sample('conversation-topic-nested-messages')),
      events(sample('message-data-history'))[0]!,
    ]
    for (const other of others) {
      assert.deepEqual([other.id, other.subject, other.compared], [queue.id, queue.subject, queue.compared])
      assert.ok(sameContent(fingerprint(other), fingerprint(queue)))
    }
    assert.deepEqual([queue.compared, queue.agree], [{}, ['+13175550164', '00007001-5a1e-4c0d-8b7a-00000d88aeef', null]])
    const [elsewhere] = events(JSON.parse(JSON.stringify(sample('queue-message-delivery-success')).replaceAll('+13175550164', '+13175550165')) as JsonObject)
    for (const other of others) assert.ok(!sameContent(fingerprint(other), fingerprint(elsewhere!)), 'another address is no resend')
  })

  it('the plain event and the flat record made of it are one receipt', () => {
    const plain = one(sample('plain-receipt-read'))
    const flat = one(sample('flat-record-same-receipt'))
    assert.deepEqual([flat.id, flat.compared], [plain.id, plain.compared])
    assert.deepEqual(
      [plain.agree, flat.agree],
      [
        ['+13175550164', 'CUST_40404', null],
        [null, 'CUST_40404', null],
      ],
    )
    assert.ok(sameContent(fingerprint(plain), fingerprint(flat)))
  })

  it('compares all of a flat record but audit_id and the two timestamps', () => {
    const flat = sample('flat-record-same-receipt')
    const first = JSON.stringify(one(flat).compared)
    for (const key of Object.keys(flat)) {
      const changed = JSON.stringify(
        one({ ...flat, [key]: key === 'delivery_status' ? 'FAILED' : key.endsWith('timestamp') ? '2026-07-01T00:00:00Z' : 'other' }).compared,
      )
      const free = ['audit_id', 'carrier_receipt_timestamp', 'ingestion_timestamp'].includes(key)
      assert.equal(changed === first, free, key)
    }
    assert.notEqual(JSON.stringify(one({ ...flat, extra: 'x' }).compared), first)
  })

  it('fans a snapshot out, and counts what it dropped', () => {
    const result = pack.apply(input(sample('snapshot-many-receipts')), context)
    assert.ok(result.kind === 'events')
    assert.deepEqual([result.events.map((e) => e.data['delivery_status']), result.dropped], [['DELIVERED', 'READ', 'FAILED', 'DELIVERED'], 1])
    assert.equal(new Set(result.events.map((e) => e.id)).size, 4)
  })

  it('maps campaign results: failed and throttled fail, voice is delivered to a person only', () => {
    for (const name of ['sms-failed', 'sms-throttled', 'email-failed', 'whatsapp-failed', 'voice-busy', 'voice-noanswer', 'voice-machine'])
      assert.equal(one(sample(`campaign-${name}`)).data['delivery_status'], 'FAILED', name)
    assert.equal(one(sample('campaign-voice-person')).data['delivery_status'], 'DELIVERED')
    for (const name of ['sms-sent', 'sms-ambiguous', 'sms-forced-off', 'sms-before-contact']) assert.deepEqual(events(sample(`campaign-${name}`)), [], name)
    assert.equal(one(sample('campaign-email-failed')).data['communication_type'], 'outbound_email_status_update')
    assert.equal(one(sample('campaign-voice-busy')).data['communication_type'], 'outbound_voice_status_update')
  })

  it("never classifies recipient or customer as plain, and gives the customer's aliases", () => {
    for (const name of ['recipient_address', 'customer_external_id', 'error_text']) assert.equal(pack.fields.keys.get(name)?.rule?.class, 'personal', name)
    assert.deepEqual(one(sample('campaign-email-failed')).people['customer'], [
      { kind: 'external-id', value: 'CRM-20417' },
      { kind: 'email', value: 'pat.doe@mail.example' },
    ])
  })

  it('quarantines a receipt without a message, or with a status of another type', () => {
    const noId = pack.apply(input({ ...sample('plain-receipt-read'), message_id: 7 }), context)
    assert.deepEqual([noId.kind, noId.kind === 'error' && noId.code], ['error', 'SCHEMA_BROKEN'])
    const snapshot = JSON.parse(JSON.stringify(sample('queue-message-read')).replace(/"message":\{"id":"[^"]*"\}/, '"message":{}')) as JsonObject
    const noMessage = pack.apply(input(snapshot), context)
    assert.deepEqual([noMessage.kind, noMessage.kind === 'error' && noMessage.code], ['error', 'SCHEMA_BROKEN'])
  })

  it('maps or filters each payload kept beside the repository', { skip: !existsSync(PAYLOADS) && 'the payloads are not beside the repository' }, () => {
    const statuses = (file: string): string => {
      const result = pack.apply(sampleInput(readFileSync(join(PAYLOADS, file))), context)
      return result.kind === 'events' ? result.events.map((e) => e.data['delivery_status']).join() || 'filtered' : result.kind
    }
    const expected: readonly [RegExp, string][] = [
      [/^genesys-receipt-.*delivery-success/, 'DELIVERED'],
      [/^genesys-receipt-.*-read\./, 'READ'],
      [/^genesys-receipt-.*(delivery-failed|message-failed)/, 'FAILED'],
      [/^genesys-receipt-/, 'filtered'],
      [/^genesys-eb-campaign-.*(_failed|_throttled)/, 'FAILED'],
      [/^genesys-eb-campaign-voice/, 'DELIVERED'],
      [/^genesys-eb-campaign-/, 'filtered'],
      [/^genesys-rest-message-delivered/, 'DELIVERED'],
      [/^genesys-eb-webmessaging-undelivered/, 'FAILED,FAILED'],
      [/^genesys-openmessaging-(inbound-)?receipt-delivered/, 'DELIVERED'],
      [/^genesys-openmessaging-(inbound-)?receipt-failed/, 'FAILED'],
      [/^genesys-openmessaging-inbound-receipt-/, 'filtered'],
      [/^genesys-verbatim-ws-heartbeat/, 'filtered'],
      [/^(genesys-eb-(call|email|message|outbound)|ses-|sns-|genesys-verbatim-eb|genesys-oauth|genesys-agentless)/, 'unmatched'],
    ]
    let checked = 0
    for (const file of readdirSync(PAYLOADS).filter((f) => f.endsWith('.json'))) {
      const rule = expected.find(([pattern]) => pattern.test(file))
      if (rule === undefined) continue
      assert.equal(statuses(file), rule[1], file)
      checked++
    }
    assert.ok(checked > 60)
    const receipt = (file: string): MappedEvent => one(sampleInput(readFileSync(join(PAYLOADS, file))).value!)
    const [queue, user, data] = [
      'genesys-receipt-eb-queue-message-delivery-success.json',
      'genesys-receipt-ws-user-message-delivery-success.json',
      'genesys-rest-message-delivered-with-receipts.json',
    ].map(receipt)
    for (const other of [user!, data!]) {
      assert.equal(other.id, queue!.id)
      assert.ok(sameContent(fingerprint(other), fingerprint(queue!)))
    }
  })
})
