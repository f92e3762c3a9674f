import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { SealtrailError } from '../../src/errors.ts'
import { decode, decodeAll, type Decoded } from '../../src/source/decode.ts'
import { inflate } from '../../src/source/inflate.ts'
import { mediaOf } from '../../src/source/media.ts'
import { splitArray, splitLines } from '../../src/source/split.ts'

const limits = { maxEventBytes: 4096, maxDepth: 16, maxEvents: 50 }
const request = (body: string | Buffer, headers: Record<string, string> = {}) => ({
  headers: new Headers({ 'content-type': 'application/json', ...headers }),
  body: Buffer.from(body as string),
  limits,
  trail: null,
  receivedMs: 5,
  provenance: 'pushed' as const,
})
const run = (body: string | Buffer, headers?: Record<string, string>): Decoded => decode(request(body, headers))
const codes = (decoded: Decoded): Array<string | null> => decoded.inputs.map((input) => input.problem?.code ?? null)
const throws = (work: () => unknown, code: string): void => assert.throws(work, (error) => error instanceof SealtrailError && error.code === code, code)

const cloudEvent = { specversion: '1.0', id: 'a-1', source: '/calls', type: 'call.started', data: { eventId: 'e1' } }
const lines = { 'content-type': 'application/x-ndjson' }
const structured = { 'content-type': 'application/cloudevents+json' }
const batch = { 'content-type': 'application/cloudevents-batch+json' }

test('one object is one, an array or lines are many even of one', () => {
  assert.deepEqual(run('{"a":1}').many, false)
  assert.equal(run('[{"a":1}]').many, true)
  assert.equal(run('{"a":1}', lines).many, true)
  assert.equal(run(JSON.stringify([cloudEvent]), batch).many, true)
  assert.equal(run(JSON.stringify(cloudEvent), structured).many, false)
  assert.equal(run('[]').inputs.length, 0)
  assert.equal(run('', lines).inputs.length, 0)
})

test('inputs keep their own bytes, order, receive time and value', () => {
  const { inputs } = run(' [ {"a":1} ,\n{"b":"],["} ,{"c":[1,2]}]\n')
  assert.deepEqual(
    inputs.map((i) => Buffer.from(i.bytes).toString()),
    ['{"a":1}', '{"b":"],["}', '{"c":[1,2]}'],
  )
  assert.deepEqual(
    inputs.map((i) => i.value),
    [{ a: 1 }, { b: '],[' }, { c: [1, 2] }],
  )
  assert.deepEqual(
    inputs.map((i) => i.receivedMs),
    [5, 5, 5],
  )
})

test('one bad element is quarantined, its neighbours are unharmed, in every request shape', () => {
  const bad = [
    '{"a":1,"a":2}',
    '{"a":"\\ud800"}',
    '{"a":9007199254740993}',
    '{"a":1e400}',
    '{a:1}',
    '{"...":"x"}',
    '{"_sd":[]}',
    '7',
    'null',
    '"text"',
    '[1]',
    `${'['.repeat(20)}${']'.repeat(20)}`,
    `{"a":"${'x'.repeat(5000)}"}`,
  ]
  const want = [
    'NOT_I_JSON',
    'NOT_I_JSON',
    'NOT_I_JSON',
    'NOT_I_JSON',
    'NOT_JSON',
    'RESERVED_KEY',
    'RESERVED_KEY',
    'UNMATCHED',
    'UNMATCHED',
    'UNMATCHED',
    'UNMATCHED',
    'TOO_DEEP',
    'TOO_LARGE',
  ]
  bad.forEach((text, i) => {
    const expected = [null, want[i], null]
    assert.deepEqual(codes(run(`[{"x":1},${text},{"y":2}]`)), expected, text)
    assert.deepEqual(codes(run(`{"x":1}\n${text}\n{"y":2}\n`, lines)), expected, text)
    const kept = run(`[${text}]`).inputs[0]
    assert.equal(Buffer.from(kept?.bytes ?? []).toString(), text)
    assert.equal(kept?.value, null)
  })
})

