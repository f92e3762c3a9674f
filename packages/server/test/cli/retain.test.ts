import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { callAt, conversationOf } from '../retain/month.ts'
import { sealtrail } from './io.ts'

const folder = mkdtempSync(join(tmpdir(), 'retain-'))
after(() => rmSync(folder, { recursive: true, force: true }))
writeFileSync(
  join(folder, 'sealtrail.yaml'),
  'trails: { interactions: { retain: { detail: 30d, period: P7Y }, sequence: { settle: 1ms, quiet: 1ms, hold: 1ms } } }\n',
)
const data = ['--config', join(folder, 'sealtrail.yaml'), '--data', join(folder, 'data')]

test('retention from the command line: how it stands, a subject flagged, a run', async () => {
  const call = callAt(1, Date.now() - 3_600_000)
  assert.equal((await sealtrail(['ingest', '-', ...data], { stdin: call.map((event) => JSON.stringify(event)).join('\n') })).exit, 0)
  const status = await sealtrail(['retain', 'status', ...data])
  assert.equal(status.exit, 0, status.err)
  assert.match(status.out, /^last run never, 0 subjects flagged\ninteractions: in full for 30 days, what is left for 2562; summed up below record 0\n$/)
  const flagged = await sealtrail(['retain', 'flag', conversationOf(call), '--reason', 'case 12', ...data])
  assert.match(flagged.out, /^flagged in interactions: its records stay in full \(flag [0-9a-f]{32}\)\n$/, flagged.err)
  assert.match((await sealtrail(['retain', 'flags', ...data])).out, new RegExp(`^interactions {2}${conversationOf(call)} {2}until \\d{4}-.* {2}case 12\\n$`))
  const run = await sealtrail(['retain', 'run', ...data])
  assert.match(run.out, /^interactions: 0 summaries sealed, 0 interactions flagged, 0 records expired in 0 segments, 0 of them kept\n$/, run.err)
  const { lastRun, logs } = JSON.parse((await sealtrail(['retain', '--json', ...data])).out) as { lastRun: string; logs: object[] }
  assert.match(lastRun, /^\d{4}-/)
  assert.equal(logs.length, 1)
})

test('wrong use says what is right, and a server without tiers that nothing expires', async () => {
  for (const args of [['flag'], ['flag', 'a'], ['flag', 'a', 'b', '--reason', 'x'], ['run', 'a'], ['expire']]) {
    const { exit, err } = await sealtrail(['retain', ...args, ...data])
    assert.equal(exit, 2, args.join(' '))
    assert.match(err, /retain/)
  }
  assert.match((await sealtrail(['retain', 'flag', 'nobody', '--reason', 'x', ...data])).err, /NOT_FOUND/)
  const plain = ['--data', join(folder, 'plain')]
  await sealtrail(['ingest', '-', ...plain], { stdin: JSON.stringify(callAt(2, Date.now())[0]) })
  assert.match((await sealtrail(['retain', 'status', ...plain])).out, /nothing expires/)
})
