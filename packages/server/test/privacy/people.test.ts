// People known by several names, on a whole server: found, brought together, taken apart, erased.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { flatReceipt } from '../flow/flat-receipt.ts'
import { grepAll, World } from '../flow/harness.ts'

const PEOPLE = '/api/v1/people'

let sent = 0

/** A message to a number, whose owner the platform may know by an id. */
const message = (address: string, contact: string | null): JsonObject => ({
  version: '0',
  id: `snap-${++sent}`,
  'detail-type': 'v2.routing.queues.{id}.conversations.messages',
  source: 'aws.partner/genesys.com/cloud/0ddba11/flow',
  time: '2026-02-03T08:15:30Z',
  detail: {
    topicName: 'v2.routing.queues.5eed5eed-0000-4000-8000-000000000001.conversations.messages',
    version: '2',
    eventBody: {
      id: `5eed5eed-0000-4000-8000-${String(sent).padStart(12, '0')}`,
      participants: [
        { id: 'p1', purpose: 'customer', address, ...(contact === null ? {} : { externalContact: { id: contact } }), messages: [] },
        {
          id: 'p2',
          purpose: 'agent',
          user: { id: 'agent-3' },
          type: 'sms',
          messages: [{ message: { id: `msg-${sent}` }, messageStatus: 'delivery-success', messageTime: '2026-02-03T08:15:30.000Z' }],
        },
      ],
    },
    timestamp: '2026-02-03T08:15:30.500Z',
  },
})

async function take(world: World, ...events: readonly JsonObject[]): Promise<void> {
  const { status, text } = await world.send('/api/v1/events', events)
  assert.equal(status, 200, text)
  assert.ok(
    (JSON.parse(text) as JsonObject[]).every(({ outcome }) => outcome === 'sealed'),
    text,
  )
}

