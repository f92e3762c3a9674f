import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import { AUDITID, bearer, NOW, recorder, type Recorder } from './double.ts'

const get = (double: Recorder, path: string, headers: Record<string, string> = bearer('auditor')) => double.app.request(path, { headers })

test('queries reach the reader checked and typed, with the viewer', async () => {
  const double = recorder()
  const viewer = { name: 'ann', role: 'auditor', purpose: null }
  const at = Date.parse('2024-05-10T14:32:01+02:00')
  const expectations: Array<[string, unknown[]]> = [
    ['/api/v1/audit/notifications?message_uuid=m1&customer_external_id=&x=1', ['auditNotifications', { message_uuid: 'm1' }, viewer]],
    ['/api/v1/audit/interactions/c-1?limit=5&cursor=z', ['interaction', 'c-1', { limit: 5, cursor: 'z' }, viewer]],
    ['/api/v1/audit/interactions/c%2F1', ['interaction', 'c/1', { limit: 100 }, viewer]],
    ['/api/v1/audit/interactions/c-1/state?at=2024-05-10T14:32:01%2B02:00', ['interactionState', 'c-1', at, viewer]],
    ['/api/v1/audit/interactions/c-1/state?at=2024-05-10T14:32:01+02:00', ['interactionState', 'c-1', at, viewer]],
    ['/api/v1/audit/interactions/c-1/state', ['interactionState', 'c-1', NOW, viewer]],
    [
      '/api/v1/records?log=l&status=READ&from=2024-05-10T14:32:01Z&limit=1000',
      ['records', { log: 'l', status: 'READ', fromMs: Date.parse('2024-05-10T14:32:01Z'), limit: 1000 }, viewer],
    ],
    [`/api/v1/records/${AUDITID}`, ['record', AUDITID, viewer]],
    [`/api/v1/records/${AUDITID}/proof`, ['proof', AUDITID]],
  ]
  for (const [path, call] of expectations) {
    assert.equal((await get(double, path)).status, 200, path)
    assert.deepEqual(double.asked.at(-1), call)
  }
})

test('bad queries', async () => {
  const double = recorder()
  const day = '2024-05-10'
  for (const [path, status, code] of [
    ['/api/v1/audit/notifications', 400, 'NO_IDENTIFIER'],
    ['/api/v1/audit/notifications?message_uuid=&from=2024-05-10T00:00:00Z', 400, 'NO_IDENTIFIER'],
    [`/api/v1/audit/notifications?message_uuid=${'x'.repeat(513)}`, 400, 'BAD_REQUEST'],
    [`/api/v1/audit/interactions/c/state?at=${day}`, 400, 'BAD_REQUEST'],
    [`/api/v1/audit/interactions/c/state?at=${day}T14:32:01`, 400, 'BAD_REQUEST'],
    [`/api/v1/audit/interactions/c/state?at=2024-13-10T14:32:01Z`, 400, 'BAD_REQUEST'],
    ['/api/v1/records?limit=0', 400, 'BAD_REQUEST'],
    ['/api/v1/records?limit=1001', 400, 'BAD_REQUEST'],
    ['/api/v1/records?limit=1e2', 400, 'BAD_REQUEST'],
    ['/api/v1/records/short', 404, 'NOT_FOUND'],
    ['/log/none/checkpoint', 404, 'NOT_FOUND'],
  ] as const) {
    const answer = await get(double, path)
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [status, code], path)
  }
})

test('what the reader does not know is 404; an index too far behind is 503', async () => {
  const double = recorder()
  double.reading = null
  for (const path of [
    '/api/v1/audit/notifications?message_uuid=m',
    '/api/v1/audit/interactions/c',
    '/api/v1/audit/interactions/c/state',
    `/api/v1/records/${AUDITID}`,
  ]) {
    assert.equal((await get(double, path)).status, 404)
  }
  double.fail = new SealtrailError('INDEX_BEHIND')
  const answer = await get(double, '/api/v1/records')
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'])
})

