// Certificates of erasures as a server hands them out, and what its answers and bundles say of values that are gone.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { parseCertificate, verifyBundle, verifyCertificate } from '@sealtrail/evidence'
import type { CertificateBody, JsonObject } from '@sealtrail/evidence'
import { createApp } from '../../src/http/app.ts'
import { fetchExport } from '../export/fetched.ts'
import { World } from '../flow/harness.ts'
import { eraseByHand } from './by-hand.ts'

const ID = 'a1'.repeat(16)
const RUNNING = 'b2'.repeat(16)
const post = async (world: World, n: number): Promise<string> =>
  String(
    (
      await world.send('/api/v1/events', {
        message_uuid: `m-${n}`,
        delivery_status: 'DELIVERED',
        customer_external_id: `CUST-${n}`,
        originating_agent_id: `agent-${n}`,
      })
    ).body['auditid'],
  )

describe('a certificate of an erasure', () => {
  let world: World
  let erased = ''
  let running = ''
  let kept = ''
  let body: CertificateBody
  before(async () => {
    world = await World.open()
    ;[erased, running, kept] = [await post(world, 1), await post(world, 2), await post(world, 3)]
    await world.flush()
    body = await eraseByHand(world, ID, [erased])
    await eraseByHand(world, RUNNING, [running], { running: true })
  })
  after(() => world.end())

  const pdf = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    Promise.resolve(createApp(world.local.served.deps).request(path, { headers: { authorization: `Bearer ${world.tokens.get('auditor')}`, ...headers } }))

  it('is handed out with fresh proofs, and verifies with the key of its log', async () => {
    const { status, text, headers } = await world.get(`/api/v1/certificates/${ID}`, 'auditor')
    assert.equal(status, 200)
    assert.match(headers.get('content-disposition') ?? '', /certificate-a1a1.*\.json/)
    assert.ok(headers.has('signature'))
    const file = parseCertificate(Buffer.from(text))
    assert.deepEqual(file.certificate, body)
    for (const log of ['system', 'notifications']) {
      const { conclusion, problems } = verifyCertificate(file, { vkeys: [world.local.sealing.vkey(log)] })
      assert.deepEqual([conclusion, problems], ['established', []])
    }
    assert.equal(verifyCertificate(file).conclusion, 'consistent')
  })

  it('as a page, asked for by query or by Accept, the same bytes each time', async () => {
    const [a, b] = [await pdf(`/api/v1/certificates/${ID}?format=pdf`), await pdf(`/api/v1/certificates/${ID}`, { accept: 'application/pdf' })]
    assert.deepEqual([a.status, a.headers.get('content-type')], [200, 'application/pdf'])
    const bytes = Buffer.from(await a.arrayBuffer())
    assert.match(bytes.subarray(0, 8).toString('latin1'), /^%PDF-1\./)
    assert.deepEqual(Buffer.from(await b.arrayBuffer()), bytes)
    assert.equal((await pdf(`/api/v1/certificates/${ID}?format=docx`)).status, 400)
    assert.equal((await pdf(`/api/v1/certificates/${ID}`, { accept: 'text/html, application/json' })).headers.get('content-type'), 'application/json')
  })

  it('is not there before the erasure is completed, nor under any other path', async () => {
    for (const id of [RUNNING, 'c3'.repeat(16), 'x', '..%2f..%2fkeys', ID.toUpperCase()])
      assert.equal((await world.get(`/api/v1/certificates/${id}`)).status, 404, id)
  })

  it('each one handed out is sealed in system with who had it', async () => {
    await world.local.served.beat()
    const reads = (await world.system('read')).flatMap((data) => JSON.stringify(data))
    assert.ok(
      reads.some((text) => text.includes('readCertificate') && text.includes('auditor.token') && text.includes(ID)),
      'sealed',
    )
  })

  it('answers say since when and under which certificate a value is gone, and only of those', async () => {
    const reason = { state: 'erased', on: body.started, certificate: ID }
    const { body: one } = await world.get(`/api/v1/records/${erased}`)
    assert.deepEqual((one['field_states'] as JsonObject)['customer_external_id'], 'erased')
    assert.deepEqual((one['field_reasons'] as JsonObject)['customer_external_id'], reason)
    assert.equal((one['data'] as JsonObject)['customer_external_id'], null)
    const { body: other } = await world.get(`/api/v1/records/${kept}`)
    assert.equal(other['field_reasons'], undefined)
    const { body: audit } = await world.get('/api/v1/audit/notifications?message_uuid=m-1')
    assert.equal(audit['status'], 'verified')
    assert.deepEqual((audit['field_reasons'] as JsonObject)['customer_external_id'], reason)
    assert.deepEqual(((audit['history'] as JsonObject[])[0]!['field_reasons'] as JsonObject)['customer_external_id'], reason)
    const listed = (await world.records('notifications')).map(
      (record) => ((record['field_reasons'] as JsonObject | undefined)?.['customer_external_id'] as JsonObject | undefined)?.['certificate'],
    )
    assert.deepEqual(listed, [ID, RUNNING, undefined])
  })

  it('a bundle holds it, and is verified with it; of one that is not complete it says so', async () => {
    const bundle = (await fetchExport(world, { range: 'notifications:0..3' })).unzip()
    try {
      assert.deepEqual(
        bundle.paths().filter((path) => path.startsWith('certificates/')),
        [`certificates/${ID}.json`],
      )
      const verdict = await verifyBundle(new Blob([bundle.bytes]), { vkeys: [world.local.sealing.vkey('notifications')] })
      assert.deepEqual(verdict.problems, [])
      assert.deepEqual([verdict.conclusion, verdict.certificates[0]?.conclusion], ['established', 'established'])
      const says = verdict.questions.find(({ id }) => id === 'erased')!.says.join('\n')
      assert.match(
        says,
        new RegExp(`erased on ${body.completed} under the certificate ${ID}, which is in this file, names each of them and was sealed by the log`),
      )
      assert.match(says, new RegExp(`said to be erased under the certificate ${RUNNING}, which is not in this file`))
      const fields = bundle.lines('log/notifications/fields.ndjson').map((line) => (JSON.parse(line) as { fields: JsonObject[] }).fields)
      assert.ok(fields[0]!.every((field) => field['state'] === 'erased' && field['certificate'] === ID && field['on'] === body.started))
    } finally {
      bundle.end()
    }
  })
})

describe('a certificate that is lost or does not fit', () => {
  let world: World
  before(async () => {
    world = await World.open()
  })
  after(() => world.end())

  it('is an error of the server, never a certificate', async () => {
    const [a, b, c] = [await post(world, 1), await post(world, 2), await post(world, 3)]
    await world.flush()
    await eraseByHand(world, 'd1'.repeat(16), [a], { without: 'object' })
    await eraseByHand(world, 'd2'.repeat(16), [b], { without: 'intent' })
    await eraseByHand(world, 'd3'.repeat(16), [c], { body: (body) => ({ ...body, id: ID }) })
    for (const id of ['d1', 'd2', 'd3'])
      for (const format of ['json', 'pdf']) {
        const { status, body } = await world.get(`/api/v1/certificates/${id.repeat(16)}?format=${format}`)
        assert.deepEqual([status, body['code']], [500, 'DATA_CORRUPT'], id)
      }
  })
})
