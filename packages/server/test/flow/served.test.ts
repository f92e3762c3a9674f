// The server as a process of its own, with its threads, over HTTP: the call again, and everything the process says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { callEvents, EXPECTED, PERSON, PERSONAL } from './fixtures/call.ts'
import { grep, grepAll, randomFrom, ROOT, shuffled } from './harness.ts'

interface Running {
  readonly url: string
  /** All it wrote to stdout and stderr. */
  said(): string
  stop(): Promise<number | null>
}

async function serve(folder: string, data: string): Promise<Running> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@sealtrail/source',
      join(ROOT, 'packages/server/src/main.ts'),
      'serve',
      '--config',
      join(folder, 'sealtrail.yaml'),
      '--data',
      data,
      '--port',
      '0',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const found = /^listening (\S+)$/m.exec(text)
        if (found !== null) resolve(found[1] as string)
      })
    }
    void exited.then((code) => reject(new Error(`the server ended with ${code}: ${text}`)))
  })
  return {
    url,
    said: () => text,
    async stop() {
      child.kill('SIGTERM')
      return exited
    },
  }
}

test('a call sent to many threads at once, each event twice: eighteen records in order, and no personal value on the disk or in what the process says', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-served-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  writeFileSync(join(folder, 'sealtrail.yaml'), 'trails: { interactions: { sequence: { settle: 1s, quiet: 20s, hold: 60s } } }\nlimits: { ingestThreads: 2 }\n')
  const running = await serve(folder, data)
  t.after(() => running.stop())
  const authorization = `Bearer ${readFileSync(join(data, 'admin.token'), 'utf8').trim()}`
  const get = (path: string): Promise<Response> => fetch(running.url + path, { headers: { authorization } })
  const post = (path: string, body: unknown, type = 'application/json'): Promise<Response> =>
    fetch(running.url + path, {
      method: 'POST',
      headers: { authorization, 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  const events = callEvents(77)
  const body = (events[0]?.['detail'] as JsonObject)['eventBody'] as JsonObject
  // All at once: two connections race for each event.
  const answers = await Promise.all(shuffled([...events, ...events], randomFrom(7)).map((event) => post('/api/v1/sources/eventbridge', event)))
  const outcomes = await Promise.all(answers.map(async (answer) => ((await answer.json()) as JsonObject)['outcome']))
  assert.ok(answers.every(({ status }) => status === 200))
  assert.deepEqual([outcomes.filter((each) => each === 'held').length, outcomes.filter((each) => each === 'duplicate').length], [18, 18])
  assert.deepEqual(await grepAll(data, PERSONAL), [])
  const again = (await (await post('/api/v1/events', events.map((event) => JSON.stringify(event)).join('\n'), 'application/x-ndjson')).json()) as JsonObject[]
  assert.deepEqual([...new Set(again.map((each) => each['outcome']))], ['duplicate'])
  // What goes wrong is said, too.
  await post('/api/v1/events', `{"${PERSON.name}":"${PERSON.phone}","a":1,"a":2}`)
  await post('/api/v1/events', PERSON.name)
  await fetch(`${running.url}/${PERSON.phone}`, { headers: { authorization: `Bearer ${PERSON.email}` } })
  await fetch(`${running.url}/api/v1/records/${PERSON.phone}?x=${PERSON.email}`, { headers: { authorization: `Bearer ${PERSON.email}` } })

  const path = `/api/v1/audit/interactions/${String(body['conversationId'])}`
  let found: JsonObject = {}
  for (let tries = 0; tries < 500 && found['records'] === undefined; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    found = (await (await get(path)).json()) as JsonObject
  }
  assert.ok(found['records'], JSON.stringify(found) + running.said())
  const records = found['records'] as JsonObject[]
  assert.deepEqual(
    records.map((record) => [record['subjectsequence'], String(record['type']).replace('com.genesys.cloud.conversation.', ''), record['late']]),
    EXPECTED.map(({ topic }, i) => [i + 1, topic, false]),
  )
  assert.ok(JSON.stringify(records).includes(PERSON.phone), 'an admin still sees the values')
  const state = (await (await get(`${path}/state?at=${new Date(Number(body['eventTime']) + 100_000).toISOString()}`)).json()) as JsonObject
  assert.deepEqual([state['state'], state['subjectsequence']], ['interacting', 9])

  const metrics = await (await get('/metrics')).text()
  assert.match(metrics, /sealtrail_inputs_total\{trail="interactions",outcome="held"\} 18/)
  assert.match(metrics, /sealtrail_inputs_total\{trail="interactions",outcome="duplicate"\} 36/)
  assert.match(metrics, /sealtrail_store_operations_total\{store="files",operation="put"\} [1-9]/)
  assert.match(metrics, /sealtrail_store_operations_total\{store="files",operation="get"\} [1-9]/)
  assert.match(metrics, /sealtrail_store_put_seconds_count\{store="files"\} [1-9]/)
  assert.equal(await running.stop(), 0)
  assert.deepEqual(grep('process', running.said() + metrics, PERSONAL), [])
  assert.match(running.said(), /request not admitted/)
  assert.deepEqual(await grepAll(data, PERSONAL), [])
  const verdicts = await auditDirectory(data, { key: null, vault: true, now: Date.now })
  assert.deepEqual(
    verdicts.map(({ log, ok, problems }) => [log, ok, problems]),
    ['interactions', 'notifications', 'system'].map((log) => [log, true, []]),
  )
})
