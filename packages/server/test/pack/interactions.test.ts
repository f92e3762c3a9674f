import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import type { MappedEvent } from '../../src/event/mapped.ts'
import { protectSample } from '../../src/cli/protect-sample.ts'
import { sampleInput, testPack } from '../../src/pack/check.ts'
import { loadPack } from '../../src/pack/load.ts'
import { input } from './input.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const DIR = join(ROOT, 'packs/genesys-interactions')
const PAYLOADS = join(ROOT, '../shared/payloads')
const SCHEMAS = join(ROOT, '../shared/reference/genesys-topic-schemas.json')
const context = { tenant: 'default' }
const pack = loadPack(DIR)

const sample = (name: string): JsonObject => JSON.parse(readFileSync(join(DIR, 'samples', `${name}.json`), 'utf8')) as JsonObject
const bodyOf = (event: JsonObject): JsonObject => (event['detail'] as JsonObject)['eventBody'] as JsonObject

/** The sample with members of its eventBody replaced. */
function withBody(name: string, change: JsonObject): JsonObject {
  const event = sample(name)
  Object.assign(bodyOf(event), change)
  return event
}

function one(value: JsonObject): MappedEvent {
  const result = pack.apply(input(value), context)
  assert.equal(result.kind, 'events', JSON.stringify(result))
  assert.ok(result.kind === 'events' && result.events.length === 1)
  return result.events[0]!
}

