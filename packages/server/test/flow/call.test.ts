// A call with a transfer: eighteen events, out of order, again and again, in every shape a request may have.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { callEvents, EXPECTED, HANDED_ON, PARTIES, PERSON, PERSONAL } from './fixtures/call.ts'
import type { Party } from './fixtures/call.ts'
import { grep, grepAll, randomFrom, ROOT, shuffled, World } from './harness.ts'

const bodyOf = (event: JsonObject): JsonObject => (event['detail'] as JsonObject)['eventBody'] as JsonObject
const timeOf = (event: JsonObject): number => Number(bodyOf(event)['eventTime'])
const iso = (ms: number): string => new Date(ms).toISOString()

type Shape = 'eventbridge' | 'array' | 'ndjson' | 'cloudevents'
const SHAPES: readonly Shape[] = ['eventbridge', 'array', 'ndjson', 'cloudevents']

/** A CloudEvents route: another id, another source, another time; the same event. */
const wrapped = (event: JsonObject, n: number): JsonObject => ({
  specversion: '1.0',
  id: `relay-${n}`,
  source: 'https://relay.example/genesys',
  type: 'genesys.notification',
  time: iso(timeOf(event) + n),
  data: event,
})

/** Sends every event twice in each shape, all mixed; resolves to how the deliveries ended. */
async function deliver(world: World, events: readonly JsonObject[], seed: number): Promise<Record<string, number>> {
  const random = randomFrom(seed)
  const outcomes: Record<string, number> = {}
  const took = (result: JsonObject): void => void (outcomes[String(result['outcome'])] = (outcomes[String(result['outcome'])] ?? 0) + 1)
  const deliveries = shuffled(
    SHAPES.flatMap((shape) => [...events, ...events].map((event) => ({ shape, event }))),
    random,
  )
  for (let n = 0; deliveries.length > 0; n++) {
    const shape = SHAPES[Math.floor(random() * SHAPES.length)] as Shape
    const most = shape === 'eventbridge' ? 1 : 1 + Math.floor(random() * 9)
    const taken: JsonObject[] = []
    for (let i = deliveries.length - 1; i >= 0 && taken.length < most; i--) if (deliveries[i]!.shape === shape) taken.push(deliveries.splice(i, 1)[0]!.event)
    if (taken.length === 0) continue
    if (shape === 'eventbridge') {
      const { status, body } = await world.send('/api/v1/sources/eventbridge', taken[0], {
        role: 'ingest',
        headers: { authorization: '', 'x-api-key': world.tokens.get('ingest') as string },
      })
      assert.equal(status, 200)
      took(body)
      continue
    }
    const [type, text] =
      shape === 'array'
        ? ['application/json', JSON.stringify(taken)]
        : shape === 'ndjson'
          ? ['application/x-ndjson', taken.map((event, i) => JSON.stringify(i % 2 === 0 ? event : event['detail'])).join('\n')]
          : ['application/cloudevents-batch+json', JSON.stringify(taken.map((event, i) => wrapped(event, n * 10 + i)))]
    const { status, body } = await world.send('/api/v1/events', text, { role: 'ingest', headers: { 'content-type': type } })
    assert.equal(status, 200)
    const results = body as unknown as JsonObject[]
    assert.equal(results.length, taken.length)
    results.forEach(took)
  }
  return outcomes
}

