import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROLES } from '../../src/http/ports.ts'
import { documentPath, ROUTES, routerPath } from '../../src/http/routes.ts'
import { bodyFor } from './bodies.ts'
import { AUDITID, bearer, recorder } from './double.ts'

const concrete = (path: string): string =>
  path
    .replace('{auditid}', AUDITID)
    .replace('/exports/{id}', `/exports/${'e'.repeat(32)}`)
    .replace('/certificates/{id}', `/certificates/${'d'.repeat(32)}`)
    .replace('/holds/{id}', `/holds/${'f'.repeat(32)}`)
    .replace('/erasures/{id}', `/erasures/${'d'.repeat(32)}`)
    .replace('/grants/{id}', `/grants/${'d'.repeat(32)}`)
    .replace('{id}', 'c-1')
    .replace('{log}', 'notifications')
    .replace('{name}', 'ann')
    .replace('{tile+}', '0/000')
    .replace(/audit\/notifications$/, '$&?message_uuid=m')
const send = (path: string, method: string, headers: Record<string, string>) =>
  recorder().app.request(concrete(path), {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' ? { body: bodyFor(path) } : {}),
  })

test('the app, the table and /openapi.json hold the same routes', async () => {
  const { app } = recorder()
  const bound = app.routes.map((r) => `${r.method} ${r.path}`).sort()
  const table = ROUTES.map((r) => `${r.method} ${documentPath(r)}`).sort()
  const document = (await (await app.request('/openapi.json')).json()) as {
    openapi: string
    paths: Record<string, Record<string, { operationId: string; responses: object }>>
  }
  const described = Object.entries(document.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m.toUpperCase()} ${path}`))
    .sort()
  assert.deepEqual(bound, ROUTES.map((r) => `${r.method} ${routerPath(r)}`).sort())
  assert.deepEqual(described, table)
  assert.equal(document.openapi, '3.1.0')
  assert.equal(new Set(ROUTES.map((r) => r.operation)).size, ROUTES.length)
})

test('every $ref of the document leads somewhere', async () => {
  const text = await (await recorder().app.request('/openapi.json')).text()
  const schemas = (JSON.parse(text) as { components: { schemas: object } }).components.schemas
  for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) assert.ok(Object.hasOwn(schemas, name as string), String(name))
})

test('route × role: those of the table and nobody else', async () => {
  for (const route of ROUTES) {
    for (const role of ROLES) {
      const answer = await send(route.path, route.method, bearer(role))
      const allowed = route.roles === null || route.roles.includes(role)
      // The role security is let in to records, but only to those of the system log.
      const narrowed = role === 'security' && ['listRecords', 'readRecord', 'readProof', 'readTile'].includes(route.operation)
      const label = `${route.operation} as ${role}: ${answer.status}`
      if (allowed && !narrowed) assert.ok(answer.status < 300, label)
      else {
        assert.equal(answer.status, route.operation === 'postEventBridge' ? 401 : 403, label)
        const body = (await answer.json()) as { code: string; detail: string }
        assert.equal(body.code, 'FORBIDDEN')
        for (const able of narrowed ? ['auditor'] : (route.roles ?? [])) assert.match(body.detail, new RegExp(able))
      }
    }
  }
})

test('without a token, or with one nobody knows: 401 with a challenge on all but the public routes', async () => {
  for (const route of ROUTES) {
    for (const headers of [
      {},
      { authorization: 'Bearer nobody' },
      { authorization: 'Bearer [static_api_key_or_jwt]' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer __proto__' },
    ] as Array<Record<string, string>>) {
      const answer = await send(route.path, route.method, headers)
      if (route.roles === null) assert.ok(answer.status < 300)
      else {
        assert.equal(answer.status, 401, route.operation)
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer realm="sealtrail"/)
        assert.equal(answer.headers.get('content-type'), 'application/problem+json')
      }
    }
  }
})

test('security reads records of the system log', async () => {
  const double = recorder()
  double.reading = { body: { any: 1 }, shown: [{ log: 'system', auditid: AUDITID }] }
  assert.equal((await double.app.request('/api/v1/records?log=system', { headers: bearer('security') })).status, 200)
  assert.equal((await double.app.request(`/api/v1/records/${AUDITID}`, { headers: bearer('security') })).status, 200)
  double.reading = null
  assert.equal((await double.app.request(`/api/v1/records/${AUDITID}`, { headers: bearer('security') })).status, 403)
  assert.equal(double.notes.length, 0)
})

test('basic and API key are for platforms only', async () => {
  const basic = { authorization: `Basic ${Buffer.from('eventbridge:st_ingest').toString('base64')}` }
  for (const headers of [basic, { 'x-api-key': 'st_ingest' }, bearer('ingest'), { authorization: 'bearer  st_ingest' }]) {
    assert.equal((await send('/api/v1/sources/eventbridge', 'POST', headers)).status, 200)
  }
  for (const headers of [basic, { 'x-api-key': 'st_ingest' }]) assert.equal((await send('/api/v1/events', 'POST', headers)).status, 401)
  for (const authorization of [`Basic ${Buffer.from('st_ingest').toString('base64')}`, 'Basic', 'Basic !!!', 'Digest x']) {
    assert.equal((await send('/api/v1/sources/eventbridge', 'POST', { authorization })).status, 401)
  }
})

test('405 names what is allowed, 404 is a problem document too', async () => {
  const { app } = recorder()
  for (const [path, method, allow] of [
    ['/api/v1/events', 'GET', 'POST'],
    ['/api/v1/records', 'DELETE', 'GET, HEAD'],
    ['/api/v1/tokens', 'PUT', 'GET, POST, HEAD'],
    [`/api/v1/events/${AUDITID}`, 'POST', 'GET, HEAD'],
    ['/healthz', 'OPTIONS', 'GET, HEAD'],
  ] as const) {
    const answer = await app.request(path, { method })
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.get('allow'), allow)
    assert.equal(((await answer.json()) as { code: string }).code, 'METHOD_NOT_ALLOWED')
  }
  for (const path of ['/', '/api', '/api/v1/events/', '/api/v1/events/x/y', '/..%2f', '/%', '/%ff%fe', '/log//checkpoint']) {
    const answer = await app.request(path)
    assert.equal(answer.status, 404, path)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  }
})