describe('genesys-interactions', () => {
  it('passes its own pack test, every event reached, nothing known unclassified', () => {
    const report = testPack(DIR, { protect: protectSample })
    assert.deepEqual(
      report.samples.filter((s) => s.difference !== null),
      [],
    )
    assert.deepEqual([report.ok, report.problems, report.untested], [true, [], []])
    assert.deepEqual([report.detected, report.refused], [[], []])
    assert.deepEqual(report.unclassified, ['payload.remark', 'sentimentModel.name', 'sentimentModel.score'])
  })

  it('an event is one record in every request shape, sent again, and under a new EventBridge id', () => {
    const first = one(sample('topic-01-customer.start'))
    for (const file of readdirSync(join(DIR, 'samples')).filter((f) => f.startsWith('shape-'))) {
      const result = pack.apply(sampleInput(readFileSync(join(DIR, 'samples', file))), context)
      assert.ok(result.kind === 'events', file)
      assert.deepEqual(result.events, [first], file)
    }
  })

  it('ids are unique over all topics, transfers and sessions of the samples', () => {
    const seen = new Map<string, string>()
    for (const file of readdirSync(join(DIR, 'samples')).filter((f) => !f.startsWith('shape-'))) {
      const result = pack.apply(sampleInput(readFileSync(join(DIR, 'samples', file))), context)
      if (result.kind !== 'events') continue
      for (const { id } of result.events) {
        assert.ok(!seen.has(id), `${file} and ${seen.get(id)}: ${id}`)
        seen.set(id, file)
      }
    }
    assert.ok(seen.size >= 30)
  })

  it('whatever part of the natural key changes, it is another event', () => {
    const first = one(sample('topic-10-user.end')).id
    for (const change of [{ participantId: 'p' }, { sessionId: 's' }, { eventTime: 1 }, { conversationId: 'c' }])
      assert.notEqual(one(withBody('topic-10-user.end', change)).id, first)
    assert.notEqual(one(withBody('topic-03-flow.outcome', { flowOutcomeId: 'x' })).id, one(sample('topic-03-flow.outcome')).id)
    assert.notEqual(one(withBody('topic-15-wrapup', { wrapupCode: 'x' })).id, one(sample('topic-15-wrapup')).id)
    assert.notEqual(one(withBody('topic-09-attributes', { attributes: { one: '1' } })).id, one(sample('topic-09-attributes')).id)
  })

  it('recognises each kind of transfer, and the routing that is none', () => {
    const kinds = {
      TRANSFER: 'blind',
      CONSULT_TRANSFER: 'consult',
      CONFERENCE_TRANSFER: 'conference',
      FORWARD_TRANSFER: 'forward',
      NO_ANSWER_TRANSFER: 'no-answer',
      NOT_AVAILABLE_TRANSFER: 'not-available',
      DND_TRANSFER: 'do-not-disturb',
    }
    for (const [disconnectType, kind] of Object.entries(kinds))
      assert.deepEqual(one(withBody('topic-10-user.end', { disconnectType })).data['transfer'], { kind, by: 'agent' }, disconnectType)
    assert.deepEqual(one(sample('topic-07-acd.end')).data['transfer'], { kind: 'routed', by: 'queue' })
    assert.deepEqual(one(withBody('topic-07-acd.end', { acdOutcome: 'FLOW_OUT' })).data['transfer'], { kind: 'blind', by: 'queue' })
    assert.deepEqual(one(sample('topic-04-flow.end')).data['transfer'], { kind: 'routed', by: 'flow' })
    for (const disconnectType of ['ENDPOINT', 'PEER', 'CLIENT', 'SYSTEM', 'TAKEOVER', null])
      assert.ok(!('transfer' in one(withBody('topic-10-user.end', { disconnectType })).data), String(disconnectType))
  })

  it('compares what the platform sent, not what the pack derives', () => {
    const event = one(sample('topic-10-user.end'))
    assert.ok('transfer' in event.data && !('transfer' in event.compared))
    assert.deepEqual(event.compared, bodyOf(sample('topic-10-user.end')))
    const hostile = one(JSON.parse(JSON.stringify(sample('topic-10-user.end')).replace('"eventBody":{', '"eventBody":{"__proto__":{"a":1},')) as JsonObject)
    assert.notDeepEqual(JSON.stringify(hostile.compared), JSON.stringify(event.compared))
    assert.deepEqual(Object.keys(hostile.compared)[0], '__proto__')
  })

  it('keeps unknown enum values and fields, and marks the schema as newer', () => {
    const event = one(withBody('topic-10-user.end', { disconnectType: 'TELEPORT', mood: { deep: ['x'] } }))
    assert.equal(event.schema, 'urn:sealtrail:schema:genesys-interactions:1#newer')
    assert.deepEqual([event.data['disconnectType'], event.data['mood']], ['TELEPORT', { deep: ['x'] }])
    assert.equal(one(sample('topic-10-user.end')).schema, 'urn:sealtrail:schema:genesys-interactions:1')
  })

  it('quarantines real breaks by code, naming the schema and never the value', () => {
    for (const [change, code] of [
      [{ conversationId: 5 }, 'SCHEMA_BROKEN'],
      [{ eventTime: { secret: 1 } }, 'SCHEMA_BROKEN'],
      [{ ani: ['tel:+13175550171'] }, 'SCHEMA_BROKEN'],
      [{ queueId: true }, 'SCHEMA_BROKEN'],
      [{ eventTime: 'yesterday +13175550171' }, 'UNMAPPABLE'],
      [{ conversationId: null }, 'UNMAPPABLE'],
      [{ conversationId: '' }, 'UNMAPPABLE'],
      [{ conversationId: 'x'.repeat(1025) }, 'UNMAPPABLE'],
      [{ conversationId: 'a\nb' }, 'UNMAPPABLE'],
    ] as const) {
      const result = pack.apply(input(withBody('topic-08-user.start', change as unknown as JsonObject)), context)
      assert.ok(result.kind === 'error', JSON.stringify(change))
      assert.equal(result.code, code, JSON.stringify(change))
      assert.doesNotMatch(result.message, /317|secret/)
    }
  })

  it('takes times as epoch milliseconds and as RFC 3339', () => {
    const epoch = one(sample('topic-08-user.start'))
    const text = one(withBody('topic-08-user.start', { eventTime: epoch.time! }))
    assert.deepEqual([text.timeMs, text.time], [epoch.timeMs, epoch.time])
    const none = one(withBody('topic-08-user.start', { eventTime: null }))
    assert.deepEqual([none.timeMs, none.time], [Number.NaN, null])
  })

  it('knows the customer by direction, and nobody by "anonymous"', () => {
    const phones = (event: MappedEvent): string[] => event.people['customer']!.filter((a) => a.kind === 'phone').map((a) => a.value)
    assert.deepEqual(phones(one(withBody('topic-01-customer.start', { direction: 'INBOUND' }))), ['+13175550171'])
    assert.deepEqual(phones(one(withBody('topic-01-customer.start', { direction: 'OUTBOUND' }))), ['+13175550109'])
    assert.deepEqual(one(withBody('topic-01-customer.start', { ani: 'anonymous' })).people['customer'], [])
    for (const addressFrom of ['Anonymous', 'unknown', ' ', ''])
      assert.deepEqual(one(withBody('message-customer.start', { addressFrom })).people['customer'], [], addressFrom)
    assert.deepEqual(phones(one(withBody('topic-01-customer.start', { ani: 'sip:+13175550171;user=phone@edge.example' }))), ['+13175550171'])
    const two = one(withBody('topic-08-user.start', { conversationExternalContactIds: ['a', 'b'] })).people['customer']!
    assert.ok(!two.some((alias) => alias.kind === 'external-id'), 'of two contacts neither is known to be the customer')
  })

  it('gives the sequencer session, effect and phase: start, end, after-call work', () => {
    const order = (name: string): unknown => one(sample(name)).order
    const session = bodyOf(sample('topic-08-user.start'))['sessionId']
    assert.deepEqual(order('topic-08-user.start'), { rank: 11, session, effect: 'opens', phase: 1 })
    assert.deepEqual(order('topic-10-user.end'), { rank: 7, session, effect: 'closes', phase: 2 })
    assert.deepEqual(order('topic-11-acw'), { rank: 15, session, effect: null, phase: 3 })
    assert.deepEqual(one(withBody('topic-08-user.start', { sessionId: null })).order, { rank: 11, session: null, effect: null, phase: 1 })
    assert.deepEqual(order('topic-09-attributes'), { rank: 3, session: null, effect: null, phase: 0 })
  })

  it('an own member called __proto__ stays data and changes nothing', () => {
    const event = sample('topic-08-user.start')
    const hostile = JSON.parse(
      JSON.stringify(event).replace('"eventBody":{', '"eventBody":{"__proto__":{"queueId":"polluted"},"constructor":{"x":1},'),
    ) as JsonObject
    const mapped = one(hostile)
    assert.equal(mapped.data['queueId'], bodyOf(event)['queueId'])
    assert.deepEqual(Object.getOwnPropertyDescriptor(mapped.data, '__proto__')?.value, { queueId: 'polluted' })
    assert.equal(({} as JsonObject)['queueId'], undefined)
  })

  it(
    'takes each field of each topic the platform publishes as known',
    { skip: !existsSync(SCHEMAS) && 'the topic schemas are not beside the repository' },
    () => {
      type Field = { type: string; enum?: string[] }
      const { topics, definitions } = JSON.parse(readFileSync(SCHEMAS, 'utf8')) as {
        topics: Record<string, string>
        definitions: Record<string, Record<string, Field>>
      }
      const make = (field: Field): never => {
        const list = /^list\[(.*)\]$/.exec(field.type)
        const value =
          list !== null
            ? [make({ type: list[1]! })]
            : field.enum !== undefined
              ? field.enum.at(-1)
              : field.type === 'int'
                ? 1_782_381_600_000
                : field.type === 'bool'
                  ? true
                  : field.type.startsWith('dict(')
                    ? { k: 'v' }
                    : definitions[field.type] !== undefined
                      ? Object.fromEntries(Object.entries(definitions[field.type]!).map(([k, f]) => [k, make(f)]))
                      : 'text'
        return value as never
      }
      let count = 0
      for (const [topic, name] of Object.entries(topics).filter(([t]) => t.startsWith('v2.detail.events.'))) {
        const body = make({ type: name }) as JsonObject
        const event = one({ topicName: topic.replace('{id}', 'c'), version: '2', eventBody: body, metadata: {} })
        assert.equal(event.schema, 'urn:sealtrail:schema:genesys-interactions:1', topic)
        for (const key of Object.keys(body)) assert.deepEqual(event.data[key], body[key], `${topic} ${key}`)
        count++
      }
      assert.equal(count, 17)
    },
  )

  it('maps or filters each payload kept beside the repository', { skip: !existsSync(PAYLOADS) && 'the payloads are not beside the repository' }, () => {
    const outcome = (file: string): string => {
      const result = pack.apply(sampleInput(readFileSync(join(PAYLOADS, file))), context)
      return result.kind === 'events' && result.events.length === 0 ? 'filtered' : result.kind
    }
    const files = readdirSync(PAYLOADS).filter((f) => f.endsWith('.json'))
    const conversation = files.filter((f) => /^genesys-(eb-(call|message|email|outbound)-|agent-state|verbatim-eb-conversation)/.test(f))
    for (const file of conversation) assert.equal(outcome(file), 'events', file)
    for (const file of files.filter((f) => /^genesys-(ws-|verbatim-ws-)/.test(f))) assert.equal(outcome(file), 'filtered', file)
    for (const file of files.filter((f) =>
      /^(ses-|meta-|sns-http|firehose-http-request|genesys-(receipt|eb-campaign|analytics|oauth|agentless|openmessaging|verbatim-eb-(audit|non)))/.test(f),
    ))
      assert.equal(outcome(file), 'unmatched', file)
    assert.equal(outcome('cloudevents-structured-genesys.json'), 'events')
    const call = conversation.filter((f) => f.includes('eb-call-')).map((f) => sampleInput(readFileSync(join(PAYLOADS, f))).value!)
    const shapes = call.flatMap((eb) => {
      const detail = eb['detail'] as JsonObject
      const { timestamp: _, ...ws } = detail
      return [eb, ws, detail, { ...eb, id: 'another' }]
    })
    assert.equal(new Set(shapes.map((value) => one(value).id)).size, 18)
    assert.equal(new Set(shapes.map((value) => JSON.stringify(one(value).compared))).size, 18)
  })
})
