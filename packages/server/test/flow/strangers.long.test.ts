// Ten thousand requests and lines no sender should ever send, to the whole server.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { callEvents } from './fixtures/call.ts'
import { grep, grepAll, randomFrom, World } from './harness.ts'
import type { Answer } from './harness.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const NAME = 'Xanthippe Quorn-Abernathy'
const PHONE = '+442079460877'
const MAIL = 'xanthippe@quorn.example'
const SECRETS = [NAME, 'Quorn-Abernathy', PHONE, PHONE.slice(1), PHONE.slice(3), MAIL]
const OUTCOMES = new Set(['sealed', 'held', 'duplicate', 'filtered', 'quarantined', 'refused'])
/** Keeps what is personal out of reach of a cut that would join it to a plain field before it. */
const MOAT = 'm'.repeat(60)

const flat = (n: number, more: JsonObject = {}): JsonObject => ({
  message_uuid: `s-${n}`,
  delivery_status: 'READ',
  communication_type: 'outbound_message_status_update',
  carrier_error_code: null,
  [MOAT]: MOAT,
  customer_external_id: NAME,
  recipient_address: PHONE,
  ...more,
})
const plain = (n: number): JsonObject => ({
  eventId: `e-${n}`,
  timestamp: '2026-01-02T03:04:05Z',
  eventType: 'call.stateChange',
  interactionId: `i-${n % 50}`,
  payload: { state: 'queued', [MOAT]: MOAT, attributes: { [MOAT]: MOAT, [NAME]: PHONE, who: NAME }, phoneNumber: PHONE, emailAddress: MAIL },
})
const CALLS = Array.from({ length: 40 }, (_, n) => callEvents(900 + n))
function topic(n: number): JsonObject {
  const event = structuredClone(CALLS[n % 40]?.[n % 18]) as JsonObject
  const body = (event['detail'] as JsonObject)['eventBody'] as JsonObject
  Object.assign(body, { ani: `tel:${PHONE}`, [MOAT]: MOAT, wrapupNotes: `${NAME} ${MAIL}`, attributes: { [MOAT]: MOAT, who: NAME } })
  return event
}

/** Stand-ins for texts JSON.stringify cannot write. */
const RAW: Readonly<Record<string, string>> = {
  '@big': '1234567890123456789',
  '@bigger': '-9007199254740993',
  '@infinite': '1e999',
  '@tiny': '1e-400',
  '@lone': '"\\ud800"',
  '@pair': '"\\udc00\\ud800"',
  '@twice': `{"a":"${NAME}","a":2}`,
  '@proto': `{"__proto__":{"polluted":"${NAME}"}}`,
  '@deep': `${'['.repeat(90)}"${NAME}"${']'.repeat(90)}`,
  '@deeper': `${'{"a":'.repeat(400)}1${'}'.repeat(400)}`,
  '@dots': `{"...":"${NAME}"}`,
  '@sd': `{"_sd":["${NAME}"],"_sd_alg":"sha-256"}`,
  '@nan': 'NaN',
  '@zero': '-0',
  '@octal': '01',
}
const WEIRD: readonly JsonValue[] = [
  ...Object.keys(RAW),
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  9007199254740991,
  '',
  ' ',
  '\0',
  '\u2028',
  NAME,
  PHONE,
  MAIL,
  [],
  {},
  [[]],
  [NAME],
  { [NAME]: NAME },
  { [PHONE]: 1 },
  'x'.repeat(3_000),
  new Array<JsonValue>(500).fill(1),
  Array.from({ length: 50 }, () => ({})),
  { constructor: { prototype: { polluted: 1 } } },
  { toString: 1, valueOf: NAME, hasOwnProperty: 2 },
  Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, NAME])),
  '2026-13-45T99:99:99Z',
  '{{event.id}}',
  '${x}',
  'tel:',
  'conversation/../../etc',
  'é'.repeat(700),
]

