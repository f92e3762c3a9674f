import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { SealtrailError } from '../../src/errors.ts'
import type { InputResult } from '../../src/event/input.ts'
import { AUDITID, bearer, NOW, RECEIPT, recorder, type Recorder } from './double.ts'

const post = (double: Recorder, path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  double.app.request(path, { method: 'POST', headers: { 'content-type': 'application/json', ...bearer('ingest'), ...headers }, body: body as string })
const one = async (result: InputResult, path = '/api/v1/events', headers: Record<string, string> = {}): Promise<[number, Headers, Record<string, unknown>]> => {
  const double = recorder()
  double.result = () => result
  const answer = await post(double, path, '{"a":1}', headers)
  return [answer.status, answer.headers, (await answer.json()) as Record<string, unknown>]
}
const sealed: InputResult = { outcome: 'sealed', auditid: AUDITID, receipt: RECEIPT }

test('one event: each outcome has its status', async () => {
  const expected: Array<[InputResult, number]> = [
    [sealed, 201],
    [{ ...sealed, superseded: true }, 201],
    [{ outcome: 'quarantined', auditid: AUDITID, code: 'UNMATCHED', receipt: RECEIPT }, 201],
    [{ outcome: 'sealed', records: [{ outcome: 'duplicate' }, sealed] }, 201],
    [{ outcome: 'sealed', auditid: AUDITID }, 202],
    [{ outcome: 'held', auditid: AUDITID }, 202],
    [{ outcome: 'duplicate', auditid: AUDITID, receipt: RECEIPT }, 200],
    [{ outcome: 'filtered' }, 200],
    [{ outcome: 'refused', auditid: AUDITID, code: 'SENSITIVE_AUTHENTICATION_DATA', receipt: RECEIPT }, 422],
    [{ outcome: 'refused', auditid: AUDITID, code: 'IDENTITY_CONFLICT' }, 422],
    [{ outcome: 'duplicate', auditid: AUDITID, code: 'IDENTITY_CONFLICT' }, 422],
  ]
  for (const [result, status] of expected) {
    const [got, headers, body] = await one(result)
    assert.equal(got, status, JSON.stringify(result))
    assert.equal(body['outcome'], result.outcome)
    assert.equal(headers.get('content-type'), status === 422 ? 'application/problem+json' : 'application/json')
    assert.equal(headers.get('idempotent-replayed'), result.outcome === 'duplicate' && status === 200 ? 'true' : null)
    if (status === 202) assert.equal(headers.get('location'), `/api/v1/events/${AUDITID}`)
    if (status === 422) assert.deepEqual([body['status'], body['auditid']], [422, AUDITID])
  }
})

test('the guide’s endpoint: superseded is 409 with auditid and receipt, also when sent again', async () => {
  const path = '/api/v1/compliance/notifications'
  const superseded: InputResult = { ...sealed, superseded: true }
  const [status, headers, body] = await one(superseded, path)
  assert.deepEqual([status, body['code'], body['auditid'], body['receipt']], [409, 'SUPERSEDED', AUDITID, RECEIPT])
  assert.equal(headers.get('content-type'), 'application/problem+json')
  const [again, replayed] = await one({ ...superseded, outcome: 'duplicate' }, path)
  assert.deepEqual([again, replayed.get('idempotent-replayed')], [409, 'true'])
  assert.equal((await one({ outcome: 'duplicate', auditid: AUDITID, superseded: true }, path))[0], 409)
  assert.equal((await one({ outcome: 'sealed', auditid: AUDITID, superseded: true }, path))[0], 202)
  assert.equal((await one({ outcome: 'duplicate', auditid: AUDITID, receipt: RECEIPT }, path))[0], 200)
  assert.equal((await one(sealed, path))[0], 201)
  assert.equal((await one({ outcome: 'held', auditid: AUDITID }, path))[0], 202)
  assert.equal((await one({ outcome: 'refused', code: 'IDENTITY_CONFLICT', superseded: true }, path))[0], 422)
  assert.equal((await post(recorder(), path, '[{"a":1}]')).status, 400)
})

test('many: 200 with a result per input in order; lean receipts unless asked', async () => {
  const double = recorder()
  double.result = (_, i) => ({ outcome: i === 0 ? 'refused' : 'sealed', auditid: String(i) })
  for (const [body, headers] of [
    ['[{"a":1},{"b":2}]', {}],
    ['{"a":1}\n{"b":2}', { 'content-type': 'application/x-ndjson' }],
  ] as Array<[string, Record<string, string>]>) {
    const answer = await post(double, '/api/v1/events', body, headers)
    assert.equal(answer.status, 200)
    assert.deepEqual(
      ((await answer.json()) as InputResult[]).map((r) => [r.outcome, r.auditid]),
      [
        ['refused', '0'],
        ['sealed', '1'],
      ],
    )
  }
  await post(double, '/api/v1/events?receipts=full', '[{}]')
  await post(double, '/api/v1/events', '{}')
  await post(double, '/api/v1/events?trail=notifications', '[{}]', { prefer: 'wait=5, respond-async' })
  assert.deepEqual(
    double.submitted.map((s) => s.options),
    [
      { wait: 'sealed', receipts: 'lean' },
      { wait: 'sealed', receipts: 'lean' },
      { wait: 'sealed', receipts: 'full' },
      { wait: 'sealed', receipts: 'full' },
      { wait: 'durable', receipts: 'lean' },
    ],
  )
  assert.deepEqual(
    double.submitted.map((s) => s.inputs[0]?.trail),
    [null, null, null, null, 'notifications'],
  )
  assert.equal(double.submitted[0]?.inputs[0]?.receivedMs, NOW)
  assert.equal((await post(double, '/api/v1/events', '[]')).status, 200)
})

test('Prefer: respond-async is applied and said', async () => {
  const [status, headers] = await one({ outcome: 'sealed', auditid: AUDITID }, '/api/v1/events', { prefer: 'Respond-Async; x=1' })
  assert.deepEqual([status, headers.get('preference-applied')], [202, 'respond-async'])
})

test('a platform gets success once durable whatever the outcome, else 401 or 503', async () => {
  const path = '/api/v1/sources/eventbridge'
  for (const result of [
    sealed,
    { outcome: 'refused', code: 'SENSITIVE_AUTHENTICATION_DATA' },
    { outcome: 'filtered' },
    { outcome: 'duplicate' },
  ] as InputResult[])
    assert.equal((await one(result, path))[0], 200)
  const double = recorder({ maxBodyBytes: 100 })
  for (const body of ['{', '', '<xml/>', '[', '{"a":1,"a":2}']) assert.equal((await post(double, path, body)).status, 200)
  assert.deepEqual(
    double.submitted.map((s) => s.inputs[0]?.problem?.code),
    ['NOT_JSON', 'NOT_JSON', 'NOT_JSON', 'NOT_JSON', 'NOT_I_JSON'],
  )
  assert.ok(double.submitted.every((s) => s.options.wait === 'durable'))
  for (const [target, body, headers] of [
    [path, 'x'.repeat(101), {}],
    [path, 'x', { 'content-encoding': 'gzip' }],
    [path, 'x', { 'content-encoding': 'rar' }],
    [`${path}?trail=none`, '{}', {}],
  ] as Array<[string, string, Record<string, string>]>) {
    const answer = await post(double, target, body, headers)
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.equal(((await answer.json()) as { status: number }).status, 503)
  }
  double.fail = new TypeError('a value of somebody')
  assert.equal((await post(double, path, '{}')).status, 503)
})

test('what cannot be made durable is 503 with Retry-After; a defect is 500 and says nothing', async () => {
  const double = recorder()
  for (const code of ['NOT_DURABLE', 'OVERLOADED', 'LOG_STOPPED', 'NOT_READY'] as const) {
    double.fail = new SealtrailError(code)
    const answer = await post(double, '/api/v1/events', '{}')
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'])
  }
  double.fail = new TypeError('+15550100 is not a function')
  const answer = await post(double, '/api/v1/events', '{}')
  assert.equal(answer.status, 500)
  assert.ok(!(await answer.text()).includes('15550100'))
  assert.ok(!double.lines.join('').includes('15550100'))
  const line = JSON.parse(double.lines.at(-1) ?? '{}') as Record<string, string>
  assert.deepEqual([line['code'], line['route'], line['error']], ['INTERNAL', '/api/v1/events', 'TypeError'])
})

test('bodies: size, coding, type, trail, key syntax', async () => {
  const double = recorder({ maxBodyBytes: 1000 })
  const expectations: Array<[string, string | Buffer, Record<string, string>, number, string]> = [
    ['/api/v1/events', 'x'.repeat(1001), {}, 413, 'TOO_LARGE'],
    ['/api/v1/events', gzipSync(Buffer.alloc(1001)), { 'content-encoding': 'gzip' }, 413, 'TOO_LARGE'],
    ['/api/v1/events', '{}', { 'content-encoding': 'gzip' }, 400, 'BAD_REQUEST'],
    ['/api/v1/events', '{}', { 'content-encoding': 'lzma' }, 415, 'UNSUPPORTED_ENCODING'],
    ['/api/v1/events', '{}', { 'content-type': 'application/xml' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['/api/v1/events', '', {}, 400, 'NOT_JSON'],
    ['/api/v1/events?trail=none', '{}', {}, 404, 'UNKNOWN_TRAIL'],
    ['/api/v1/events?trail=constructor', '{}', {}, 404, 'UNKNOWN_TRAIL'],
    ['/api/v1/events?receipts=all', '{}', {}, 400, 'BAD_REQUEST'],
    ['/api/v1/events', '{}', { 'idempotency-key': 'x'.repeat(256) }, 400, 'BAD_REQUEST'],
    ['/api/v1/compliance/notifications', '{}', { 'x-idempotency-key': 'x\ty' }, 400, 'BAD_REQUEST'],
    ['/api/v1/events', '{}', { 'x-audit-purpose': 'for John Smith' }, 400, 'BAD_REQUEST'],
  ]
  for (const [path, body, headers, status, code] of expectations) {
    const answer = await post(double, path, body, headers)
    const document = (await answer.json()) as Record<string, unknown>
    assert.deepEqual([answer.status, document['status'], document['code'], document['type']], [status, status, code, `urn:sealtrail:error:${code}`], path)
  }
  assert.equal(double.submitted.length, 0)
  assert.equal((await post(double, '/api/v1/events', gzipSync('{}'), { 'content-encoding': 'gzip' })).status, 201)
})

test('too many bytes at once: told to come back, and the budget is given back', async () => {
  const double = recorder({ maxBodyBytes: 10 })
  const gates: Array<() => void> = []
  Object.assign(double.deps.flow, { submit: () => new Promise((resolve) => gates.push(() => resolve([sealed]))) })
  const running = Array.from({ length: 8 }, () => post(double, '/api/v1/events', '{"a":1111}', { 'content-length': '10' }))
  while (gates.length < 8) await new Promise(setImmediate)
  assert.equal((await post(double, '/api/v1/events', '{"a":1111}', { 'content-length': '10' })).status, 503)
  for (const open of gates) open()
  for (const answer of await Promise.all(running)) assert.equal(answer.status, 201)
  const after = post(double, '/api/v1/events', '{}')
  while (gates.length < 9) await new Promise(setImmediate)
  gates[8]?.()
  assert.equal((await after).status, 201)
})

test('the result of an event: under way first, then sealed, else 404', async () => {
  const double = recorder()
  const get = (id: string) => double.app.request(`/api/v1/events/${id}`, { headers: bearer('ingest') })
  assert.deepEqual(await (await get(AUDITID)).json(), sealed)
  assert.deepEqual(
    double.asked.map((a) => a[0]),
    ['underWay', 'eventResult'],
  )
  assert.equal((await get('01HXXBHG2800000000000000ZZ')).status, 404)
  assert.equal((await get('nothing')).status, 404)
})
