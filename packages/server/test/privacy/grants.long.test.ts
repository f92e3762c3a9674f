// Grants: values opened to one reader, for one purpose, until a time. Each scenario reads like the policy.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import type { Answer } from '../flow/harness.ts'
import { grep } from '../flow/harness.ts'
import { call, openShop, shopYaml, VALUES } from './methods-world.ts'
import type { Shop } from './methods-world.ts'

const HOUR = 3_600_000
const START = Date.UTC(2031, 5, 1)

interface Scene extends Shop {
  readonly id: string
  readonly other: string
  at(ms: number): void
  give(more?: { readonly [name: string]: JsonValue | undefined }, role?: 'officer' | 'admin'): Promise<Answer>
  /** Names of the fields an auditor sees in clear of a record. */
  seen(id: string, purpose?: string): Promise<string[]>
}

async function scene(run: (scene: Scene) => Promise<void>, more = ''): Promise<void> {
  let now = START
  const shop = await openShop('', more, { now: () => now })
  try {
    const id = await shop.seal(call('case-1'))
    const other = await shop.seal(call('case-2'))
    await run({
      ...shop,
      id,
      other,
      at: (ms) => void (now = START + ms),
      give: (body = {}, role = 'officer') =>
        shop.world.send(
          '/api/v1/grants',
          { to: 'auditor.token', purpose: 'case-77', fields: ['name', 'attributes'], subject: 'case-1', until: new Date(START + HOUR).toISOString(), ...body },
          { role },
        ),
      async seen(of, purpose) {
        const { body } = await shop.as('auditor', `/api/v1/records/${of}`, purpose)
        return Object.entries(body['field_states'] as JsonObject)
          .filter(([, state]) => state === 'disclosed')
          .map(([name]) => name)
          .sort()
      },
    })
  } finally {
    await shop.world.end()
  }
}