const ask = async (world: World, path: string, body: JsonObject): Promise<JsonObject> => {
  const answer = await world.send(path, body, { role: 'officer' })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

test('names that were never seen together are two people until somebody says that they are one; erased, all of it goes', async () => {
  const world = await World.open()
  try {
    await take(world, flatReceipt('CUST-1'), flatReceipt('CUST-1'), flatReceipt('CUST-2'), message('+442079460199', null))
    await world.flush()
    const names = ['external-id:CUST-1', 'phone:+44 20 7946 0199']
    const before = await ask(world, PEOPLE, { person: names })
    assert.deepEqual(
      { people: before['people'], keys: before['keys'], records: before['records'], together: before['together'], others: before['others'] },
      { people: 2, keys: 2, records: 3, together: 0, others: 0 },
    )
    assert.equal((await ask(world, PEOPLE, { person: ['external-id:CUST-1'] }))['records'], 2)
    const merged = await ask(world, `${PEOPLE}/merge`, { person: names, reason: 'CRM merge 2214' })
    assert.deepEqual([merged['people'], merged['keys'], merged['records']], [1, 2, 3])
    assert.equal((await world.send(`${PEOPLE}/merge`, { person: names, reason: 'again' }, { role: 'officer' })).status, 400, 'they are one already')
    // From here on new values of both go under one key.
    await take(world, flatReceipt('CUST-1'), message('+442079460199', null))
    await world.flush()
    assert.deepEqual(await ask(world, PEOPLE, { person: ['tel:+442079460199'] }).then((view) => [view['keys'], view['records']]), [2, 5])
    assert.deepEqual(await world.system('people-merged'), [
      { aliases: before['aliases'] as number, by: 'officer.token', keys: 2, people: 2, reason: 'CRM merge 2214' },
    ])
    const erased = await world.send('/api/v1/erasures', { person: 'phone:+442079460199', ground: 'GDPR Art. 17(1)(b)' }, { role: 'officer' })
    assert.ok([200, 202].includes(erased.status), erased.text)
    await world.local.erasing.idle()
    assert.equal((await world.get(`/api/v1/erasures/${String(erased.body['id'])}`)).body['state'], 'completed')
    for (const person of names) assert.equal((await world.send(PEOPLE, { person }, { role: 'officer' })).status, 404)
    assert.equal((await ask(world, PEOPLE, { person: 'CUST-2' }))['records'], 1)
    assert.deepEqual(
      world.lines.filter((line) => line.includes('CUST-') || line.includes('442079460199')),
      [],
    )
  } finally {
    await world.end()
  }
})

test('a name that is split off is somebody else’s from then on, and what was written stays where it is', async () => {
  const world = await World.open()
  try {
    await take(world, message('+442079460199', 'contact-9'), message('+442079460199', 'contact-9'))
    await world.flush()
    const both = await ask(world, PEOPLE, { person: ['phone:+442079460199', 'external-id:contact-9'] })
    const contact = both['people'] === 1 ? 'external-id:contact-9' : 'contact-9'
    assert.deepEqual(await ask(world, PEOPLE, { person: ['+442079460199', contact] }).then((view) => [view['people'], view['records']]), [1, 2])
    const split = await ask(world, `${PEOPLE}/split`, { person: '+442079460199', reason: 'number given to somebody else' })
    assert.deepEqual([split['people'], split['aliases'], split['records']], [1, 1, 0])
    assert.equal((await ask(world, PEOPLE, { person: contact }))['records'], 2)
    await take(world, message('+442079460199', null), message('+442079460199', 'contact-9'))
    await world.flush()
    const apart = await ask(world, PEOPLE, { person: ['+442079460199', contact] })
    assert.deepEqual([apart['people'], apart['records']], [2, 4])
    assert.deepEqual(await world.system('alias-split'), [{ by: 'officer.token', reason: 'number given to somebody else' }])
    const only = await world.send(`${PEOPLE}/split`, { person: '+442079460199', reason: 'again' }, { role: 'officer' })
    assert.equal(only.status, 400, 'its only name')
    assert.equal((await world.system('alias-split')).length, 1, 'what was refused is not sealed as done')
    assert.deepEqual(await grepAll(world.data, ['contact-9', '+442079460199']), [])
  } finally {
    await world.end()
  }
})

test('what an order may not say, and whom it may not mean', async () => {
  const world = await World.open()
  try {
    await take(world, flatReceipt('CUST-1'), flatReceipt('CUST-2'))
    const wrong: Array<[string, JsonObject, number]> = [
      [PEOPLE, { person: 'external-id:nobody' }, 404],
      [PEOPLE, { person: ['external-id:CUST-1', 'external-id:nobody'] }, 404],
      [PEOPLE, {}, 400],
      [PEOPLE, { person: 'CUST-1', more: 1 }, 400],
      [`${PEOPLE}/merge`, { person: 'external-id:CUST-1', reason: 'r' }, 400],
      [`${PEOPLE}/merge`, { person: ['CUST-1', 'CUST-2'] }, 400],
      [`${PEOPLE}/merge`, { person: ['CUST-1', 'CUST-2'], reason: 'of CUST-1' }, 400],
      [`${PEOPLE}/merge`, { person: ['CUST-1', 'CUST-2'], reason: 'see +44 20 7946 0199' }, 400],
      [`${PEOPLE}/split`, { person: ['CUST-1', 'CUST-2'], reason: 'r' }, 400],
      [`${PEOPLE}/split`, { person: 'CUST-3', reason: 'r' }, 404],
    ]
    for (const [path, body, status] of wrong) {
      const answer = await world.send(path, body, { role: 'officer' })
      assert.equal(answer.status, status, `${path} ${JSON.stringify(body)} ${answer.text}`)
      assert.ok(!answer.text.includes('CUST') && !answer.text.includes('7946'), 'no error repeats a value')
    }
    assert.deepEqual(await world.system('people-merged'), [])
    assert.equal((await ask(world, PEOPLE, { person: ['CUST-1', 'CUST-2'] }))['people'], 2)
  } finally {
    await world.end()
  }
})