/** Records, order, numbers, and the state at, just before and between all events. */
async function checkCall(world: World, events: readonly JsonObject[]): Promise<void> {
  const id = String(bodyOf(events[0] as JsonObject)['conversationId'])
  const inOrder = [...events].sort((a, b) => timeOf(a) - timeOf(b))
  const { status, body } = await world.get(`/api/v1/audit/interactions/${id}`)
  assert.equal(status, 200)
  const records = body['records'] as JsonObject[]
  assert.deepEqual(
    records.map((record) => record['subjectsequence']),
    Array.from({ length: 18 }, (_, i) => i + 1),
  )
  assert.deepEqual(
    records.map((record) => record['type']),
    EXPECTED.map(({ topic }) => `com.genesys.cloud.conversation.${topic}`),
  )
  assert.deepEqual(
    records.map((record) => record['time']),
    inOrder.map((event) => iso(timeOf(event))),
  )
  assert.ok(records.every((record) => record['late'] === false))
  assert.deepEqual([body['closed'], body['gaps'], body['next'], body['problems']], [true, [], null, undefined])
  assert.equal(new Set(records.map((record) => record['auditid'])).size, 18)

  const ids: string[] = []
  for (const event of inOrder) {
    const participant = bodyOf(event)['participantId'] as string
    if (!ids.includes(participant)) ids.push(participant)
  }
  const idOf = (party: Party): string => ids[PARTIES.indexOf(party)] as string
  const stateAt = (ms: number): ReturnType<World['get']> => world.get(`/api/v1/audit/interactions/${id}/state?at=${iso(ms)}`)

  assert.equal((await stateAt(timeOf(inOrder[0] as JsonObject) - 1)).status, 404)
  const now = new Map<Party, { state: string; since: string }>()
  for (const [n, event] of inOrder.entries()) {
    const { state, changes = {} } = EXPECTED[n]!
    for (const [party, to] of Object.entries(changes) as Array<[Party, string]>) now.set(party, { state: to, since: iso(timeOf(event)) })
    const from = timeOf(event)
    const until = n + 1 < inOrder.length ? timeOf(inOrder[n + 1] as JsonObject) - 1 : from + 86_400_000
    for (const ms of new Set([from, Math.floor((from + until) / 2), until])) {
      const { status: known, body: at } = await stateAt(ms)
      assert.equal(known, 200)
      assert.deepEqual([at['id'], at['at'], at['state'], at['subjectsequence']], [id, iso(ms), state, n + 1], `after ${n + 1} events`)
      const participants = at['participants'] as JsonObject[]
      assert.deepEqual(
        participants.map((each) => [each['participantId'], each['state'], each['since']]),
        [...now].map(([party, { state: is, since }]) => [idOf(party), is, since]),
        `after ${n + 1} events`,
      )
    }
  }
  const last = (await stateAt(timeOf(inOrder[17] as JsonObject))).body['participants'] as JsonObject[]
  assert.deepEqual(
    last.map((each) => [each['participantId'], (each['transfer'] as JsonObject | null)?.['kind'] ?? null, each['transferredFrom']]),
    PARTIES.map((party) => [idOf(party), HANDED_ON[party].transfer, HANDED_ON[party].from === null ? null : idOf(HANDED_ON[party].from as Party)]),
  )
}

test('eighteen events shuffled, twice each in four shapes: eighteen records in order, the state right at every instant, no personal value on the disk', async () => {
  const world = await World.open()
  try {
    const seeds = [1, 2, 3]
    for (const seed of seeds) assert.deepEqual(await deliver(world, callEvents(seed), seed), { held: 18, duplicate: 126 })
    // Held and not sealed: in journal and vault only.
    assert.deepEqual(await grepAll(world.data, PERSONAL), [])
    await world.flush()
    for (const seed of seeds) await checkCall(world, callEvents(seed))
    assert.equal((await world.records('interactions')).length, 54)
    // Sent once more when all is sealed.
    assert.deepEqual(await deliver(world, callEvents(2), 9), { duplicate: 144 })
    await world.flush()
    assert.equal((await world.records('interactions')).length, 54)

    // Whoever may, still sees the values; whoever may not, does not.
    const id = String(bodyOf(callEvents(1)[0] as JsonObject)['conversationId'])
    const seen = (await world.get(`/api/v1/audit/interactions/${id}`)).text
    for (const value of Object.values(PERSON)) assert.ok(seen.includes(value), value)
    for (const role of ['auditor'] as const) assert.deepEqual(grep(role, (await world.get(`/api/v1/audit/interactions/${id}`, role)).text, PERSONAL), [])

    const metrics = (await world.get('/metrics')).text
    assert.match(metrics, /sealtrail_inputs_total\{trail="interactions",outcome="held"\} 54/)
    assert.deepEqual(grep('metrics', metrics, PERSONAL), [])
    assert.deepEqual(grep('log', world.lines.join(''), PERSONAL), [])
    assert.deepEqual(await grepAll(world.data, PERSONAL), [])
    assert.deepEqual(await world.closeAndAudit(), [])
    assert.deepEqual(await grepAll(world.data, PERSONAL), [])
    // The search would have seen them: what is plain is found, in the unpacked segments only.
    const found = await grepAll(world.data, [id])
    assert.ok(found.length > 0 && found.some((each) => each.startsWith('interactions/segment/')))
  } finally {
    await world.end()
  }
})

