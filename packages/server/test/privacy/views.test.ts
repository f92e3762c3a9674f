// Who sees what of fields of every method, on a whole server.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { grep, grepAll, ROOT, World } from '../flow/harness.ts'
import { call, openShop, VALUES } from './methods-world.ts'
import type { Shop } from './methods-world.ts'
import { tokensOf } from './tokens-of.ts'

const record = (id: string): string => `/api/v1/records/${id}`
const ALL = Object.values(VALUES)

describe('who sees what', () => {
  let shop: Shop
  let id = ''
  before(async () => {
    shop = await openShop()
    id = await shop.seal(call('case-1'))
  })
  after(() => shop.world.end())

  it('an auditor sees commitments and masks, and no value in clear', async () => {
    const { text, body } = await shop.as('auditor', record(id))
    assert.deepEqual(grep('answer', text, ALL), [])
    assert.deepEqual(body['field_masks'], { card: '411111***1111', phone: '***0142', others: '***0958' })
    assert.deepEqual(body['field_states'], {
      attributes: 'sealed',
      card: 'sealed',
      loyalty: 'sealed',
      name: 'sealed',
      note: 'sealed',
      others: 'sealed',
      phone: 'sealed',
    })
    const data = body['data'] as JsonObject
    assert.deepEqual([data['name'], data['card'], data['userId'], data['shop']], [null, null, 'agent-0815', 'north'])
    assert.ok(!Object.hasOwn(data, 'password'))
  })

  it('an officer sees the values, but for the one that is verify-only and the one dropped, which nobody sees', async () => {
    const { text, body } = await shop.as('officer', record(id))
    assert.deepEqual(grep('answer', text, [VALUES.verifyOnly, VALUES.drop]), [])
    const data = body['data'] as JsonObject
    assert.deepEqual(
      [data['name'], data['phone'], data['card'], data['note'], data['others'], data['attributes'], data['loyalty']],
      [VALUES.commit, VALUES.token, VALUES.mask, VALUES.unclassified, [VALUES.list], { segment: 'retail', tier: VALUES.map }, null],
    )
    assert.equal((body['field_states'] as JsonObject)['loyalty'], 'sealed')
    assert.equal(body['field_masks'], undefined)
  })

  it('every other answer of an auditor says as little', async () => {
    for (const path of [
      '/api/v1/records?log=shop',
      '/api/v1/audit/interactions/case-1',
      '/api/v1/audit/interactions/case-1/state?at=2031-01-02T00:00:00Z',
      `${record(id)}/proof`,
      '/log/shop/tile/entries/000.p/1',
    ])
      assert.deepEqual(grep(path, (await shop.as('auditor', path)).text, ALL), [], path)
  })

  it('what was shown is sealed: who, why, which record, which fields, in clear or masked', async () => {
    await shop.as('officer', record(id), 'case-7')
    await shop.as('officer', record(id))
    await shop.as('auditor', record(id), 'case-8')
    await shop.world.local.served.beat()
    const reads = (await shop.world.system('read')).flatMap((data) => data['reads'] as JsonObject[]).slice(-3)
    const clear = ['attributes', 'card', 'name', 'note', 'others', 'phone']
    assert.deepEqual(
      reads.map(({ token, purpose, shown, views }) => [
        token,
        purpose,
        shown,
        (views as { disclosed: string[]; masked: string[] }[]).map((view) => [view.disclosed.sort(), view.masked.sort()]),
      ]),
      [
        ['officer.token', 'case-7', [{ auditid: id, log: 'shop', view: 0 }], [[clear, []]]],
        ['officer.token', null, [{ auditid: id, log: 'shop', view: 0 }], [[clear, []]]],
        ['auditor.token', 'case-8', [{ auditid: id, log: 'shop', view: 0 }], [[[], ['card', 'others', 'phone']]]],
      ],
    )
  })

  it('a bundle holds what the role sees, names in system what it disclosed, and no mask', async () => {
    for (const [role, disclosed] of [
      ['auditor', undefined],
      ['officer', ['attributes', 'card', 'name', 'note', 'others', 'phone']],
    ] as const) {
      const { body } = await shop.world.send('/api/v1/exports', { subject: 'case-1' }, { role })
      assert.equal(body['state'], 'ready')
      const sealed = (await shop.world.system('export')).find(({ sha256 }) => sha256 === body['sha256'])
      assert.deepEqual(sealed?.['disclosed_fields'], disclosed === undefined ? [] : [{ fields: disclosed, log: 'shop' }])
    }
  })

  it('sensitive authentication data is refused whatever the trail says', async () => {
    const { body } = await shop.world.send('/api/v1/events?trail=shop', call('case-2', { secret: 'tell nobody' }))
    assert.equal(body['outcome'], 'refused')
  })

  it('nothing of any value, and no search token, stands in a file, a log line, a metric or an answer of who may not see it', async () => {
    const { world } = shop
    const metrics = await world.get('/metrics')
    // Bundles of officers hold values, by their nature; they lie in exports/ until they expire.
    const found = (await grepAll(world.data, ALL)).filter((place) => !place.startsWith('exports/'))
    assert.deepEqual([...found, ...grep('log', world.lines.join('\n'), ALL), ...grep('metrics', metrics.text, ALL)], [])
    const forms = tokensOf(world, 'phone', VALUES.token)
    for (const role of ['auditor', 'officer', 'admin'] as const)
      for (const path of [record(id), '/api/v1/records?log=shop', '/api/v1/audit/interactions/case-1', '/metrics', '/log/shop/tile/entries/000.p/1']) {
        const { text } = await shop.as(role, path)
        assert.ok(
          forms.every((form) => !text.includes(form)),
          `${role} ${path}`,
        )
      }
  })
})

