// 10,000 malformed requests: each is answered, with a problem document or as quarantined, and none leaves a trace of its values.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { InputResult } from '../../src/event/input.ts'
import { bearer, recorder } from './double.ts'

const SECRET = 'zz-secret-zz'
const good = `{"eventId":"e","payload":{"name":"${SECRET}","list":[1,2,{"x":null}],"n":12.5,"t":"2024-01-01T00:00:00Z"}}`

const text = fc.oneof(
  { weight: 4, arbitrary: mutated() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.json().map((j) => j) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      `{"a":"${SECRET}","a":2}`,
      '{"a":9007199254740993123}',
      '{"a":1234567890123456789}',
      '{"a":-1e999}',
      '{"a":1e-400}',
      '{"a":"\\ud800"}',
      '{"a":"\\udc00\\ud800"}',
      '{"__proto__":{"x":1}}',
      '{"constructor":{"prototype":{"x":1}}}',
      '{"toString":1,"hasOwnProperty":2}',
      `{"...":"${SECRET}"}`,
      '{"_sd":["x"],"_sd_alg":"sha-256"}',
      '{"a":[{"...":1}]}',
      'null',
      'true',
      '""',
      '0',
      '-',
      'NaN',
      '[',
      ']',
      '{',
      '}',
      '[]',
      '[[]]',
      '[null]',
      '{"":""}',
      '\ufeff',
      '\ufeff{}',
      '{"a":01}',
      "{'a':1}",
      '{"a":1,}',
      '[1,]',
      '//',
      '{"specversion":"1.0"}',
      '{"specversion":"1.0","id":1,"source":[],"type":{}}',
      '['.repeat(5000),
      '['.repeat(200) + ']'.repeat(200),
      '{"a":'.repeat(300) + '1' + '}'.repeat(300),
      `{"a":"${'x'.repeat(9000)}"}`,
      `[${'{},'.repeat(120)}{}]`,
      '{}\n'.repeat(120),
      `{"k${SECRET}":1}`,
    ),
  },
)

/** The good event with bytes changed, dropped, doubled or cut. */
function mutated(): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(good.length - 1), fc.nat(30), fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '\\u', '\0', '9'.repeat(30), 'é', '\ud800'))
    .map(([at, drop, put]) => good.slice(0, at) + put + good.slice(at + drop))
}

const noise = fc.string({ unit: fc.constantFrom(...' !"#%&()*,-./0Aaz;=@[]^`{|}~\xe9\t'), maxLength: 20 })
const headers = fc.dictionary(
  fc.constantFrom(
    'content-type',
    'content-encoding',
    'ce-specversion',
    'ce-id',
    'ce-type',
    'ce-source',
    'ce-',
    'ce-__proto__',
    'prefer',
    'idempotency-key',
    'x-idempotency-key',
    'authorization',
    'x-api-key',
    'x-audit-purpose',
    'x-amz-object-lock-mode',
    'accept',
    'content-length',
  ),
  fc.oneof(
    noise,
    fc.constantFrom(
      'application/json',
      'application/x-ndjson',
      'application/cloudevents+json',
      'application/cloudevents-batch+json',
      'text/plain',
      'gzip',
      'br',
      '1.0',
      'respond-async',
      'Bearer st_ingest',
      'Basic Og==',
      '%FF',
      '-1',
      '1e9',
    ),
  ),
  { maxKeys: 4 },
)
const ROUTES = [
  '/api/v1/events',
  '/api/v1/events?trail=notifications',
  '/api/v1/events?receipts=full',
  '/api/v1/compliance/notifications',
  '/api/v1/sources/eventbridge',
]

const tally = new Map<string, number>()
const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1)

function isSendable([name, value]: [string, string]): boolean {
  try {
    return new Headers({ [name]: value }).has(name)
  } catch {
    return false
  }
}

