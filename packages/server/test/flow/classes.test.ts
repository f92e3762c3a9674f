// Retention classes: the first event's tag says which log a subject's records go to, and nothing later changes that.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseRecord } from '@sealtrail/evidence'
import type { JsonObject } from '../../src/event/json.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import { randomFrom, World } from './harness.ts'
import type { Answer } from './harness.ts'

const DAY_MS = 86_400_000
const CLASSES = `
tenant: acme_eu
trails:
  notifications:
    retain:
      period: P30D
      classes:
        phi: { tags: [HIPAA, PHI_V2], period: P6Y }
        tcpa: { period: P4Y }
`
const [PLAIN, PHI, TCPA] = ['notifications', 'acme_eu.notifications.phi', 'acme_eu.notifications.tcpa']
const STATUSES = ['DELIVERED', 'READ', 'FAILED', 'EXPIRED'] as const

function receipt(message: string, status: string, tag: string | null, more: JsonObject = {}): JsonObject {
  return {
    message_uuid: message,
    delivery_status: status,
    communication_type: 'outbound_message_status_update',
    customer_external_id: `customer of ${message}`,
    carrier_error_code: null,
    ...(tag === null ? {} : { regulatory_tag: tag }),
    ...more,
  }
}

/** Where each message is, by its records in all logs; asserts that it is in one, numbered from 1 without a gap. */
async function whereIs(world: World): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const count = new Map<string, number>()
  for (const log of [PLAIN, PHI, TCPA])
    for await (const bytes of world.local.sealing.records.range(log, 0, world.local.sealing.sizes.get(log))) {
      const { subject, subjectsequence } = parseRecord(bytes)
      assert.equal(found.get(subject) ?? log, log, `${subject} is in one log`)
      found.set(subject, log)
      assert.equal(subjectsequence, (count.get(subject) ?? 0) + 1)
      count.set(subject, subjectsequence)
    }
  return found
}