const write = (value: JsonValue): string => JSON.stringify(value).replace(/"(@[a-z]+)"/g, (text, name: string) => RAW[name] ?? text)

function generator(seed: number): { next: (n: number) => string; random: () => number; pick: <T>(from: readonly T[]) => T } {
  const random = randomFrom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T

  /** Puts something weird in the place of any member or element, also under another key. */
  function bent(event: JsonObject): JsonObject {
    const places: Array<[JsonObject, string]> = []
    const visit = (value: JsonValue | undefined): void => {
      if (typeof value !== 'object' || value === null) return
      for (const key of Object.keys(value)) {
        places.push([value as JsonObject, key])
        visit((value as JsonObject)[key])
      }
    }
    visit(event)
    for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
      const [holder, key] = pick(places)
      // A name alone under a plain field's name stays there: that is what plain means.
      const value = pick(WEIRD)
      const personal = JSON.stringify(value).includes('Quorn')
      const how = random()
      if (how < 0.15) holder[pick(['__proto__x', 'constructor', NAME, PHONE, '', '\u0000', 'toString', `new field ${key}`])] = value
      else if (how < 0.3) delete holder[key]
      else if (!personal) holder[key] = value
      else holder[`unheard_${key.replace(/\W/g, '')}`] = value
    }
    return event
  }

  function cut(text: string): string {
    const at = Math.floor(random() * text.length)
    const put = pick(['', '', '"', '{', '}', '[', ']', ',', ':', '\\', '\\u', '\0', '9'.repeat(30), 'é', '\ud800', '\ufeff', ' '])
    return text.slice(0, at) + put + text.slice(at + Math.floor(random() * 25))
  }

  const ODDITIES = [
    ...Object.values(RAW),
    '',
    '{',
    '}',
    '[',
    ']',
    '"',
    '""',
    'null',
    'true',
    '0',
    '-',
    '{}',
    '[]',
    '[[]]',
    '\ufeff{}',
    "{'a':1}",
    '{"a":1,}',
    '//',
    '\0\0\0',
    `"${NAME}"`,
    NAME,
    `{"specversion":"1.0","id":"${PHONE}","source":"x","type":{}}`,
    `{"specversion":"1.0","id":"a","source":"x","type":"t","data_base64":"${Buffer.from(NAME).toString('base64')}"}`,
    '{"":""}',
    `<xml>${NAME}</xml>`,
    `a=${PHONE}&b=c`,
  ]
  return {
    random,
    pick,
    next(n) {
      const event = pick([flat, plain, topic])(n)
      const how = random()
      return how < 0.45 ? write(bent(event)) : how < 0.8 ? cut(write(event)) : how < 0.85 ? write(event) : pick(ODDITIES)
    },
  }
}

