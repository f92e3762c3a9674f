// Every route with every role, on the whole server: who may gets an answer of the route's own, who may not gets 403 and nothing happens.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { ROLES } from '../../src/http/ports.ts'
import type { Role } from '../../src/http/ports.ts'
import { ROUTES } from '../../src/http/routes.ts'
import { World } from './harness.ts'
import type { Answer } from './harness.ts'

type Method = 'GET' | 'POST' | 'DELETE'

/** Written down here once more, not taken from the table under test: the five roles of docs/http.md on what there is. */
const MAY: ReadonlyArray<readonly [method: Method, path: string, roles: string, body?: unknown]> = [
  ['POST', '/api/v1/events', 'ingest admin', { message_uuid: 'r-1', delivery_status: 'SENT' }],
  ['POST', '/api/v1/sources/eventbridge', 'ingest admin', { message_uuid: 'r-1', delivery_status: 'SENT' }],
  ['POST', '/api/v1/compliance/notifications', 'ingest admin', { message_uuid: 'r-1', delivery_status: 'SENT' }],
  ['GET', '/api/v1/events/{auditid}', 'ingest auditor officer admin'],
  ['GET', '/api/v1/audit/notifications?message_uuid=role-message', 'auditor officer admin'],
  ['GET', '/api/v1/audit/interactions/role-call', 'auditor officer admin'],
  ['GET', '/api/v1/audit/interactions/role-call/state', 'auditor officer admin'],
  ['GET', '/api/v1/records?log=notifications', 'auditor officer admin'],
  ['GET', '/api/v1/records', 'auditor officer admin'],
  ['GET', '/api/v1/records?log=system', 'auditor officer security admin'],
  ['GET', '/api/v1/records/{auditid}', 'auditor officer admin'],
  ['GET', '/api/v1/records/{auditid}/proof', 'auditor officer admin'],
  ['GET', '/api/v1/records/{system}', 'auditor officer security admin'],
  ['GET', '/api/v1/records/{system}/proof', 'auditor officer security admin'],
  ['GET', '/log/notifications/tile/0/000.p/1', 'auditor officer admin'],
  ['GET', '/log/notifications/tile/entries/000.p/1', 'auditor officer admin'],
  ['GET', '/log/system/tile/entries/000.p/1', 'auditor officer security admin'],
  ['POST', '/api/v1/exports', 'auditor officer admin', { subject: 'role-message' }],
  ['GET', '/api/v1/exports', 'auditor officer admin'],
  ['GET', '/api/v1/exports/{export}', 'auditor officer admin'],
  ['GET', '/api/v1/exports/{export}/bundle', 'auditor officer admin'],
  ['GET', `/api/v1/certificates/${'0'.repeat(32)}`, 'auditor officer admin'],
  ['POST', '/api/v1/holds', 'officer admin', { subject: 'nobody', reason: 'roles' }],
  ['GET', '/api/v1/holds', 'auditor officer admin'],
  ['POST', `/api/v1/holds/${'0'.repeat(32)}/release`, 'officer admin', { reason: 'roles' }],
  ['POST', `/api/v1/holds/${'0'.repeat(32)}/approve`, 'officer admin', {}],
  ['POST', '/api/v1/erasures/plan', 'officer admin', { person: 'external-id:nobody' }],
  ['POST', '/api/v1/erasures', 'officer admin', { person: 'external-id:nobody', ground: 'roles' }],
  ['GET', '/api/v1/erasures', 'auditor officer admin'],
  ['GET', `/api/v1/erasures/${'0'.repeat(32)}`, 'auditor officer admin'],
  ['POST', `/api/v1/erasures/${'0'.repeat(32)}/approve`, 'officer admin'],
  ['POST', `/api/v1/erasures/${'0'.repeat(32)}/withdraw`, 'officer admin', { reason: 'roles' }],
  ['POST', '/api/v1/records/{auditid}/check', 'auditor officer admin', { path: 'customer_external_id', value: 'x' }],
  ['POST', '/api/v1/grants', 'officer admin', { to: 'nobody', purpose: 'p', fields: '*', trail: 'notifications', until: '2999-01-01T00:00:00Z' }],
  ['GET', '/api/v1/grants', 'auditor officer admin'],
  ['DELETE', `/api/v1/grants/${'0'.repeat(32)}`, 'officer admin'],
  ['POST', `/api/v1/grants/${'0'.repeat(32)}/approve`, 'officer admin', {}],
  ['POST', '/api/v1/people', 'officer admin', { person: 'external-id:nobody' }],
  ['POST', '/api/v1/people/merge', 'officer admin', { person: ['external-id:nobody', 'external-id:none'], reason: 'roles' }],
  ['POST', '/api/v1/people/split', 'officer admin', { person: 'external-id:nobody', reason: 'roles' }],
  ['GET', '/api/v1/retention', 'auditor officer admin'],
  ['POST', '/api/v1/retention/run', 'officer admin', {}],
  ['GET', '/api/v1/retention/flags', 'auditor officer admin'],
  ['POST', '/api/v1/retention/flags', 'officer admin', { subject: 'role-call', reason: 'r' }],
  ['GET', '/api/v1/quarantine', 'auditor officer admin'],
  ['POST', '/api/v1/quarantine/replay', 'officer admin', {}],
  ['GET', '/api/v1/tokens', 'security admin'],
  ['POST', '/api/v1/tokens', 'admin', { name: 'new', role: 'auditor' }],
  ['DELETE', '/api/v1/tokens/victim', 'security admin'],
  ['GET', '/api/v1/keys', 'auditor security admin'],
  ['POST', '/api/v1/keys/segment/rotate', 'security admin'],
  ['POST', '/api/v1/keys/wrapping/rewrap', 'security admin'],
  ['POST', '/api/v1/keys/0000000000000000/end', 'security admin'],
  ['GET', '/api/v1/packs', 'auditor officer security admin'],
  ['GET', '/api/v1/schemas', 'auditor officer security admin'],
  ['POST', '/api/v1/schemas', 'admin', { pack: 'nobody', version: 9, schema: {} }],
]
const OPEN = [
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/log/notifications/checkpoint',
  '/log/system/checkpoint',
  '/.well-known/http-message-signatures-directory',
]