async function check(double: ReturnType<typeof recorder>, path: string, body: string, given: Record<string, string>, zipped: boolean): Promise<void> {
  const sent = zipped ? gzipSync(body) : Buffer.from(body)
  const before = double.submitted.length
  const answer = await double.app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer('ingest'), ...given, ...(zipped ? { 'content-encoding': 'gzip' } : {}) },
    body: sent,
  })
  const told = await answer.text()
  const label = `${path} ${JSON.stringify(given)} ${JSON.stringify(body.slice(0, 200))} → ${answer.status} ${told.slice(0, 200)}`
  assert.ok(answer.status < 500 || path.includes('/sources/'), label)
  assert.ok(!told.includes(SECRET), label)
  count(String(answer.status))
  if (answer.status >= 400) {
    const document = JSON.parse(told) as Record<string, unknown>
    assert.equal(answer.headers.get('content-type'), 'application/problem+json', label)
    assert.deepEqual([document['status'], document['type']], [answer.status, `urn:sealtrail:error:${document['code'] as string}`], label)
    assert.equal(double.submitted.length, before, `stored although refused: ${label}`)
  } else {
    const results = JSON.parse(told) as InputResult | InputResult[]
    const inputs = double.submitted.at(-1)?.inputs ?? []
    const list = Array.isArray(results) ? results : [results]
    assert.equal(list.length, inputs.length, label)
    inputs.forEach((input, i) => assert.equal(list[i]?.outcome, input.problem === null ? 'sealed' : 'quarantined', label))
    if (inputs.some((input) => input.problem !== null)) count('quarantined')
    for (const input of inputs) assert.ok(!(input.problem?.message ?? '').includes(SECRET), label)
  }
}

test('10,000 malformed requests', async () => {
  const double = recorder({ maxBodyBytes: 1 << 16, maxEventBytes: 8192, maxDepth: 64, maxEvents: 100 })
  const runs = process.env['SLOW'] === '1' ? 100_000 : 10_000
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ROUTES), text, headers, fc.boolean(), async (path, body, given, zipped) => {
      const sendable = Object.fromEntries(Object.entries(given).filter(isSendable))
      await check(double, path, body, sendable, zipped)
      double.submitted.splice(0, double.submitted.length - 1)
      double.asked.length = 0
    }),
    { numRuns: runs, endOnFailure: true },
  )
  // Not a test of one door only: every kind of answer was seen often.
  for (const [what, least] of [
    ['200', 500],
    ['201', 500],
    ['400', 500],
    ['401', 50],
    ['413', 50],
    ['415', 50],
    ['503', 10],
    ['quarantined', 1000],
  ] as const)
    assert.ok((tally.get(what) ?? 0) >= least, `${what}: ${tally.get(what)}`)
  assert.ok(!double.lines.join('').includes(SECRET))
  assert.equal(({} as Record<string, unknown>)['x'], undefined)
})

test('queries of any shape are answered', async () => {
  const double = recorder()
  const name = fc.constantFrom('message_uuid', 'at', 'from', 'to', 'limit', 'cursor', 'log', '__proto__', 'constructor', 'x')
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        '/api/v1/audit/notifications',
        '/api/v1/audit/interactions/c/state',
        '/api/v1/records',
        '/api/v1/quarantine',
        '/api/v1/audit/interactions/%F0%9F',
        '/log/%00/checkpoint',
      ),
      fc.array(fc.tuple(name, fc.string({ maxLength: 12 }))),
      async (path, pairs) => {
        const search = pairs.map(([k, v]) => `${k}=${v.replace(/[#\s]/g, '%zz')}`).join('&')
        const answer = await double.app.request(`${path}?${search}`, { headers: bearer('auditor') })
        assert.ok([200, 400, 404].includes(answer.status), `${path} ${search} ${answer.status}`)
        if (answer.status !== 200) assert.equal(answer.headers.get('content-type'), 'application/problem+json')
      },
    ),
    { numRuns: 1000 },
  )
})