describe('a purpose that is required', () => {
  it('opens what is sealed without one, to officers too', async () => {
    const shop = await openShop('', 'auth: { purposeRequired: true }')
    try {
      const id = await shop.seal(call('case-1'))
      const without = await shop.as('officer', record(id))
      assert.deepEqual(grep('answer', without.text, ALL), [])
      assert.equal((without.body['field_masks'] as JsonObject)['phone'], '***0142')
      assert.equal(((await shop.as('officer', record(id), 'case-9')).body['data'] as JsonObject)['name'], VALUES.commit)
      const { body } = await shop.world.send('/api/v1/exports', { subject: 'case-1' }, { role: 'officer' })
      assert.deepEqual((await shop.world.system('export')).find(({ sha256 }) => sha256 === body['sha256'])?.['disclosed'], 0)
    } finally {
      await shop.world.end()
    }
  })
})

describe('an agent whose id a trail commits', () => {
  it('stands in no record in clear, is shown in the replay to who may see it, and can be searched for where the trail says so', async () => {
    const shop = await openShop('protect: { userId: token }')
    try {
      const id = await shop.seal(call('case-1', { participantId: 'p1', sessionId: 's1' }))
      const state = (role: 'auditor' | 'officer'): Promise<JsonObject> =>
        shop.as(role, '/api/v1/audit/interactions/case-1/state?at=2031-01-02T00:00:00Z').then(({ body }) => body)
      const agent = ({ participants }: JsonObject): unknown => (participants as JsonObject[])[0]?.['userId']
      const officer = await state('officer')
      const auditor = await state('auditor')
      assert.deepEqual([agent(officer), officer['field_states']], ['agent-0815', { userId: 'disclosed' }])
      assert.deepEqual([agent(auditor), auditor['field_states']], [null, { userId: 'sealed' }])
      assert.equal(auditor['state'], 'open')
      assert.deepEqual(
        (await grepAll(shop.world.data, ['agent-0815'])).filter((place) => !place.startsWith('exports/')),
        [],
      )
      await shop.world.local.served.beat()
      const reads = (await shop.world.system('read')).flatMap((data) => data['reads'] as JsonObject[])
      assert.deepEqual(
        reads.filter(({ operation }) => operation === 'readInteractionState').map(({ token, views }) => [token, views]),
        [
          ['officer.token', [{ disclosed: ['userId'], masked: [] }]],
          ['auditor.token', undefined],
        ],
      )
      const { body } = await shop.world.send('/api/v1/exports', { person: 'agent-0815' }, { role: 'officer' })
      assert.equal(body['records'], 1)
      const shown = ((await shop.as('officer', record(id))).body['data'] as JsonObject)['userId']
      assert.equal(shown, 'agent-0815')
      assert.deepEqual(await shop.world.closeAndAudit(), [])
    } finally {
      await shop.world.end()
    }
  })

  it('with the built-in pack as well: the state of an agent names nobody in its id', async () => {
    const world = await World.open('trails: { interactions: { protect: { userId: commit, "payload.userId": commit } } }')
    try {
      const sample = readFileSync(`${ROOT}packs/genesys-interactions/samples/topic-17-agent-state-hold.json`, 'utf8')
      const agent = '00005001-5a1e-4c0d-8b7a-000009aaceef'
      const { body } = await world.send('/api/v1/events', sample)
      assert.equal(body['outcome'], 'held')
      await world.flush()
      assert.deepEqual(await grepAll(world.data, [agent]), [])
      const subject = '00001001-5a1e-4c0d-8b7a-000001ef0eef'
      const state = await world.get(`/api/v1/audit/interactions/${subject}/state`, 'officer')
      assert.equal((state.body['participants'] as JsonObject[])[0]?.['userId'], agent)
    } finally {
      await world.end()
    }
  })
})
