import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { idsOf } from '../../src/cli/demo/envelope.ts'
import { callEvents, cardCodeEvent } from '../../src/cli/demo/call.ts'
import { receipt, scratch, sealtrail } from './io.ts'

const place = scratch()
after(() => place.remove())

test('serve says where it listens, answers commands by URL, keeps others out, ends when asked', async () => {
  const data = place.at('data')
  const stop = new AbortController()
  let listening: (line: string) => void = () => {}
  const told = new Promise<string>((resolve) => (listening = resolve))
  const serving = sealtrail(['serve', '--data', data, '--port', '0'], { stopping: stop.signal, onOut: listening })
  const line = await told
  assert.match(line, /^listening http:\/\/127\.0\.0\.1:\d+\n$/)
  assert.equal(statSync(`${data}/admin.token`).mode & 0o777, 0o600)
  try {
    const env = { SEALTRAIL_URL: line.slice('listening '.length).trim(), SEALTRAIL_TOKEN: readFileSync(`${data}/admin.token`, 'utf8').trim() }

    const sent = await sealtrail(['ingest', '-'], { env, stdin: `${JSON.stringify(receipt(1))}\n${JSON.stringify(receipt(1, 'READ'))}\n` })
    assert.deepEqual(JSON.parse(sent.out), { total: 2, sealed: 2, held: 0, duplicate: 0, filtered: 0, quarantined: 0, refused: 0 }, sent.err)
    assert.equal((await sealtrail(['ingest', '-', '--flush'], { env, stdin: '{}' })).exit, 2)
    const found = JSON.parse((await sealtrail(['query', '--json'], { env })).out) as { records: unknown[] }
    assert.equal(found.records.length, 2)

    // Roles are the server's: a token that may only send cannot search.
    const sender = (await sealtrail(['token', 'create', '--name', 'platform', '--role', 'ingest'], { env })).out.trim()
    let refused = await sealtrail(['query'], { env: { ...env, SEALTRAIL_TOKEN: sender } })
    // Every thread knows a new token within a second; each question may come to another thread.
    while (refused.err.includes('UNAUTHENTICATED')) refused = await sealtrail(['query'], { env: { ...env, SEALTRAIL_TOKEN: sender } })
    assert.equal(refused.exit, 3)
    assert.match(refused.err, /FORBIDDEN/)
    assert.doesNotMatch(refused.err, new RegExp(sender))
    assert.match((await sealtrail(['query'], { env: { SEALTRAIL_URL: env.SEALTRAIL_URL } })).err, /UNAUTHENTICATED/)

    const other = await sealtrail(['serve', '--data', data, '--port', '0'])
    assert.equal(other.exit, 3)
    assert.match(other.err, /DATA_IN_USE/)
  } finally {
    stop.abort()
  }
  assert.equal((await serving).exit, 0)
  assert.equal((await sealtrail(['verify', data])).exit, 0)
})

test('serve --test-add is refused on an address others reach, before anything is opened', async () => {
  for (const listen of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.test:0', '128.0.0.1:0']) {
    writeFileSync(place.at('open.yaml'), `listen: "${listen}"\ndata: ${place.at('open')}\n`)
    const ran = await sealtrail(['serve', '--config', place.at('open.yaml'), '--test-add', 'bench'])
    assert.equal(ran.exit, 2, `${listen} ${ran.err}`)
    assert.match(ran.err, /--test-add|listen/)
    assert.ok(!existsSync(place.at('open')))
  }
  const bad = await sealtrail(['serve', '--data', place.at('named'), '--port', '0', '--test-add', '../x'])
  assert.equal(bad.exit, 2, bad.err)
  assert.ok(!existsSync(place.at('named')))
})

test('the demo does what it says, twice on one directory', async () => {
  const data = place.at('demo')
  for (const now of [Date.now, () => Date.now() + 5_000]) {
    const { exit, out, err } = await sealtrail(['demo', '--once', '--json', '--data', data], { now })
    const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: Array<{ ok: boolean; what: string }> }
    assert.deepEqual([exit, ok, checks.filter((check) => !check.ok)], [0, true, []], err)
    assert.ok(checks.length >= 22)
  }
})

test('the demo’s call is a call: 16 events with ids of its own, in the platform’s form', () => {
  const events = [...callEvents(idsOf(1_000_000_000_000), 1_000_000_000_000), cardCodeEvent(idsOf(1_000_000_000_000), 1_000_000_000_000)]
  assert.equal(new Set(events.map((event) => event['id'])).size, 17)
  assert.ok(events.every((event) => String((event['detail'] as { topicName: string }).topicName).startsWith('v2.detail.events.conversation.')))
})
