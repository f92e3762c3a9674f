// Keys that are rotated while events come: what was written before stays usable, and the system trail says what was done.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { receipt } from '../cli/io.ts'
import { World } from './harness.ts'

describe('rotating keys', () => {
  let world: World
  const security = { role: 'security' } as const
  const of = async (purpose: string, uses = false): Promise<JsonObject[]> =>
    ((await world.get(`/api/v1/keys${uses ? '?uses=true' : ''}`, 'security')).body['items'] as JsonObject[]).filter((key) => key['purpose'] === purpose)
  const send = async (n: number, customer: string): Promise<void> => {
    const { status } = await world.send('/api/v1/events?trail=notifications', { ...receipt(n), customer_external_id: customer })
    assert.equal(status, 201)
  }
  const history = async (customer: string): Promise<unknown> => {
    const { body } = await world.get(`/api/v1/audit/notifications?customer_external_id=${customer}`)
    return [(body['audit_record'] as JsonObject)['message_uuid'], (body['more'] as unknown[]).length]
  }
  before(async () => {
    world = await World.open()
  })
  after(() => world.end())

  it('token: who was known is found by the old and the new, and has one key', async () => {
    await send(1, 'C-1')
    assert.equal((await world.send('/api/v1/keys/token/rotate', undefined, security)).status, 200)
    await send(2, 'C-1')
    await send(3, 'C-2')
    await world.restart()
    await send(4, 'C-1')
    const [message, more] = (await history('C-1')) as [string, number]
    assert.ok(/000000000004$|000000000001$|000000000002$/.test(message), message)
    assert.equal(more, 2)
    assert.equal(((await history('C-2')) as [string, number])[1], 0)
    const { wraps } = (await of('wrapping', true))[0] as { wraps: number }
    assert.equal(wraps, 2, 'one key for each customer')
    assert.deepEqual(
      (await of('token')).map(({ state }) => state),
      ['previous', 'current'],
    )
  })

  it('wrapping: rewrapped, the old key is used by nothing and can be destroyed; not before, and not the current one', async () => {
    const [old] = await of('wrapping')
    const id = String(old?.['id'])
    const end = (of: string) => world.send(`/api/v1/keys/${of}/end`, undefined, security)
    assert.equal((await end(id)).body['code'], 'USAGE', 'the current one')
    assert.equal((await world.send('/api/v1/keys/wrapping/rotate', undefined, security)).status, 200)
    const refused = await end(id)
    assert.equal(refused.body['code'], 'USAGE')
    assert.match(String(refused.body['detail']), /keys of people and interactions are wrapped under it/)
    const { body } = await world.send('/api/v1/keys/wrapping/rewrap', undefined, security)
    assert.deepEqual([body['rewrapped'], body['left'], body['damaged']], [2, 0, 0])
    assert.equal((await end(id)).body['state'], 'destroyed')
    assert.deepEqual(
      (await of('wrapping', true)).map(({ state, wraps }) => [state, wraps]),
      [
        ['destroyed', 0],
        ['current', 2],
      ],
    )
    assert.equal((await end('0000000000000000')).status, 404)
    await world.restart()
    assert.equal(((await history('C-1')) as [string, number])[1], 2)
  })

  it('every act is sealed once, under the name of who did it, before the key is used', async () => {
    await world.restart()
    const acts = (await world.system('key')).map((data) => [
      (data['key'] as JsonObject)['purpose'],
      data['state'] ?? (data['rewrapped'] === undefined ? 'made' : 'rewrapped'),
      data['by'],
    ])
    const by = acts.find(([purpose]) => purpose === 'token')?.[2]
    assert.deepEqual(
      acts.filter(([purpose]) => purpose !== 'answers'),
      [
        ['token', 'made', by],
        ['wrapping', 'made', by],
        ['wrapping', 'rewrapped', by],
        ['wrapping', 'destroyed', by],
      ],
    )
    assert.notEqual(by, 'server')
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