describe('strangers', () => {
  let world: World
  const tally = new Map<string, number>()
  const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1)
  before(async () => {
    world = await World.open('limits: { maxBody: 1MiB, maxEvent: 64KiB }')
  })
  after(() => world.end())

  function check(answer: Answer, label: () => string): void {
    count(String(answer.status))
    assert.ok([200, 201, 202, 400, 401, 409, 413, 415, 422, 503].includes(answer.status), `${answer.status} ${answer.text} ${label()}`)
    const found = grep('answer', answer.text, SECRETS)
    assert.deepEqual(found, [], label())
    if (answer.status >= 400) {
      assert.equal(answer.headers.get('content-type'), 'application/problem+json', label())
      assert.deepEqual([answer.body['status'], answer.body['type']], [answer.status, `urn:sealtrail:error:${String(answer.body['code'])}`], label())
      assert.notEqual(answer.body['code'], 'INTERNAL', label())
      count(String(answer.body['code']))
    }
    for (const result of Array.isArray(answer.body) ? (answer.body as JsonObject[]) : answer.status < 400 ? [answer.body] : []) {
      assert.ok(OUTCOMES.has(String((result as JsonObject)['outcome'])), label())
      count(String((result as JsonObject)['outcome']))
      if (typeof (result as JsonObject)['code'] === 'string') count(String((result as JsonObject)['code']))
    }
  }

  it('2,000 single requests on all three ways in', async () => {
    const { next, pick, random } = generator(1)
    const paths = [
      '/api/v1/events',
      '/api/v1/events',
      '/api/v1/events?trail=notifications',
      '/api/v1/events?trail=constructor',
      '/api/v1/events?receipts=full',
      '/api/v1/compliance/notifications',
      '/api/v1/sources/eventbridge',
    ]
    const types = [
      'application/json',
      'application/json',
      'application/json',
      'application/cloudevents+json',
      'text/plain',
      'application/json; charset=latin1',
      'application/x-ndjson',
      'application/cloudevents-batch+json',
      'application/xml',
      '',
      'multipart/form-data',
    ]
    const extra: Array<Record<string, string>> = [
      {},
      {},
      {},
      {},
      { 'ce-specversion': '1.0', 'ce-id': PHONE, 'ce-type': 't', 'ce-source': encodeURIComponent(NAME) },
      { 'ce-specversion': '1.0', 'ce-__proto__': 'x' },
      { prefer: 'respond-async' },
      { 'x-idempotency-key': 'k'.repeat(300) },
      { 'content-encoding': 'br' },
      { 'content-length': '99999999' },
      { authorization: `Bearer ${PHONE}` },
    ]
    const one = async (n: number): Promise<void> => {
      const text = next(n)
      const [path, type, headers, zipped] = [pick(paths), pick(types), pick(extra), random() < 0.1]
      const bytes = Buffer.from(text)
      const answer = await world.send(path, zipped ? gzipSync(bytes) : bytes, {
        role: 'ingest',
        headers: { 'content-type': type, ...headers, ...(zipped ? { 'content-encoding': 'gzip' } : {}) },
      })
      if (answer.status === 404) return assert.deepEqual([answer.body['code'], path.includes('constructor')], ['UNKNOWN_TRAIL', true])
      check(answer, () => `${path} ${type} ${JSON.stringify(headers)} ${text.slice(0, 400)}`)
      if (path.includes('/sources/')) assert.ok([200, 401, 503].includes(answer.status), `${path} ${answer.status}`)
    }
    for (let n = 0; n < 2_000; n += 25) await Promise.all(Array.from({ length: 25 }, (_, i) => one(n + i)))
  })

  it('8,000 lines and elements, each with its own result', async () => {
    const { next } = generator(2)
    for (let n = 0; n < 33; n++) {
      const lines = Array.from({ length: 200 }, (_, i) => next(n * 200 + i).replace(/[\r\n]/g, ' ')).filter((line) => line.trim() !== '')
      const answer = await world.send('/api/v1/events', lines.join('\r\n'), { role: 'ingest', headers: { 'content-type': 'application/x-ndjson' } })
      check(answer, () => `lines ${n}`)
      assert.deepEqual([answer.status, (answer.body as unknown as unknown[]).length], [200, lines.length])
    }
    for (let n = 0; n < 10; n++) {
      const elements: string[] = []
      while (elements.length < 140) {
        const text = next(10_000 + n * 150 + elements.length)
        if (isBalanced(text)) elements.push(text)
      }
      const answer = await world.send('/api/v1/events', `[${elements.join(',')}]`, { role: 'ingest' })
      check(answer, () => `array ${n}`)
      assert.deepEqual([answer.status, (answer.body as unknown as unknown[]).length], [200, elements.length])
    }
  })

  it('bodies and events that are too large, too deep, too many', async () => {
    const sizes: Array<[text: string, status: number]> = [
      [`{"a":"${'x'.repeat(70_000)}"}`, 413],
      ['x'.repeat(1_100_000), 413],
      [`[${'{},'.repeat(10_000)}{}]`, 413],
      ['['.repeat(500_000), 400],
      [`{"a":${'['.repeat(30_000)}`, 201],
      [`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 201],
      [`{${Array.from({ length: 4_000 }, (_, i) => `"k ${i}":${i}`).join()}}`, 201],
      [JSON.stringify(flat(77_777, { big: Array.from({ length: 2_000 }, (_, i) => ({ [`k${i}`]: 'v' })) })), 201],
    ]
    for (const [text, status] of sizes) {
      const answer = await world.send('/api/v1/events', text, { role: 'ingest' })
      check(answer, () => text.slice(0, 100))
      assert.equal(answer.status, status, `${text.slice(0, 60)} ${answer.text}`)
    }
    const bomb = await world.send('/api/v1/events', gzipSync(Buffer.alloc(50_000_000, 32)), { role: 'ingest', headers: { 'content-encoding': 'gzip' } })
    assert.equal(bomb.status, 413)
    const mixed = await world.send('/api/v1/events', `{"a":"${'x'.repeat(70_000)}"}\n${write(flat(77_778))}`, {
      role: 'ingest',
      headers: { 'content-type': 'application/x-ndjson' },
    })
    assert.deepEqual(
      (mixed.body as unknown as JsonObject[]).map((each) => each['outcome']),
      ['quarantined', 'sealed'],
    )
  })

  it('afterwards it takes in events as before, has told nobody, has not grown, and its log verifies', async () => {
    const [sealed] = (await world.send('/api/v1/events', [flat(88_888)], { role: 'ingest' })).body as unknown as JsonObject[]
    assert.equal(sealed?.['outcome'], 'sealed')
    assert.equal((await world.get('/readyz')).status, 200)
    // Not a test of one door: every kind of end was seen often.
    for (const [what, least] of [
      ['201', 200],
      ['400', 100],
      ['413', 3],
      ['415', 50],
      ['401', 50],
      ['quarantined', 3_000],
      ['sealed', 500],
      ['held', 300],
      ['duplicate', 300],
      ['UNMATCHED', 300],
      ['NOT_JSON', 300],
      ['NOT_I_JSON', 100],
      ['RESERVED_KEY', 30],
      ['TOO_DEEP', 50],
      ['SCHEMA_BROKEN', 50],
      ['UNMAPPABLE', 20],
      ['EXPRESSION_FAILED', 1],
    ] as const) {
      assert.ok((tally.get(what) ?? 0) >= least, `${what}: ${tally.get(what)}; ${JSON.stringify([...tally])}`)
    }
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    await world.flush()
    const metrics = (await world.get('/metrics')).text
    assert.ok(metrics.split('\n').length < 600, 'senders do not make metrics')
    assert.deepEqual(grep('metrics', metrics, SECRETS), [])
    const log = world.lines.join('')
    assert.deepEqual(grep('log', log, SECRETS), [])
    assert.ok(!/"level":"error"/.test(log), log.split('\n').find((line) => line.includes('"level":"error"')) ?? '')
    gc()
    const { heapUsed, rss } = process.memoryUsage()
    assert.ok(heapUsed < 200 * 1024 ** 2 && rss < 900 * 1024 ** 2, `${Math.round(heapUsed / 1024 ** 2)} MiB heap, ${Math.round(rss / 1024 ** 2)} MiB resident`)
    assert.deepEqual(await grepAll(world.data, SECRETS), [])
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})

/** Whether brackets outside of strings close: then neighbours in an array are unharmed by whatever else is wrong. */
function isBalanced(text: string): boolean {
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (quoted) {
      if (c === '\\') i++
      else if (c === '"') quoted = false
    } else if (c === '"') quoted = true
    else if ('[{'.includes(c)) depth++
    else if (']}'.includes(c) && --depth < 0) return false
    else if (c === ',' && depth === 0) return false
  }
  return depth === 0 && !quoted && text.trim() !== ''
}