describe('roles', () => {
  let world: World
  let behindMs = 60_000
  let auditid = ''
  let system = ''
  let exported = ''
  before(async () => {
    world = await World.open('trails: { interactions: { retain: { detail: 30d } } }', { now: () => Date.now() - behindMs })
    auditid = String(
      (await world.send('/api/v1/events', { message_uuid: 'role-message', delivery_status: 'READ', customer_external_id: 'CUST_90909' })).body['auditid'],
    )
    await world.send('/api/v1/events', {
      eventId: 'e',
      timestamp: '2026-01-01T00:00:00Z',
      eventType: 'call.stateChange',
      interactionId: 'role-call',
      payload: {},
    })
    await world.flush()
    system = String((await world.records('system'))[0]?.['auditid'])
    exported = String((await world.send('/api/v1/exports', { subject: 'role-message' }, { role: 'auditor' })).body['id'])
  })
  after(() => world.end())

  const call = (method: Method, path: string, role: Role, body?: unknown): Promise<Answer> =>
    world.send(path.replace('{auditid}', auditid).replace('{system}', system).replace('{export}', exported), body, { role, method })

  it('the list is whole: each route that needs a token is in it', () => {
    const listed = new Set(MAY.map(([method, path]) => `${method} ${path.split('?')[0]?.replace('{system}', '{auditid}')}`))
    for (const { method, path, roles } of ROUTES) {
      if (roles === null)
        assert.ok(
          OPEN.some((each) => each.split('/').length === path.split('/').length),
          path,
        )
      else
        assert.ok(
          [...listed].some((each) =>
            new RegExp(
              `^${method} ${path
                .replace(/\{auditid\}/g, '{auditid}')
                .replace(/\{\w+\+\}/g, '.+')
                .replace(/\{(?!auditid)\w+\}/g, '[^/]+')
                .replace(/[{}]/g, '\\$&')}$`,
            ).test(each),
          ),
          `${method} ${path}`,
        )
    }
  })

  for (const [method, path, roles, body] of MAY) {
    it(`${method} ${path}: ${roles}`, async () => {
      for (const role of ROLES) {
        if (path.includes('victim')) world.local.served.deps.tokens.create('victim', 'auditor', null)
        const before = await inventory(world)
        const answer = await call(method, path, role, body)
        if (roles.split(' ').includes(role))
          assert.ok(
            answer.status < 300 ||
              ((path.endsWith('/schemas') || /\/(?:holds|grants|erasures|people|certificates|keys\/0+)/.test(path)) && answer.status === 404),
            `${role} ${answer.status} ${answer.text}`,
          )
        else if (path.includes('/sources/')) assert.equal(answer.status, 401, 'EventBridge would drop the event on 403')
        else {
          assert.deepEqual([answer.status, answer.body['code']], [403, 'FORBIDDEN'], role)
          assert.equal(answer.headers.get('content-type'), 'application/problem+json')
          assert.ok(!answer.text.includes('CUST_90909'))
          assert.deepEqual(await inventory(world), before, `${role} changed something`)
        }
        for (const name of ['victim', 'new']) world.local.served.deps.tokens.revoke(name)
      }
    })
  }

  it('without a token, with an unknown, revoked or expired one: 401 on every route, and a challenge', async () => {
    const { tokens } = world.local.served.deps
    const revoked = tokens.create('revoked', 'admin', null).token
    tokens.revoke('revoked')
    const expired = tokens.create('expired', 'admin', Date.now() - behindMs / 2).token
    behindMs = 0
    for (const authorization of [
      '',
      'Bearer',
      'Bearer st_unknown_unknown',
      `Bearer ${revoked}`,
      `Bearer ${expired}`,
      `Basic ${Buffer.from(`x:${revoked}`).toString('base64')}`,
      `Token ${world.tokens.get('admin')}`,
    ]) {
      for (const [method, path, , body] of MAY) {
        const answer = await world.send(path.replace('{auditid}', auditid).replace('{system}', system), body, { method, headers: { authorization } })
        assert.deepEqual([answer.status, answer.body['code']], [401, 'UNAUTHENTICATED'], `${method} ${path}`)
        assert.ok(answer.headers.get('www-authenticate')?.startsWith('Bearer'))
      }
    }
    for (const path of OPEN) assert.equal((await world.get(path, 'ingest', { authorization: '' })).status, 200, path)
  })

  it('who is not let in is told nothing: the log and the answers name no token', async () => {
    const said = world.lines.join('')
    for (const token of world.tokens.values()) assert.ok(!said.includes(token.slice(3)))
    assert.match(said, /"message":"request not admitted"/)
  })

  it('personal values by role: an auditor sees the customer asked for, officer and admin all, nobody else any', async () => {
    const shown: Record<string, unknown> = {}
    for (const role of ['auditor', 'officer', 'admin'] as const)
      shown[role] = ((await call('GET', '/api/v1/records/{auditid}', role)).body['data'] as JsonObject)['customer_external_id']
    assert.deepEqual(shown, { auditor: 'CUST_90909', officer: 'CUST_90909', admin: 'CUST_90909' })
    assert.ok(!(await call('GET', '/api/v1/events/{auditid}', 'ingest')).text.includes('CUST_90909'))
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})

/** What a call that is not allowed must not change. */
async function inventory(world: World): Promise<unknown> {
  const { deps } = world.local.served
  return [
    deps.tokens.list(),
    (await deps.admin.keys(false)).length,
    world.local.sealing.sizes.logs.filter((log) => log !== 'system').map((log) => world.local.sealing.sizes.get(log)),
  ]
}
