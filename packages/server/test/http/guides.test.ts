// Every JSON block and request of the two guides that reaches an HTTP route, as printed there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PUT_BODY, RECORD, SUBSCRIPTION, TRANSFORM } from '../guides.ts'
import { bearer, recorder, type Recorder } from './double.ts'

const INTERACTION =
  '{"eventId":"e-1","timestamp":"2023-10-27T10:00:00Z","eventType":"call.stateChange","interactionId":"i-1","payload":{"state":"transferred"}}'

const notify = (double: Recorder, body: string, headers: Record<string, string>) =>
  double.app.request('/api/v1/compliance/notifications', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })

test('second guide: the flat record with its headers reaches the flow whole', async () => {
  for (const key of ['8f3a9c21-4b5e-4d7f-9a1c-2e8f7b6d5c4a', '{{event.message_id}}', '"8f3a9c21"']) {
    for (const header of ['x-idempotency-key', 'idempotency-key']) {
      const double = recorder()
      const answer = await notify(double, RECORD, { ...bearer('ingest'), [header]: key })
      assert.equal(answer.status, 201)
      const [sent] = double.submitted
      assert.deepEqual(sent?.options, { wait: 'sealed', receipts: 'full' })
      assert.deepEqual(sent?.inputs[0]?.value, JSON.parse(RECORD))
      assert.equal(sent?.inputs[0]?.trail, 'notifications')
    }
  }
})

test('second guide: two statuses under one key header are two events (the key is the message alone)', async () => {
  const double = recorder()
  for (const status of ['DELIVERED', 'READ']) await notify(double, RECORD.replace('DELIVERED', status), { ...bearer('ingest'), 'x-idempotency-key': 'same' })
  assert.deepEqual(
    double.submitted.map((s) => s.inputs[0]?.value?.['delivery_status']),
    ['DELIVERED', 'READ'],
  )
})

test('second guide: the unfilled template as body and the unfilled token are answered, not crashed on', async () => {
  assert.equal((await notify(recorder(), TRANSFORM, bearer('ingest'))).status, 201)
  const answer = await notify(recorder(), RECORD, { authorization: 'Bearer [static_api_key_or_jwt]' })
  assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [401, 'UNAUTHENTICATED'])
})

test('second guide: the retrieval request', async () => {
  const double = recorder()
  const path = '/api/v1/audit/notifications?message_uuid=8f3a9c21-4b5e-4d7f-9a1c-2e8f7b6d5c4a&customer_external_id=CUST_99281'
  const answer = await double.app.request(path, { headers: { host: 'audit-gateway.yourcompany.com', accept: 'application/json', ...bearer('auditor') } })
  assert.equal(answer.status, 200)
  assert.deepEqual(double.asked[0]?.[1], { message_uuid: '8f3a9c21-4b5e-4d7f-9a1c-2e8f7b6d5c4a', customer_external_id: 'CUST_99281' })
})

test('first guide: an interaction event, and the subscription block posted as if it were one', async () => {
  for (const body of [INTERACTION, SUBSCRIPTION]) {
    const double = recorder()
    assert.equal(
      (await double.app.request('/api/v1/events', { method: 'POST', headers: { 'content-type': 'application/json', ...bearer('ingest') }, body })).status,
      201,
    )
    assert.deepEqual(double.submitted[0]?.inputs[0]?.value, JSON.parse(body))
  }
})

test('first guide: the S3 call is answered with every correction', async () => {
  const answer = await recorder().app.request('/{bucket-name}/audit/event-12345.json', {
    method: 'PUT',
    headers: { 'x-amz-bucket-object-lock-mode': 'COMPLY', 'x-amz-bucket-object-lock-retention-date': '2031-01-01T00:00:00Z' },
    body: PUT_BODY,
  })
  const body = (await answer.json()) as { code: string; detail: string; status: number }
  assert.deepEqual([answer.status, body.code], [400, 'WRONG_LOCK_HEADER'])
  for (const word of ['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date', 'COMPLIANCE', '/api/v1/events'])
    assert.ok(body.detail.includes(word), word)
})

test('the S3 call with one mistake left, and with none', async () => {
  const put = async (headers: Record<string, string>) =>
    (await (await recorder().app.request('/b/k', { method: 'PUT', headers })).json()) as { code: string; detail: string }
  assert.equal((await put({ 'x-amz-object-lock-mode': 'COMPLY' })).code, 'WRONG_LOCK_MODE')
  assert.equal((await put({ 'x-amz-object-lock-mode': 'COMPLIANCE', 'x-amz-object-lock-retention-date': '2031-01-01T00:00:00Z' })).code, 'WRONG_LOCK_HEADER')
  assert.equal((await put({ 'x-amz-object-lock-mode': 'COMPLIANCE' })).code, 'NOT_FOUND')
  assert.ok(!(await put({ 'x-amz-object-lock-mode': 'Zaphod' })).detail.includes('Zaphod'))
})
