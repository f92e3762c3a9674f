import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { lastSealed } from '../../src/config/last-sealed.ts'
import type { Head } from '../../src/head/head.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { CLOCK_TOLERANCE_MS, ClockGuard } from '../../src/observe/clock-guard.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { SegmentReader } from '../../src/store/segments.ts'
import { receipt, scratch, sealtrail } from './io.ts'

const place = scratch()
const data = place.at('data')

before(async () => {
  writeFileSync(place.at('receipts.json'), JSON.stringify([receipt(1), receipt(2)]))
  assert.equal((await sealtrail(['ingest', place.at('receipts.json'), '--data', data])).exit, 0)
})
after(() => place.remove())

test('doctor: ok, a clock set back by little and by much, an open keyring', async () => {
  const whole = await sealtrail(['doctor', '--data', data])
  assert.equal(whole.exit, 0)
  assert.match(whole.out, /^warn {2}store {10}files of the data directory: declared, observed on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\. Files say/m)
  assert.match(whole.out, /^ {21}remove-early +held +this program refuses/m)
  assert.match(whole.out, /^ {21}delete +\(broken\) +whoever may write/m)
  assert.match(whole.out, /^ {21}In brackets: told only/m)
  assert.equal((await sealtrail(['doctor', '--data', place.at('none-yet')])).exit, 0)
  const heads = SqliteHead.open(`${data}/head.sqlite`, { readOnly: true })
  const store = await FileStore.open(`${data}/store`, { readOnly: true })
  const segments = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null })
  const sealed = await Promise.all(heads.logs().map((log) => lastSealed(segments, log, heads.read(log) as Head)))
  const newest = Math.max(...sealed.map((each) => each?.createdMs ?? 0))
  await store.close()
  heads.close()
  interface Look {
    readonly exit: number
    readonly clock: { readonly level: string; readonly code?: string; readonly text: string; readonly todo?: string }
  }
  const look = async (behindMs: number, ...options: string[]): Promise<Look> => {
    const { exit, out } = await sealtrail(['doctor', '--data', data, '--json', ...options], { now: () => newest - behindMs })
    const { findings } = JSON.parse(out) as { findings: Array<Look['clock'] & { area: string }> }
    return { exit, clock: findings.find(({ area }) => area === 'clock') as Look['clock'] }
  }
  // The server's own judgement at the same lag: the doctor fails exactly where events are refused.
  for (const [behindMs, exit, level] of [
    [0, 0, 'ok'],
    [1_000, 0, 'ok'],
    [2_000, 0, 'warn'],
    [CLOCK_TOLERANCE_MS, 0, 'warn'],
    [CLOCK_TOLERANCE_MS + 1_000, 1, 'fail'],
    [86_400_000, 1, 'fail'],
  ] as const) {
    const { exit: ended, clock } = await look(behindMs)
    assert.deepEqual([ended, clock.level, clock.code], [exit, level, level === 'fail' ? 'CLOCK_BACKWARDS' : undefined], `${behindMs} ms behind`)
    assert.equal(new ClockGuard(newest, null).check(newest - behindMs) !== null, level === 'fail')
    if (level !== 'ok') for (const number of [behindMs, CLOCK_TOLERANCE_MS]) assert.ok(clock.text.includes(`${number / 1000} s`), clock.text)
  }
  writeFileSync(place.at('accept.yaml'), `clock: { accept: "${new Date(newest).toISOString()}" }\n`)
  assert.deepEqual((await look(86_400_000, '--config', place.at('accept.yaml'))).clock.level, 'ok', 'as the server, once it was told')
  chmodSync(`${data}/keys`, 0o755)
  const open = await sealtrail(['doctor', '--data', data])
  chmodSync(`${data}/keys`, 0o700)
  assert.equal(open.exit, 1)
  assert.match(open.out, /fail +keys/)
  writeFileSync(place.at('bad.yaml'), 'trials: {}\n')
  assert.equal((await sealtrail(['doctor', '--config', place.at('bad.yaml'), '--data', data])).exit, 1)
})
