// Killed at any step of summing up and letting expire, the next run goes on: nothing is sealed twice, and nothing goes that was not to go.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { Served } from './child.ts'
import { callAt, conversationOf, DAY_MS } from './month.ts'

const YAML = 'trails: { interactions: { retain: { detail: 30d, period: P1Y }, sequence: { settle: 600s, quiet: 600s, hold: 600s } } }'
const START = Date.UTC(2026, 2, 5, 12)
const [FLAGGED, ...PLAIN] = [1, 2, 3].map((seed) => callAt(seed, START + seed * 60_000)) as [JsonObject[], ...JsonObject[][]]

const IN_SUMMING = ['summary:interactions', 'summary:queues']
const IN_EXPIRY: ReadonlyArray<readonly string[]> = [
  ['tail:after-put'],
  ['expire:hashes', 'expire:kept'],
  ['kept:after-put', 'kept:after-put'],
  ['expire:announced'],
  ['expire:forgotten', 'expire:disclosures'],
  ['expire:objects#2'],
  ['expire:removed', 'expire:removed'],
  ['expire:removed#3'],
  ['expire:done'],
]
const SLOW = process.env['SLOW'] === '1'

describe('killed at any step of retention', { concurrency: 2 }, () => {
  for (const at of SLOW ? IN_SUMMING : IN_SUMMING.slice(0, 1)) test(`summing up: ${at}`, () => run({ summing: [at], expiry: [] }))
  for (const points of SLOW ? IN_EXPIRY : IN_EXPIRY.filter((_, i) => i % 2 === 0 && i > 0))
    test(`expiry: ${points.join(', then ')}`, () => run({ summing: [], expiry: points }))
})

async function run({ summing, expiry }: { readonly summing: readonly string[]; readonly expiry: readonly string[] }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-expiry-'))
  const children: Served[] = []
  const start = async (nowMs: number): Promise<Served> => {
    const served = new Served(folder, YAML)
    children.push(served)
    await served.clock(nowMs)
    assert.notEqual(await served.open(), null)
    return served
  }
  /** Runs the duty until a run comes to its end, dying where it is told to. */
  const runs = async (served: Served, nowMs: number, points: readonly string[]): Promise<Served> => {
    await served.clock(nowMs)
    let now = served
    for (const at of points) {
      await now.arm(at)
      assert.equal(await now.send('/api/v1/retention/run', { clock_is_right: true }), null, at)
      assert.equal(await now.ended, 'SIGKILL')
      now = await start(nowMs)
    }
    const done = await now.send('/api/v1/retention/run', { clock_is_right: true })
    assert.equal(done?.status, 200, JSON.stringify(done))
    return now
  }
  try {
    let served = await start(START)
    for (const call of [FLAGGED, ...PLAIN]) {
      assert.equal((await served.send('/api/v1/events', call))?.status, 200)
      await served.settle()
    }
    assert.equal((await served.send('/api/v1/retention/flags', { subject: conversationOf(FLAGGED), reason: 'case 1' }))?.status, 201)
    served = await runs(served, START + DAY_MS, summing)
    // The last segment never expires: the next commit stands on it.
    await served.send('/api/v1/events', callAt(4, START + DAY_MS))
    await served.settle()
    served = await runs(served, START + 31 * DAY_MS, expiry)
    await served.settle()
    const records = async (log: string, type: string): Promise<JsonObject[]> => {
      const found = await served.send(`/api/v1/records?log=${log}&type=${type}&limit=1000`)
      return found?.body['records'] as JsonObject[]
    }
    for (const what of ['expiry', 'expired']) {
      const sealed = await records('system', `sealtrail.system.${what}`)
      assert.deepEqual(
        sealed.map(({ data }) => [(data as JsonObject)['from'], (data as JsonObject)['to']]),
        [[0, 60]],
        what,
      )
    }
    const summaries = await records('default.interactions.summary', 'sealtrail.summary.interaction')
    assert.equal(new Set(summaries.map(({ subject }) => subject)).size, 4)
    assert.equal(summaries.length, 4, 'none is sealed twice')
    assert.equal((await records('default.interactions.summary', 'sealtrail.summary.queue')).length, 8)
    const shown = async (call: readonly JsonObject[]): Promise<number> =>
      ((await served.send(`/api/v1/audit/interactions/${conversationOf(call)}`))?.body['records'] as JsonObject[]).length
    assert.equal(await shown(FLAGGED), 20)
    for (const call of PLAIN) assert.equal(await shown(call), 0)
    const kept = ((await served.send(`/api/v1/audit/interactions/${conversationOf(FLAGGED)}`))?.body['records'] as JsonObject[])[0] as JsonObject
    assert.equal((kept['field_states'] as JsonObject)['ani'], 'disclosed', 'its personal values stay with it')
    await served.close()
    const verdicts = await auditDirectory(join(folder, 'data'), { key: null, vault: true, now: Date.now })
    assert.deepEqual(
      verdicts.flatMap(({ log, problems }) => problems.map(({ code, object }) => `${log} ${code} ${object}`)),
      [],
    )
    assert.equal(verdicts.find(({ log }) => log === 'interactions')?.commitments?.missing, 0)
  } finally {
    for (const each of children) each.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
