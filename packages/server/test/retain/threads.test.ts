// The same on a server with its threads: a start whose clock leapt, an officer's word, and a forged summary.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { createLog } from '../../src/observe/log.ts'
import { summaryBatch } from '../../src/threads/system-entry.ts'
import { startServer } from '../../src/threads/server.ts'
import { World } from '../flow/harness.ts'
import { callAt, conversationOf, DAY_MS } from './month.ts'

const RETAIN = 'trails: { interactions: { retain: { detail: 30d, period: P1Y } } }'

test('a start whose clock leapt expires nothing and says so; once an officer answers for the clock, it does', async () => {
  const then = Date.now() - 40 * DAY_MS
  const world = await World.open(RETAIN, { now: () => then, monotonic: () => 0 })
  const calls = [1, 2].map((seed) => callAt(seed, then))
  for (const call of calls) {
    assert.equal((await world.send('/api/v1/events', call, { role: 'ingest' })).status, 200)
    await world.flush()
  }
  assert.deepEqual(await world.closeAndAudit(), [])

  const lines: string[] = []
  const log = createLog({ now: Date.now, write: (line) => void lines.push(line) })
  const server = await startServer({ ...world.loaded.config, ingestThreads: 1, listen: { host: '127.0.0.1', port: 0 } }, { log })
  try {
    const ask = async (path: string, body?: unknown): Promise<{ status: number; body: JsonObject }> => {
      const answer = await fetch(server.url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${world.tokens.get('admin')}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: (await answer.json()) as JsonObject }
    }
    const asked = await ask('/api/v1/retention/run', {})
    assert.deepEqual([asked.status, asked.body['code']], [503, 'CLOCK_LEAPT'])
    assert.match(String((await ask('/api/v1/retention')).body['problem']), /nothing expires until that is explained/)
    const ready = await ask('/readyz')
    assert.equal(ready.status, 200, 'events are taken all the same')
    assert.match(lines.join(''), /CLOCK_LEAPT/)
    const shown = async (call: readonly JsonObject[]): Promise<number> =>
      ((await ask(`/api/v1/audit/interactions/${conversationOf(call)}`)).body['records'] as JsonObject[]).length
    assert.equal(await shown(calls[0]!), 20)

    const run = await ask('/api/v1/retention/run', { clock_is_right: true })
    assert.equal(run.status, 200, JSON.stringify(run.body))
    // The last segment stays: the next commit stands on it.
    assert.deepEqual(
      (run.body['items'] as JsonObject[]).map(({ segments, records, summaries }) => [segments, records, summaries]),
      [[1, 20, 6]],
    )
    assert.equal(await shown(calls[0]!), 0)
    assert.equal(await shown(calls[1]!), 20)
    const said = (await ask('/api/v1/records?log=system&type=sealtrail.system.clock-confirmed')).body['records'] as JsonObject[]
    assert.deepEqual(
      said.map(({ data }) => (data as JsonObject)['by']),
      ['admin.token'],
    )
  } finally {
    await server.close()
  }
  assert.deepEqual(await world.closeAndAudit(), [])
  await world.end()
})

test('a summary that was sealed and is not of the log is named, whoever sealed it', async () => {
  let now = Date.UTC(2026, 2, 5, 12)
  const world = await World.open(RETAIN, { now: () => now, monotonic: () => now })
  for (const seed of [1, 2]) await world.send('/api/v1/events', callAt(seed, now + seed * 60_000), { role: 'ingest' })
  await world.flush()
  now += DAY_MS
  await world.local.retaining.run()
  await world.local.indexed()
  const [real] = (await world.records('default.interactions.summary')).map((record) => record['data'] as JsonObject)
  const evidence = real!['evidence'] as JsonObject
  const { sealing } = world.local
  const forge = async (id: string, data: JsonObject): Promise<void> => {
    const batch = summaryBatch('default.interactions.summary', 'interactions', [{ what: 'interaction', subject: id, id, data }], now, 'default', sealing.keys)
    await sealing.sealedBatch(batch)
  }
  await forge('forged-root', { ...real, evidence: { ...evidence, root: 'ab'.repeat(32) } })
  await forge('forged-range', { ...real, evidence: { ...evidence, ranges: [[0, 19]] } })
  await forge('forged-form', { ...real, evidence: 7 })
  const problems = await world.closeAndAudit()
  const at = (index: number): string => `SUMMARY_MISMATCH default.interactions.summary record ${index}`
  // Two interactions and their four queues were there before.
  assert.deepEqual([...problems].sort(), [`default.interactions.summary ${at(8)}`, `interactions ${at(6)}`, `interactions ${at(7)}`].sort())
  await world.end()
})