test('each disclosure is noted with token name and purpose, by parameter names only', async () => {
  const double = recorder()
  await get(double, '/api/v1/audit/notifications?customer_external_id=CUST_1', { ...bearer('officer'), 'x-audit-purpose': 'case-17' })
  assert.deepEqual(double.notes, [
    {
      viewer: { name: 'olga', role: 'officer', purpose: 'case-17' },
      operation: 'auditNotifications',
      parameters: ['customer_external_id'],
      shown: [{ log: 'notifications', auditid: AUDITID }],
      atMs: NOW,
    },
  ])
  double.reading = { body: {}, shown: [{ log: 'system', auditid: AUDITID }] }
  await get(double, '/api/v1/records?log=system')
  for (const path of ['/healthz', '/metrics', '/log/notifications/checkpoint', `/api/v1/records/${AUDITID}/proof`]) await get(double, path)
  assert.equal(double.notes.length, 1)
})

test('answers are not cached; HEAD has no body', async () => {
  const double = recorder()
  assert.equal((await get(double, '/api/v1/records')).headers.get('cache-control'), 'no-store, no-transform')
  const head = await double.app.request('/api/v1/records', { method: 'HEAD', headers: bearer('auditor') })
  assert.deepEqual([head.status, await head.text()], [200, ''])
})

test('health, readiness with reasons, metrics', async () => {
  const double = recorder()
  assert.equal((await get(double, '/healthz', {})).status, 200)
  assert.equal((await get(double, '/readyz', {})).status, 200)
  double.ready = { ok: false, reasons: ['log notifications has stopped'], stores: [] }
  const answer = await get(double, '/readyz', {})
  const body = (await answer.json()) as Record<string, unknown>
  assert.deepEqual([answer.status, body['code'], body['reasons']], [503, 'NOT_READY', ['log notifications has stopped']])
  const text = await (await get(double, '/metrics', {})).text()
  assert.match(text, /^sealtrail_http_requests_total\{operation="readiness",status="503"\} 1$/m)
  assert.match(text, /^sealtrail_http_seconds_bucket\{operation="health",le="\+Inf"\} 1$/m)
})

test('operating: bodies are checked, changes carry the viewer', async () => {
  const double = recorder()
  const post = (path: string, body: string) => double.app.request(path, { method: 'POST', headers: bearer('admin'), body })
  assert.equal((await post('/api/v1/quarantine/replay', '')).status, 200)
  assert.deepEqual(double.asked.at(-1), ['replay', {}, { name: 'admin', role: 'admin', purpose: null }])
  await post('/api/v1/quarantine/replay', '{"trail":"interactions","auditids":["A"]}')
  assert.deepEqual(double.asked.at(-1)?.[1], { trail: 'interactions', auditids: ['A'] })
  for (const [path, body] of [
    ['/api/v1/quarantine/replay', '{"auditids":"A"}'],
    ['/api/v1/quarantine/replay', '[]'],
    ['/api/v1/tokens', '{"name":1}'],
    ['/api/v1/tokens', '{}'],
    ['/api/v1/tokens', '{"name":"a","role":"auditor","expires":"soon"}'],
    ['/api/v1/schemas', '{"pack":"p","version":0,"schema":{}}'],
    ['/api/v1/schemas', '{"pack":"p","version":1,"schema":[]}'],
    ['/api/v1/tokens', '{"name":"a","name":"b"}'],
    ['/api/v1/tokens', '{'],
  ] as const) {
    assert.equal((await post(path, body)).status, 400, body)
  }
  assert.equal((await post('/api/v1/tokens', '{"name":"bob","role":"auditor"}')).status, 201)
  assert.equal((await double.app.request('/api/v1/tokens/ann', { method: 'DELETE', headers: bearer('security') })).status, 204)
  assert.equal((await double.app.request('/api/v1/tokens/none', { method: 'DELETE', headers: bearer('security') })).status, 404)
  assert.deepEqual(
    double.notes.map((n) => n.operation),
    ['createToken', 'revokeToken'],
  )
})
