import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import { logsOf } from '../../src/config/logs.ts'
import { lockFor, longLockFor } from '../../src/config/open-log.ts'
import type { Config } from '../../src/config/config.ts'

const DAY_MS = 86_400_000
const parse = (retain: string): Config =>
  parseConfig(`trails: { interactions: { retain: ${retain} } }`, 'sealtrail.yaml', tmpdir(), { cwd: tmpdir(), env: {} }).config

test('a trail with detail has a log of summaries, and only its own segments are locked for less', () => {
  const config = parse('{ detail: 30d, period: 400d, classes: { pci: { period: 500d } } }')
  assert.deepEqual(
    logsOf(config).map(({ log, kind }) => `${log} ${kind}`),
    ['interactions records', 'default.interactions.summary summaries', 'default.interactions.pci records', 'notifications records', 'system system'],
  )
  const days = (of: typeof lockFor, log: string): number => of(config, log, 0).retainUntilMs / DAY_MS
  assert.equal(days(lockFor, 'interactions'), 30)
  assert.equal(days(longLockFor, 'interactions'), 400)
  for (const [log, period] of [
    ['default.interactions.summary', 400],
    ['default.interactions.pci', 500],
    ['system', 500],
  ] as const) {
    assert.equal(days(lockFor, log), period, log)
    assert.equal(days(longLockFor, log), period, log)
  }
  assert.ok(!logsOf(parse('{ period: 400d }')).some(({ kind }) => kind === 'summaries'), 'without detail nothing changes')
})

test('tiers that cannot be are refused where they stand', () => {
  for (const [retain, why] of [
    ['{ detail: 6d }', /1:\d+: .*at least 7 days/],
    ['{ period: 30d, detail: 30d }', /shorter than period/],
    ['{ keep: event.a == 1 }', /goes with detail/],
    ['{ detail: 30d, keep: event.a == }', /retain\.keep/],
    ['{ detail: 30d, keep: raw.a == 1 }', /raw is not sealed/],
    ['{ detail: 30d, keep: evnt.a == 1 }', /evnt/],
    ['{ classes: { summary: { period: 1d } } }', /the name is taken/],
  ] as const) {
    assert.throws(() => parse(retain), { code: 'CONFIG_INVALID', message: why }, retain)
  }
})
