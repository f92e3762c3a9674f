// Forty-five days of calls on the whole server, by an injected clock: what expires, when, and what is left of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import { World } from '../flow/harness.ts'
import { callAt, complaint, conversationOf, DAY_MS } from './month.ts'

const YAML = `trails: { interactions: { retain: { detail: 30d, period: P1Y, keep: 'event.wrapupCode == "complaint"' } } }`
const DAYS = 45
const A_DAY = 2
const START = Date.UTC(2026, 2, 5, 12)

test('detail expires on its day; what was flagged or is held stays; summaries stay and are of the log', async () => {
  let now = START
  const calls = new Map<string, number>()
  const ids: string[][] = []
  let hold = ''
  const world = await World.open(YAML, { now: () => now, monotonic: () => now })
  const read = async (id: string): Promise<JsonObject> => (await world.get(`/api/v1/audit/interactions/${id}`)).body
  const auditids = new Map<string, string>()
  for (let day = 0; day < DAYS; day++) {
    ids.push([])
    for (let i = 0; i < A_DAY; i++) {
      const plain = callAt(day * 10 + i, now + i * 600_000)
      const call = day === 3 && i === 0 ? complaint(plain) : plain
      calls.set(conversationOf(call), day)
      ids[day]!.push(conversationOf(call))
      assert.equal((await world.send('/api/v1/events', call, { role: 'ingest' })).status, 200)
      // A segment each: a hold is on the objects, and keeps all that is in one.
      await world.flush()
    }
    if (day === 3) for (const id of ids[3]!) auditids.set(id, String(((await read(id))['records'] as JsonObject[])[0]!['auditid']))
    if (day === 4) {
      const answer = await world.send('/api/v1/retention/flags', { subject: ids[4]![0], reason: 'case 17' }, { role: 'officer' })
      assert.equal(answer.status, 201, answer.text)
      assert.equal((await world.send('/api/v1/retention/flags', { subject: 'nobody', reason: 'x' }, { role: 'officer' })).status, 404)
    }
    if (day === 5) {
      const answer = await world.send('/api/v1/holds', { subject: ids[5]![0], reason: 'matter 9', scope: 'content' }, { role: 'officer' })
      assert.equal(answer.status, 201, answer.text)
      hold = String(answer.body['id'])
    }
    now += DAY_MS
    const [run] = await world.local.retaining.run()
    // Sealed at noon of its day, locked for 30 days: due 30 days later to the hour, and not a day earlier.
    assert.equal(run!.segments > 0, day >= 29, `day ${day}: ${JSON.stringify(run)}`)
    assert.equal(run!.summaries, A_DAY * 3, 'an interaction each, and each waited in two queues of its own')
    assert.equal(run!.kept, day === 32 || day === 33 ? 20 : 0, 'of days 3 and 4 one interaction each; what is held is not touched')
  }

  const { body: status } = await world.get('/api/v1/retention')
  assert.equal(status['problem'], null)
  const keptIds = new Set([ids[3]![0]!, ids[4]![0]!, ids[5]![0]!])
  for (const [id, day] of calls) {
    const body = await read(id)
    const records = body['records'] as JsonObject[]
    const expired = day < DAYS - 29 && !keptIds.has(id)
    assert.equal(records.length, expired ? 0 : 20, `${id} of day ${day}`)
    assert.equal(body['problems'], undefined, JSON.stringify(body['problems']))
    assert.equal(body['closed'], true)
    if (!expired) continue
    const summary = body['summary'] as JsonObject
    assert.deepEqual([summary['records'], summary['holds'], (summary['transfers'] as JsonObject)['count']], [20, { count: 1, ms: 20_000 }, 1])
    assert.deepEqual(
      (body['gaps'] as JsonObject[]).map(({ kind, from, to, class: name }) => [kind, from, to, name]),
      [['expired', 1, 20, 'detail']],
    )
    const at = await world.get(`/api/v1/audit/interactions/${id}/state?at=2026-12-01T00:00:00Z`)
    assert.equal(at.status, 200)
    assert.equal(at.body['state'], 'expired')
  }
  const [kept, gone] = ids[3]!.map((id) => auditids.get(id)!)
  assert.ok('leaf' in (await world.get(`/api/v1/records/${kept}`)).body)
  const lost = (await world.get(`/api/v1/records/${gone}`)).body
  assert.equal(lost['state'], 'expired')
  assert.match(String((lost['expired'] as JsonObject)['on']), /^2026-04-07T/)
  assert.equal((await world.get(`/api/v1/records/${kept}/proof`)).status, 200)
  assert.equal((await world.get(`/api/v1/records/${gone}/proof`)).status, 200, 'that it stood there can still be proved')
  assert.equal((await world.get(`/api/v1/events/${gone}`)).body['outcome'], 'sealed')
  // Nothing is found that is gone, and nothing fails for it.
  const { body: found, status: code } = await world.get(`/api/v1/records?log=interactions&to=2026-03-10T00:00:00Z&limit=1000`)
  assert.equal(code, 200)
  assert.equal(found['problems'], undefined)
  assert.equal(new Set((found['records'] as JsonObject[]).map((record) => record['subject'])).size, 3 - 1, 'of days 0 to 4 two were kept')
  assert.equal((await world.get('/log/interactions/tile/entries/000', 'admin')).status, 410)

  // An expired subject in an export is refused as what it is; a kept one is exported whole.
  assert.equal((await world.send('/api/v1/exports', { range: 'interactions:0..20' })).body['code'], 'RECORDS_EXPIRED')
  assert.equal((await world.send('/api/v1/exports', { subject: ids[3]![0] })).body['records'], 20 + 1, 'its records and its summary')

  assert.deepEqual(await world.closeAndAudit(), [])
  const verdicts = await auditDirectory(world.data, { key: null, vault: true, now: () => now })
  const calls_ = verdicts.find(({ log }) => log === 'interactions')!
  assert.match(calls_.notes.map(({ message }) => message).join('\n'), /records 0 to 39 expired under detail on 2026-04-04T12:00:0/)
  assert.equal(calls_.size, DAYS * A_DAY * 20)

  // Opened again with nothing derived left: recovery goes by packs and tails, the ledger without what has expired.
  await rebuilt(world, () => now)
  const after = await read(ids[0]![0]!)
  assert.equal((after['summary'] as JsonObject)['records'], 20)
  assert.equal(((await read(ids[3]![0]!))['records'] as JsonObject[]).length, 20)
  // Released, the held one goes the way of the others.
  assert.equal((await world.send(`/api/v1/holds/${hold}/release`, { reason: 'settled' }, { role: 'officer' })).status, 200)
  await world.local.holding.idle()
  const [last] = await world.local.retaining.run()
  assert.deepEqual([last!.segments, last!.records, last!.kept], [1, 20, 0])
  assert.deepEqual((await read(ids[5]![0]!))['records'], [])
  // Sent again: what stands is a duplicate, what has expired is a new event.
  const again = (await world.send('/api/v1/events', complaint(callAt(30, START + 3 * DAY_MS)), { role: 'ingest' })).body as unknown as JsonObject[]
  assert.deepEqual([...new Set(again.map(({ outcome }) => outcome))], ['duplicate'])
  assert.deepEqual(await world.closeAndAudit(), [])
  await world.end()
})

async function rebuilt(world: World, now: () => number): Promise<void> {
  const { rmSync } = await import('node:fs')
  for (const folder of ['ledger', 'index', 'tiles', 'checkpoint', 'retain']) rmSync(`${world.data}/${folder}`, { recursive: true, force: true })
  await world.start(YAML, { now, monotonic: now })
  await world.local.indexed()
  assert.deepEqual(
    world.local.sealing.findings.filter((line) => !/rebuilt|caught up/.test(line)),
    [],
  )
  const store = await FileStore.open(`${world.data}/store`, { readOnly: true })
  await store.close()
}
