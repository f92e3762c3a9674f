import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openCheckpointByPolicy, parsePolicy } from '@sealtrail/tlog'
import { readAlarm } from '../../src/publish/alarm.ts'
import { receipt, scratch, sealtrail } from '../cli/io.ts'
import { OddWitness, RealWitness } from './world.ts'

const place = scratch()
after(() => place.remove())

/** Asks again until the answer is the one awaited. */
async function until<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (done(answer)) return answer
    await pause(20)
  }
}

test('the server publishes from its own thread, while it seals, and a fork alarm reaches every thread', { timeout: 60_000 }, async () => {
  const data = place.at('data')
  const config = place.at('sealtrail.yaml')
  const stop = new AbortController()
  // The first start without witnesses tells the keys to give to one.
  let told: (line: string) => void = () => {}
  let listening = new Promise<string>((resolve) => (told = resolve))
  const first = new AbortController()
  const once = sealtrail(['serve', '--data', data, '--port', '0'], { stopping: first.signal, onOut: (line) => told(line) })
  await listening
  first.abort()
  assert.equal((await once).exit, 0)
  const vkeys = JSON.parse((await sealtrail(['key', 'show', '--data', data, '--json'])).out) as Record<string, string>
  assert.deepEqual(Object.keys(vkeys).sort(), ['interactions', 'notifications', 'system'])

  const good = await RealWitness.start('good.example', place.at('witness'), Object.values(vkeys))
  const odd = await new OddWitness(1).start()
  odd.answer = (body, response) => odd.cosign(body, response)
  mkdirSync(place.path, { recursive: true })
  const lines = `${good.line}\n${odd.line}\ngroup both all good.example ${odd.key.name}\nquorum both\n`
  writeFileSync(place.at('witnesses.policy'), lines)
  writeFileSync(
    config,
    `data: ${data}\nlisten: 127.0.0.1:0\nlimits:\n  ingestThreads: 2\nwitnesses:\n  policy: file:witnesses.policy\n  interval: 100ms\n  timeout: 2s\n`,
  )
  listening = new Promise<string>((resolve) => (told = resolve))
  const serving = sealtrail(['serve', '--config', config], { stopping: stop.signal, onOut: (line) => told(line), cwd: place.path })
  const url = (await listening).slice('listening '.length).trim()
  const headers = { authorization: `Bearer ${readFileSync(`${data}/admin.token`, 'utf8').trim()}`, 'content-type': 'application/json' }
  const send = (n: number): Promise<Response> =>
    fetch(`${url}/api/v1/events?trail=notifications`, { method: 'POST', headers, body: JSON.stringify(receipt(n)) })
  try {
    assert.equal((await send(1)).status, 201)
    const published = await until(
      () => fetch(`${url}/log/notifications/checkpoint`),
      ({ status }) => status === 200,
    )
    const policy = parsePolicy(`log ${vkeys['notifications']}\n${lines}`)
    assert.equal(openCheckpointByPolicy(await published.text(), policy).cosignatures.length, 2)
    for (let n = 2; n <= 20; n++) assert.equal((await send(n)).status, 201)
    await until(
      async () => (await fetch(`${url}/log/notifications/checkpoint`)).text(),
      (note) => note.split('\n')[1] === '20',
    )
    const metrics = await (await fetch(`${url}/metrics`, { headers })).text()
    assert.match(metrics, /sealtrail_published_size\{log="notifications"\} 20\n/)
    assert.match(metrics, /sealtrail_witness_size\{log="notifications",witness="good\.example"\} 20\n/)

    // The witness says it has seen more than there is.
    odd.answer = (body, response) => (body.includes('/notifications\n') ? odd.status(response, 409, '21000\n', 'text/x.tlog.size') : odd.cosign(body, response))
    assert.equal((await send(21)).status, 201)
    const refused = await until(
      () => send(22),
      ({ status }) => status !== 201 && status !== 200,
    )
    assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [503, 'FORKED'])
    assert.equal(readAlarm(data, 'notifications')?.witness, odd.key.name)
    const ready = await until(
      () => fetch(`${url}/readyz`),
      ({ status }) => status === 503,
    )
    assert.match(await ready.text(), /FORKED: notifications: witness odd1\.example/)
    assert.match((await fetch(`${url}/log/notifications/checkpoint`)).headers.get('content-type') ?? '', /text\/plain/)
  } finally {
    stop.abort()
    assert.equal((await serving).exit, 0)
    await good.stop()
    await odd.stop()
  }
})