test('a single event that is JSON but not I-JSON is quarantined; what is no JSON is turned away', () => {
  assert.deepEqual(codes(run('{"a":1,"a":2}')), ['NOT_I_JSON'])
  assert.deepEqual(codes(run('42')), ['UNMATCHED'])
  assert.deepEqual(codes(run(Buffer.from('{"name":"Zo\xeb"}', 'latin1'))), ['NOT_I_JSON'])
  for (const body of ['', ' ', '{', '{"a":1', '[{"a":1}', '[{"a":1}]x', '<xml/>', '{"a":1}}', '{"a":1} trailing', '\0']) throws(() => run(body), 'NOT_JSON')
  throws(() => run(`{"a":"${'x'.repeat(5000)}"}`), 'TOO_LARGE')
  throws(() => run(`[${'1,'.repeat(50)}1]`), 'TOO_LARGE')
  throws(() => run('{}\n'.repeat(51), lines), 'TOO_LARGE')
})

test('several lines of JSON under a JSON content type are lines; a pretty-printed object is one', () => {
  assert.deepEqual(codes(run('{"a":1}\r\n\r\n{"b":2}\r\n')), [null, null])
  assert.equal(run('{\n "a": 1\n}\n').many, false)
  throws(() => run('{\n "a": 1,\n}\n'), 'NOT_JSON')
  assert.equal(run(`\ufeff{"a":1}`).inputs[0]?.problem, null)
})

test('prototype keys stay data', () => {
  const { inputs } = run('[{"__proto__":{"polluted":1},"constructor":{"prototype":1}}]')
  assert.ok(Object.hasOwn(inputs[0]?.value as object, '__proto__'))
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  const event = run(JSON.stringify(cloudEvent).replace('{', '{"__proto__":"x","constructor":"y",'), structured).inputs[0]
  assert.equal(event?.context?.['constructor'], 'y')
  assert.equal(Object.hasOwn(event?.context ?? {}, '__proto__'), false)
})

test('a CloudEvent reads the same in structured, batch and binary mode, in an array and on a line', () => {
  const text = JSON.stringify(cloudEvent)
  const ways = [
    run(text, structured),
    run(`[${text}]`, batch),
    run(`[${text}]`),
    run(text, lines),
    run(text),
    run('{"eventId":"e1"}', { 'ce-specversion': '1.0', 'ce-id': 'a-1', 'ce-source': '/calls', 'ce-type': 'call.started' }),
    run(JSON.stringify({ ...cloudEvent, data: undefined, data_base64: Buffer.from('{"eventId":"e1"}').toString('base64') }), structured),
  ]
  for (const { inputs } of ways) {
    const [input] = inputs
    assert.equal(input?.problem, null)
    assert.deepEqual(input?.value, { eventId: 'e1' })
    const { datacontenttype: _, ...context } = input?.context ?? {}
    assert.deepEqual(context, { specversion: '1.0', id: 'a-1', source: '/calls', type: 'call.started' })
  }
})

test('binary mode: percent-decoded once, quoted strings unquoted; its bytes read back as the same event', () => {
  const headers = { 'ce-specversion': '1.0', 'ce-id': 'a%2520b', 'ce-source': '"/x \\" y"', 'ce-type': 't%C3%A9', 'ce-flag': 'true' }
  const [input] = run('{"eventId":"e1"}', headers).inputs
  assert.deepEqual(input?.context, { specversion: '1.0', id: 'a%20b', source: '/x " y', type: 'té', flag: 'true', datacontenttype: 'application/json' })
  const [again] = run(Buffer.from(input?.bytes ?? []), structured).inputs
  assert.deepEqual([again?.value, again?.context], [input?.value, input?.context])
})

test('binary mode: what cannot be decoded or is missing is quarantined, naming the header only', () => {
  const base = { 'ce-specversion': '1.0', 'ce-id': 'a', 'ce-source': '/s', 'ce-type': 't' }
  for (const [name, value] of [
    ['ce-id', '%FF'],
    ['ce-id', '%C3'],
    ['ce-id', '%'],
    ['ce-subject', 'Zo\xeb'],
  ] as const) {
    const [input] = run('{}', { ...base, [name]: value }).inputs
    assert.equal(input?.problem?.code, 'UNMAPPABLE')
    assert.match(input?.problem?.message ?? '', new RegExp(name))
    assert.ok(!(input?.problem?.message ?? '').includes(value))
  }
  const { 'ce-id': _, ...missing } = base
  assert.deepEqual(codes(run('{}', missing)), ['UNMAPPABLE'])
  assert.deepEqual(codes(run('{}', { ...base, 'ce-specversion': '0.3' })), ['UNMAPPABLE'])
  assert.deepEqual(codes(run('{"a":1,"a":2}', base)), ['NOT_I_JSON'])
  throws(() => run('{', base), 'NOT_JSON')
})