describe('a grant', () => {
  it('opens its fields of its records to its token, for its purpose, and nothing else to nobody else', () =>
    scene(async ({ id, other, give, seen, as, world }) => {
      const given = await give()
      assert.deepEqual([given.status, given.body['state'], given.body['to'], given.body['subject']], [201, 'given', 'auditor.token', 'case-1'])
      assert.deepEqual(await seen(id, 'case-77'), ['attributes', 'name'])
      assert.deepEqual(await seen(id), [], 'without a purpose')
      assert.deepEqual(await seen(id, 'case-78'), [], 'for another purpose')
      assert.deepEqual(await seen(other, 'case-77'), [], 'of another subject')
      const answer = await as('auditor', `/api/v1/records/${id}`, 'case-77')
      assert.deepEqual(grep('answer', answer.text, Object.values(VALUES)), [`answer: ${VALUES.commit}`, `answer: ${VALUES.map}`])
      assert.equal((answer.body['field_masks'] as JsonObject)['phone'], '***0142', 'what is not opened stays masked')
      // Somebody else's token gives the same purpose.
      const { token } = world.local.served.deps.tokens.create('second', 'auditor', null)
      const second = await world.get(`/api/v1/records/${id}`, 'auditor', { authorization: `Bearer ${token}`, 'x-audit-purpose': 'case-77' })
      assert.ok(!Object.values(second.body['field_states'] as JsonObject).includes('disclosed'))
      await world.local.served.beat()
      const reads = (await world.system('read')).flatMap((data) => data['reads'] as JsonObject[])
      assert.deepEqual(
        reads
          .filter(({ purpose, token: name }) => purpose === 'case-77' && name === 'auditor.token')
          .map(({ views }) => (views as JsonObject[])[0]?.['disclosed']),
        [['attributes', 'name'], [], ['attributes', 'name']],
      )
    }))

  it('holds for lists, searches, replays and bundles alike', () =>
    scene(async ({ give, as, world }) => {
      await give({ fields: '*', subject: undefined, trail: 'shop' })
      const listed = await as('auditor', '/api/v1/records?log=shop', 'case-77')
      assert.ok((listed.body['records'] as JsonObject[]).every((record) => (record['data'] as JsonObject)['name'] === VALUES.commit))
      const replayed = await as('auditor', '/api/v1/audit/interactions/case-1', 'case-77')
      assert.equal(((replayed.body['records'] as JsonObject[])[0]?.['data'] as JsonObject)['name'], VALUES.commit)
      const count = async (purpose: string): Promise<unknown> => {
        const { body } = await world.send('/api/v1/exports', { subject: 'case-1' }, { role: 'auditor', headers: { 'x-audit-purpose': purpose } })
        return (await world.system('export')).find(({ sha256 }) => sha256 === body['sha256'])?.['disclosed']
      }
      assert.deepEqual([await count('case-77'), await count('case-1')], [6, 0])
    }))

  it('is over at its time, and once it is revoked, at once', () =>
    scene(async ({ id, give, seen, at, world }) => {
      const first = String((await give()).body['id'])
      at(HOUR - 1)
      assert.deepEqual(await seen(id, 'case-77'), ['attributes', 'name'])
      at(HOUR)
      assert.deepEqual(await seen(id, 'case-77'), [])
      const second = String((await give({ until: new Date(START + 3 * HOUR).toISOString() })).body['id'])
      assert.deepEqual(await seen(id, 'case-77'), ['attributes', 'name'])
      const revoked = await world.send(`/api/v1/grants/${second}`, undefined, { role: 'officer', method: 'DELETE' })
      assert.equal(revoked.body['state'], 'revoked')
      assert.deepEqual(await seen(id, 'case-77'), [])
      assert.equal((await world.send(`/api/v1/grants/${second}`, undefined, { role: 'officer', method: 'DELETE' })).status, 404)
      const { body } = await world.get('/api/v1/grants', 'auditor')
      assert.deepEqual(
        (body['grants'] as JsonObject[]).map((grant) => [grant['id'], grant['state']]),
        [
          [second, 'revoked'],
          [first, 'over'],
        ],
      )
    }))

  it('is what is sealed: it counts again after a restart, and with the snapshot gone', () =>
    scene(async ({ id, give, seen, world }) => {
      await give()
      await world.restart(shopYaml(), { now: () => START })
      assert.deepEqual(await seen(id, 'case-77'), ['attributes', 'name'])
      rmSync(`${world.data}/retain/grants.json`)
      await world.restart(shopYaml(), { now: () => START })
      assert.deepEqual(await seen(id, 'case-77'), ['attributes', 'name'])
      const [sealed] = await world.system('grant')
      assert.deepEqual(
        { ...sealed, grant: null },
        {
          approved_by: null,
          by: 'officer.token',
          fields: ['name', 'attributes'],
          grant: null,
          purpose: 'case-77',
          subject: 'case-1',
          to: 'auditor.token',
          until: new Date(START + HOUR).toISOString(),
        },
      )
      assert.deepEqual(await world.closeAndAudit(), [])
    }))

  it('of a range opens its leaves only, of a field what lies below it', () =>
    scene(async ({ id, other, give, seen }) => {
      await give({ subject: undefined, range: 'shop:1..', fields: ['others', 'att'] })
      assert.deepEqual(await seen(id, 'case-77'), [])
      assert.deepEqual(await seen(other, 'case-77'), ['others'])
    }))

  it('that cannot be is refused in words, and repeats nothing', () =>
    scene(async ({ give, world }) => {
      const wrong: ReadonlyArray<readonly [{ readonly [name: string]: JsonValue | undefined }, RegExp]> = [
        [{ to: 'nobody' }, /no valid token of this name/],
        [{ to: 'ingest.token' }, /no valid token of this name/],
        [{ purpose: 'a reason with spaces' }, /purpose is a reference/],
        [{ fields: [] }, /fields are 1 to 100/],
        [{ fields: ['jane@example.com'] }, /names of fields, not what is in them/],
        [{ until: '2030-01-01T00:00:00Z' }, /until lies in the past/],
        [{ until: '2099-01-01T00:00:00Z' }, /within a year/],
        [{ until: 'tomorrow' }, /RFC 3339/],
        [{ trail: 'shop' }, /exactly one of/],
        [{ subject: undefined }, /exactly one of/],
        [{ subject: undefined, trail: 'nowhere' }, /no such trail/],
        [{ subject: undefined, range: 'nowhere:0..' }, /no log of this name/],
        [{ note: 'x' }, /a grant has/],
      ]
      for (const [more, expected] of wrong) {
        const answer = await give(more)
        assert.ok(answer.status >= 400, JSON.stringify(more))
        assert.match(String(answer.body['detail']), expected)
      }
      assert.deepEqual(await world.system('grant'), [])
    }))

  it('under dual control counts once a second officer has approved, who is neither who asked nor whom it is for', () =>
    scene(async ({ id, give, seen, at, world }) => {
      const asked = await give()
      assert.deepEqual([asked.status, asked.body['state']], [202, 'requested'])
      const path = `/api/v1/grants/${String(asked.body['id'])}/approve`
      assert.deepEqual(await seen(id, 'case-77'), [])
      const same = await world.send(path, {}, { role: 'officer' })
      assert.deepEqual([same.status, same.body['code']], [403, 'SAME_APPROVER'])
      const { token } = world.local.served.deps.tokens.create('OFFICER.token', 'officer', null)
      assert.equal((await world.send(path, {}, { headers: { authorization: `Bearer ${token}` } })).status, 403, 'another spelling of a name is the same name')
      assert.equal((await world.send(path, {}, { role: 'admin' })).body['state'], 'given')
      assert.deepEqual(await seen(id, 'case-77'), ['attributes', 'name'])
      assert.equal((await world.send(path, {}, { role: 'admin' })).status, 404, 'nothing waits')
      // For whom it is does not approve it either.
      const toAdmin = await give({ to: 'admin.token' })
      assert.equal((await world.send(`/api/v1/grants/${String(toAdmin.body['id'])}/approve`, {}, { role: 'admin' })).body['code'], 'SAME_APPROVER')
      // Too late.
      const late = await give({ until: new Date(START + 200 * HOUR).toISOString() })
      at(73 * HOUR)
      assert.equal((await world.send(`/api/v1/grants/${String(late.body['id'])}/approve`, {}, { role: 'admin' })).status, 404)
      assert.equal((await world.system('grant')).length, 1)
      assert.equal((await world.system('grant-requested')).length, 3)
    }, 'auth: { dualControl: [disclose] }'))
})
