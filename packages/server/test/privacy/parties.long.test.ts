// Whose values go, and whose stay: people with several names, and calls with several people.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Answer } from '../flow/harness.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { Policy, callEvent, receipt } from './policy-world.ts'

describe('a person under two names in two trails', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open()
    await policy.take(callEvent('call-1', { externalContactId: 'contact-ann', direction: 'INBOUND', ani: '+442079460816' }), receipt('m-1', 'contact-ann'))
  })
  after(() => policy.world.end())

  it('is one person: by the phone number of a call the messages are found, too', async () => {
    const { body } = await policy.plan('phone:+44 20 7946 0816')
    assert.deepEqual(
      (body['logs'] as JsonObject[]).map(({ log, records }) => [log, records]),
      [
        ['interactions', 1],
        ['notifications', 1],
      ],
    )
    assert.equal((await policy.plan('+442079460816')).body['keys'], body['keys'], 'also where nobody says that it is a phone number')
    assert.equal((await policy.ask('phone:+442079460816')).status, 200)
    for (const subject of ['call-1', 'm-1']) assert.deepEqual(await policy.states(subject), ['erased'], subject)
    assert.equal((await policy.plan('external-id:contact-ann')).body['code'], 'NOT_FOUND')
  })
})

describe('names that change hands while an erasure waits', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open()
    await policy.take(
      callEvent('call-1', { externalContactId: 'contact-ann', direction: 'INBOUND', ani: '+442079460816' }),
      receipt('m-ben', 'contact-ben'),
      receipt('m-cleo', 'contact-cleo'),
    )
  })
  after(() => policy.world.end())

  const people = (what: string, person: string | string[]): Promise<Answer> =>
    policy.world.send(`/api/v1/people/${what}`, { person, reason: 'ticket 8' }, { role: 'officer' })

  it('a number that is somebody else’s by then stops it: nothing is erased before a person has looked', async () => {
    const hold = await policy.hold('call-1', 'content')
    const { id } = (await policy.ask('phone:+442079460816')).body
    assert.equal((await people('split', 'phone:+442079460816')).status, 200)
    await policy.take(callEvent('call-2', { direction: 'INBOUND', ani: '+442079460816' }))
    await policy.release(hold)
    const view = await policy.show(id)
    assert.equal(view['state'], 'deferred')
    assert.match(String(view['problem']), /leads elsewhere than when it was asked for: withdraw it/)
    for (const call of ['call-1', 'call-2']) assert.deepEqual(await policy.states(call), ['disclosed'], call)
    assert.equal((await policy.withdraw(id, 'the number has a new owner')).status, 200)
    assert.equal((await policy.ask('external-id:contact-ann')).status, 200)
    assert.deepEqual([await policy.states('call-1'), await policy.states('call-2')], [['erased'], ['disclosed']])
  })

  it('two that turn out to be one go together', async () => {
    const hold = await policy.hold('m-ben', 'content')
    const { id } = (await policy.ask('external-id:contact-ben')).body
    assert.equal((await people('merge', ['external-id:contact-ben', 'external-id:contact-cleo'])).status, 200)
    assert.equal((await policy.ask('external-id:contact-cleo')).body['code'], 'ERASURE_EXISTS')
    await policy.release(hold)
    assert.equal((await policy.show(id))['state'], 'completed')
    for (const message of ['m-ben', 'm-cleo']) assert.deepEqual(await policy.states(message), ['erased'])
    assert.deepEqual(await policy.world.closeAndAudit(), [])
  })
})

describe('a call with three parties', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open()
    await policy.take(
      callEvent('call', { externalContactId: 'contact-ann', direction: 'INBOUND', ani: '+442079460816', userId: 'agent-7' }),
      callEvent('call', { externalContactId: 'contact-ben', direction: 'INBOUND', ani: '+493023125982', userId: 'agent-7' }),
      callEvent('call', { userId: 'agent-7', remark: 'they quarrel about a sofa' }),
      callEvent('other call', { userId: 'agent-7', remark: 'somebody sings' }),
    )
  })
  after(() => policy.world.end())

  it('the plan says beforehand that what belongs to nobody known goes along', async () => {
    const { body } = await policy.plan('external-id:contact-ann')
    const [log] = body['logs'] as JsonObject[]
    assert.deepEqual([body['interactions'], log?.['log'], log?.['records']], [1, 'interactions', 2])
    assert.match(String(body['stays']), /belong to nobody known, such as texts of a call, go for the whole of each call/)
    assert.match(String(body['stays']), /ids of agents, queues and things, is not erased/)
  })

  it('one customer is erased: her values and those of nobody go; the second customer’s and the agent stay, and other calls', async () => {
    assert.equal((await policy.ask('external-id:contact-ann')).status, 200)
    assert.deepEqual(await policy.states('call'), ['erased', 'disclosed', 'erased'])
    assert.deepEqual(await policy.states('other%20call'), ['disclosed'])
    const records = await policy.records('call')
    assert.deepEqual(
      records.map((record) => ((record['data'] as JsonObject)['payload'] as JsonObject)['userId']),
      ['agent-7', 'agent-7', 'agent-7'],
    )
    assert.equal(((records[1]?.['data'] as JsonObject)['payload'] as JsonObject)['externalContactId'], 'contact-ben')
  })

  it('goes on: what is said later in the same call is readable, under a key of its own', async () => {
    await policy.take(callEvent('call', { userId: 'agent-7', remark: 'they make up' }))
    assert.deepEqual((await policy.states('call')).at(-1), 'disclosed')
    assert.deepEqual(await policy.world.closeAndAudit(), [])
  })
})

describe('what does not erase', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open()
    await policy.take(receipt('m-1', 'contact-ann', { regulatory_tag: 'legal_hold' }))
  })
  after(() => policy.world.end())

  it('a platform that says it has deleted: its event is taken in or filtered like any other, and no value goes', async () => {
    for (const event of [
      {
        'detail-type': 'v2.externalcontacts.contact.{id}.deleted',
        source: 'aws.partner/genesys.com',
        detail: { topicName: 'v2.externalcontacts.contact.x.deleted', eventBody: { id: 'contact-ann' } },
      },
      { event_type: 'gdpr.deletion.requested', subject: 'contact-ann' },
      receipt('m-1', 'contact-ann', { delivery_status: 'DELETED' }),
    ])
      await policy.world.send('/api/v1/events', event as JsonObject, { role: 'ingest' })
    await policy.world.flush()
    assert.deepEqual(await policy.states('m-1'), ['disclosed'])
    assert.deepEqual(await policy.world.system('erasure-requested'), [])
  })

  it('a tag: what is marked legal_hold stays as a record for ever, and keeps its values only where a content hold says so', async () => {
    const hold = await policy.hold('m-1', 'content', 'marked by the platform')
    const { id } = (await policy.ask('external-id:contact-ann')).body
    assert.equal((await policy.show(id))['state'], 'deferred')
    await policy.release(hold)
    assert.equal((await policy.show(id))['state'], 'completed')
    const [record] = await policy.records('m-1')
    assert.equal(record?.['regulatorytag'] ?? (record?.['data'] as JsonObject)['regulatory_tag'], 'legal_hold')
    assert.deepEqual(await policy.states('m-1'), ['erased'])
    assert.deepEqual(await policy.world.closeAndAudit(), [])
  })
})