describe('retention classes', () => {
  let world: World
  before(async () => {
    world = await World.open(CLASSES)
  })
  after(() => world.end())

  const post = (body: unknown): Promise<Answer> => world.send('/api/v1/events', body, { role: 'ingest' })
  const logOf = (answer: Answer): unknown => (answer.body['receipt'] as JsonObject | undefined)?.['log']

  /** Segments with a record of a subject that is kept longer. */
  async function longerOnes(log: string): Promise<string[]> {
    const { records, sizes, longer } = world.local.sealing
    const keys: string[] = []
    for (let index = 0; index < sizes.get(log); index++) {
      const bytes = (await records.record(log, index)) as Uint8Array
      if (longer.of(log, parseRecord(bytes).subject) !== null) keys.push((await records.segmentOf(log, index))?.key ?? '')
    }
    return keys
  }

  it('the tag of the first event chooses: its class, the longest for a tag nobody named, the trail’s own without one', async () => {
    assert.equal(logOf(await post(receipt('m-phi', 'DELIVERED', 'HIPAA'))), PHI)
    assert.equal(logOf(await post(receipt('m-case', 'DELIVERED', 'hipaa'))), PHI)
    assert.equal(logOf(await post(receipt('m-tcpa', 'DELIVERED', 'TCPA'))), TCPA)
    assert.equal(logOf(await post(receipt('m-unknown', 'DELIVERED', 'SOMETHING_NEW'))), PHI)
    assert.equal(logOf(await post(receipt('m-none', 'DELIVERED', null))), PLAIN)
  })

  it('later events follow, whatever their tag; the receipt names where, and a resend is told the same', async () => {
    const body = receipt('m-tcpa', 'READ', 'HIPAA')
    const later = await post(body)
    assert.deepEqual([later.status, logOf(later)], [201, TCPA])
    const again = await post(body)
    assert.deepEqual([again.status, logOf(again), again.headers.get('idempotent-replayed')], [200, TCPA, 'true'])
    assert.equal((again.body['receipt'] as JsonObject)['index'], (later.body['receipt'] as JsonObject)['index'])
    assert.equal(logOf(await post(receipt('m-phi', 'READ', null))), PHI)
    assert.equal(logOf(await post(receipt('m-none', 'READ', 'TCPA'))), PLAIN)
  })

  it('an event that asks for a longer class than its subject is in has the subject kept as long, once, before it is sealed', async () => {
    const flags = await world.system('flag')
    const facts = flags.map(({ log, subject, reason, class: asked, by }) => [log, subject, reason, asked, by])
    assert.deepEqual(facts.sort(), [
      [TCPA, 'm-tcpa', 'class', 'phi', 'sealtrail'],
      [PLAIN, 'm-none', 'class', 'tcpa', 'sealtrail'],
    ])
    const until = Date.parse(String(flags.find(({ subject }) => subject === 'm-tcpa')?.['until'])) - Date.now()
    assert.ok(until > 6 * 366 * DAY_MS - 60_000 && until <= 6 * 366 * DAY_MS + DAY_MS, String(until / DAY_MS))
    await post(receipt('m-tcpa', 'FAILED', 'HIPAA'))
    assert.equal((await world.system('flag')).length, 2)
  })

  it('events of one subject sent together, in one request and in many, stay together', async () => {
    const tags = [null, 'HIPAA', 'TCPA', 'OTHER']
    const random = randomFrom(7)
    const sent: Array<Promise<Answer>> = []
    for (let n = 0; n < 40; n++) {
      const order = [...STATUSES].sort(() => random() - 0.5)
      const events = order.map((status) => receipt(`m-${n}`, status, tags[Math.floor(random() * tags.length)] ?? null))
      if (n % 2 === 0) sent.push(post(events))
      else sent.push(...events.map((event) => post(event)))
    }
    for (const answer of await Promise.all(sent)) assert.ok(answer.status < 300 || answer.status === 409, answer.text)
    await world.flush()
    const places = await whereIs(world)
    for (let n = 0; n < 40; n++) assert.ok(places.has(`m-${n}`))
    assert.ok([PLAIN, PHI, TCPA].every((log) => [...places.values()].includes(log)))
  })

  it('is found whichever log holds it: by message, by customer, by search, with proofs', async () => {
    await world.flush()
    const { body } = await world.get('/api/v1/audit/notifications?message_uuid=m-tcpa')
    assert.equal(body['status'], 'verified')
    assert.equal((body['history'] as JsonObject[]).length, 3)
    assert.equal((body['proof'] as JsonObject)['log'], TCPA)
    for (const [message, tag] of [
      ['c-1', 'HIPAA'],
      ['c-2', null],
      ['c-3', 'TCPA'],
    ] as const) {
      await post(receipt(message, 'DELIVERED', tag, { customer_external_id: 'C-77' }))
      // Times of receipt decide which of them is the newest.
      for (const from = Date.now(); Date.now() === from;) await new Promise((resolve) => setImmediate(resolve))
    }
    await world.flush()
    const customer = (await world.get('/api/v1/audit/notifications?customer_external_id=C-77')).body
    assert.equal((customer['audit_record'] as JsonObject)['message_uuid'], 'c-3')
    assert.deepEqual([...(customer['more'] as string[])].sort(), ['c-1', 'c-2'])
    const inClass = await world.records(PHI)
    assert.ok(inClass.length > 0 && inClass.every((record) => record['log'] === PHI))
    const all = (await world.get('/api/v1/records?limit=1000')).body['records'] as JsonObject[]
    assert.deepEqual([...new Set(all.map((record) => record['log']))].sort(), [PHI, TCPA, PLAIN].sort())
    const one = inClass[0] as JsonObject
    assert.equal((await world.get(`/api/v1/records/${String(one['auditid'])}/proof`)).status, 200)
    assert.equal((await world.get(`/api/v1/events/${String(one['auditid'])}`)).status, 200)
    assert.match((await world.get(`/log/${PHI}/checkpoint`)).text, new RegExp(`^sealtrail.localhost/${PHI}\n`))
    assert.equal((await world.get(`/log/${PHI}/tile/0/000.p/1`)).status, 200)
    assert.equal((await world.send(`/log/${PHI}/tile/0/000.p/1`, undefined, { method: 'GET', headers: { authorization: '' } })).status, 401)
    assert.equal((await world.get('/api/v1/records?log=acme_eu.notifications.none')).status, 404)
  })

  it('what asked for a longer class later is locked as long, with all that was stored of its subject before and comes after', async () => {
    await post(receipt('grown', 'DELIVERED', null))
    await post(receipt('bystander', 'DELIVERED', null))
    await post(receipt('grown', 'READ', 'HIPAA'))
    await post(receipt('grown', 'FAILED', null))
    await world.flush()
    await world.local.holding.idle()
    const { store, records } = world.local.sealing
    const daysOf = async (message: string): Promise<number[]> => {
      const { body } = await world.get(`/api/v1/records?subject=${message}&log=${PLAIN}&limit=100`)
      const days: number[] = []
      for (const { index } of body['records'] as JsonObject[]) {
        const key = (await records.segmentOf(PLAIN, Number(index)))?.key as string
        days.push(Math.round((((await store.held(key))?.lock?.retainUntilMs ?? 0) - Date.now()) / DAY_MS))
      }
      return days
    }
    const grown = await daysOf('grown')
    assert.equal(grown.length, 3)
    assert.ok(
      grown.every((days) => days >= 6 * 366),
      grown.join(' '),
    )
    assert.deepEqual(await daysOf('bystander'), [30])
  })

  it('is locked as long as its class says', async () => {
    const { store } = world.local.sealing
    for (const [log, days] of [
      [PLAIN, 30],
      [PHI, 6 * 366],
      [TCPA, 4 * 366],
    ] as const) {
      let seen = 0
      const grown = new Set<string>()
      if (log === PLAIN || log === TCPA) for (const each of await longerOnes(log)) grown.add(each)
      for await (const { key } of store.list(`${log}/segment/`)) {
        if (grown.has(key)) continue
        const left = ((await store.held(key))?.lock?.retainUntilMs ?? 0) - Date.now()
        assert.ok(left > days * DAY_MS - 120_000 && left <= days * DAY_MS, `${log}: ${left / DAY_MS} days`)
        seen++
      }
      assert.ok(seen > 0)
    }
  })

  it('data that fits no record goes with its record', async () => {
    const details = { note: 'x', ...Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`flag_${i}`, i % 2 === 0])) }
    await post(receipt('m-large', 'DELIVERED', 'TCPA'))
    assert.equal(logOf(await post(receipt('m-large', 'READ', 'HIPAA', { details }))), TCPA)
    let objects = 0
    for await (const { key } of world.local.sealing.store.list(`${TCPA}/object/`)) objects += key === '' ? 0 : 1
    assert.equal(objects, 1)
  })

  it('a subject stays where it is over a restart, and when the ledger state is made again from the segments', async () => {
    for (const [i, status] of (['READ', 'FAILED'] as const).entries()) {
      await world.restart(CLASSES)
      if (i === 1) {
        assert.deepEqual(await world.closeAndAudit(), [])
        rmSync(join(world.data, 'ledger'), { recursive: true })
        await world.start(CLASSES)
      }
      assert.equal(logOf(await post(receipt('m-unknown', status, 'TCPA'))), PHI)
      assert.equal(logOf(await post(receipt('m-case', status, null))), PHI)
    }
    await world.flush()
    await whereIs(world)
  })

  it('a tag that moves to another class moves no subject, and a class that holds records cannot be left out', async () => {
    await world.restart(CLASSES.replace('[HIPAA, PHI_V2]', '[PHI_V2]').replace('tcpa: {', 'tcpa: { tags: [TCPA, HIPAA],'))
    assert.equal(logOf(await post(receipt('m-phi', 'FAILED', 'HIPAA'))), PHI)
    assert.equal(logOf(await post(receipt('m-later', 'FAILED', 'HIPAA'))), TCPA)
    assert.deepEqual(await world.closeAndAudit(), [])
    await assert.rejects(world.start(CLASSES.replace(/ {8}tcpa.*\n/, '')), {
      code: 'CONFIG_INVALID',
      message: /the log acme_eu\.notifications\.tcpa holds records; put the class tcpa back/,
    })
    const verdicts = await auditDirectory(world.data, { key: null, vault: true, now: Date.now })
    assert.ok(verdicts.some(({ log, ok, commitments }) => log === PHI && ok && commitments?.missing === 0))
  })
})