test('structured mode and batch: required attributes; data that is no object leaves the envelope', () => {
  for (const name of ['specversion', 'id', 'source', 'type']) {
    const { [name]: _, ...rest } = cloudEvent as Record<string, unknown>
    assert.deepEqual(codes(run(JSON.stringify(rest), structured)), ['UNMAPPABLE'])
    assert.deepEqual(codes(run(JSON.stringify([cloudEvent, rest]), batch)), [null, 'UNMAPPABLE'])
  }
  const bare = run(JSON.stringify({ ...cloudEvent, data: 'text', subject: null, n: 5 }), structured).inputs[0]
  assert.equal(bare?.value?.['data'], 'text')
  assert.deepEqual(bare?.context, { specversion: '1.0', id: 'a-1', source: '/calls', type: 'call.started', n: '5' })
  throws(() => run('{}', batch), 'NOT_JSON')
})

test('an object that only looks like a CloudEvent stays what it is', () => {
  const { inputs } = run('[{"specversion":"2.0","id":"x"}]')
  assert.equal(inputs[0]?.context, null)
  assert.equal(inputs[0]?.problem, null)
})

test('content types', () => {
  for (const type of ['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;charset="UTF-8"', 'text/plain', 'application/vnd.x+json'])
    assert.equal(mediaOf(type), 'json')
  assert.equal(mediaOf(null), 'json')
  assert.equal(mediaOf('application/cloudevents+json; charset=utf-8'), 'cloudevent')
  for (const type of [
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/cloudevents+avro',
    'application/json; charset=utf-16',
    'application/x-www-form-urlencoded',
    'x',
  ])
    throws(() => mediaOf(type), 'UNSUPPORTED_MEDIA_TYPE')
})

test('for platforms nothing is thrown: a body that cannot be told apart is one input with its problem', () => {
  for (const [body, headers, code] of [
    ['{', {}, 'NOT_JSON'],
    ['[{}', {}, 'NOT_JSON'],
    [`{"a":"${'x'.repeat(5000)}"}`, {}, 'TOO_LARGE'],
    ['x', { 'content-type': 'text/html' }, 'UNSUPPORTED_MEDIA_TYPE'],
  ] as const) {
    const inputs = decodeAll(request(body, headers))
    assert.deepEqual(
      inputs.map((i) => i.problem?.code),
      [code],
    )
    assert.equal(Buffer.from(inputs[0]?.bytes ?? []).toString(), body)
  }
})

test('content codings, bounded', async () => {
  const text = Buffer.from(JSON.stringify({ a: 'x'.repeat(3000) }))
  for (const [coding, bytes] of [
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['GZIP', gzipSync(text)],
  ] as const) {
    assert.deepEqual(await inflate(bytes, coding, 4096), text)
    await assert.rejects(inflate(bytes, coding, 3000), { code: 'TOO_LARGE' })
    await assert.rejects(inflate(bytes.subarray(0, bytes.length - 3), coding, 4096), { code: 'BAD_REQUEST' })
  }
  for (const coding of ['compress', 'gzip, gzip', 'toString', '__proto__']) await assert.rejects(inflate(text, coding, 9999), { code: 'UNSUPPORTED_ENCODING' })
  const bomb = gzipSync(Buffer.alloc(1 << 28))
  const before = process.memoryUsage().arrayBuffers
  await assert.rejects(inflate(bomb, 'gzip', 1 << 20), { code: 'TOO_LARGE' })
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 24)
})

test('property: an array is split where JSON says, whatever the elements and the white space', () => {
  const space = fc.array(fc.constantFrom(' ', '\n', '\t', '\r'), { maxLength: 2 }).map((s) => s.join(''))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.json(), space, space), { maxLength: 8 }), (elements) => {
      const body = Buffer.from(`[${elements.map(([json, a, b]) => `${a}${json}${b}`).join(',')}]`)
      const spans = splitArray(body, 100)
      assert.deepEqual(
        spans?.map((s) => JSON.parse(body.subarray(s.from, s.to).toString())),
        elements.map(([json]) => JSON.parse(json)),
      )
    }),
  )
})

test('property: no bytes make splitting or decoding do anything but answer or throw its own error', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('application/json', 'application/x-ndjson', 'application/cloudevents+json', 'application/cloudevents-batch+json'),
      (bytes, type) => {
        splitArray(bytes, 3)
        splitLines(Buffer.from(bytes), 3)
        try {
          run(Buffer.from(bytes), { 'content-type': type })
        } catch (error) {
          assert.ok(error instanceof SealtrailError)
        }
      },
    ),
    { numRuns: 500 },
  )
})