test('a call is released by itself once every session has ended', async () => {
  const world = await World.open('trails: { interactions: { sequence: { settle: 1500ms, quiet: 20s, hold: 30s } } }', { timed: true })
  try {
    const events = callEvents(50)
    // One by one: what completes the call brings its release forward.
    const answers = await Promise.all(shuffled(events, randomFrom(4)).map((event) => world.send('/api/v1/events', event)))
    assert.ok(answers.every(({ status, headers }) => status === 202 && headers.get('location') !== null))
    const id = String(bodyOf(events[0] as JsonObject)['conversationId'])
    for (let tries = 0; (await world.get(`/api/v1/audit/interactions/${id}`)).status === 404 && tries < 500; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    await checkCall(world, events)
    assert.deepEqual(await world.closeAndAudit(), [])
  } finally {
    await world.end()
  }
})

test('held events outlive a restart; a straggler is sealed late and stands in its place', async () => {
  const world = await World.open()
  try {
    const whole = callEvents(60)
    assert.equal((await world.send('/api/v1/events', whole.slice(0, 9))).status, 200)
    await world.restart()
    const results = (await world.send('/api/v1/events', shuffled(whole, randomFrom(6)))).body as unknown as JsonObject[]
    assert.equal(results.filter((each) => each['outcome'] === 'duplicate').length, 9)
    await world.flush()
    await checkCall(world, whole)

    const events = callEvents(61)
    const straggler = events[4] as JsonObject // the first time in a queue
    await world.send(
      '/api/v1/events',
      events.filter((event) => event !== straggler),
    )
    await world.flush()
    const late = await world.send('/api/v1/events', straggler)
    assert.equal(late.status, 202)
    await world.flush()
    const id = String(bodyOf(straggler)['conversationId'])
    const { body } = await world.get(`/api/v1/audit/interactions/${id}`)
    const records = body['records'] as JsonObject[]
    assert.deepEqual(
      records.map((record) => record['type']),
      EXPECTED.map(({ topic }) => `com.genesys.cloud.conversation.${topic}`),
    )
    assert.deepEqual(
      records.map((record) => [record['subjectsequence'], record['late']]),
      [1, 2, 3, 4, 18, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17].map((n) => [n, n === 18]),
    )
    assert.deepEqual(body['gaps'], [])
    const at = await world.get(`/api/v1/audit/interactions/${id}/state?at=${iso(timeOf(straggler) + 10)}`)
    assert.deepEqual([at.body['state'], at.body['subjectsequence']], ['queued', 18])
    assert.deepEqual(await world.closeAndAudit(), [])
  } finally {
    await world.end()
  }
})

const SHARED = join(ROOT, '../shared/payloads')
const shared = existsSync(SHARED) ? readdirSync(SHARED).filter((name) => name.startsWith('genesys-eb-call-')) : []

test('the same with the sample payloads beside the checkout', { skip: shared.length === 0 && 'there are none' }, async () => {
  const world = await World.open()
  try {
    const events = shared.map((name) => JSON.parse(readFileSync(join(SHARED, name), 'utf8')) as JsonObject)
    assert.equal(events.length, 18)
    assert.deepEqual(await deliver(world, events, 5), { held: 18, duplicate: 126 })
    await world.flush()
    await checkCall(world, events)
    const personal = new Set<string>()
    for (const body of events.map(bodyOf)) {
      for (const name of ['ani', 'dnis']) if (typeof body[name] === 'string') for (const from of [0, 4, 5, 6]) personal.add(body[name].slice(from))
      for (const name of ['wrapupNotes', 'externalContactId']) if (typeof body[name] === 'string' && body[name] !== '') personal.add(body[name])
      for (const [name, value] of Object.entries((body['attributes'] ?? {}) as JsonObject)) personal.add(name).add(String(value))
    }
    // Four letters may stand anywhere.
    const values = [...personal].filter((value) => value.length > 6)
    assert.ok(values.length > 10)
    assert.deepEqual(await grepAll(world.data, values), [])
    assert.deepEqual(grep('log', world.lines.join('') + (await world.get('/metrics')).text, values), [])
    assert.deepEqual(await world.closeAndAudit(), [])
    assert.deepEqual(await grepAll(world.data, values), [])
  } finally {
    await world.end()
  }
})
