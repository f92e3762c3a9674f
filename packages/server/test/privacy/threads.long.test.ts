// The same on a server with its threads: an erasure while events of the same person and of others keep coming.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { createLog } from '../../src/observe/log.ts'
import { startServer } from '../../src/threads/server.ts'
import type { Server } from '../../src/threads/server.ts'
import { World, grepAll } from '../flow/harness.ts'
import { GROUND, receipt } from './policy-world.ts'

interface Reply {
  readonly status: number
  readonly body: JsonObject
}

test('an erasure on a server with threads: asked for, completed, over a restart, while events keep coming', async () => {
  const world = await World.open()
  await world.closeAndAudit()
  const lines: string[] = []
  const log = createLog({ now: Date.now, write: (line) => void lines.push(line) })
  const start = (): Promise<Server> => startServer({ ...world.loaded.config, ingestThreads: 2, listen: { host: '127.0.0.1', port: 0 } }, { log })
  let server = await start()
  const ask = async (path: string, body?: unknown, role: 'officer' | 'admin' | 'ingest' | 'auditor' = 'officer'): Promise<Reply> => {
    const answer = await fetch(server.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${world.tokens.get(role)}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as JsonObject }
  }
  const statesOf = async (subject: string): Promise<string> => {
    const records = (await ask(`/api/v1/records?subject=${subject}&limit=10`)).body['records'] as JsonObject[]
    return [...new Set(records.flatMap((record) => Object.values(record['field_states'] as JsonObject)))].join(' ')
  }
  try {
    for (let i = 0; i < 20; i++)
      for (const contact of ['contact-ann', 'contact-ben'])
        assert.equal((await ask('/api/v1/events', receipt(`m-${contact.slice(-3)}-${i}`, contact), 'ingest')).status, 201)

    // Everything that arrives meanwhile is sealed, whatever becomes of the key it began under.
    let asked: Promise<Reply> | null = null
    const during: Reply[] = []
    for (let i = 0; asked === null || i < 60; i++) {
      asked ??= ask('/api/v1/erasures', { person: 'external-id:contact-ann', ground: GROUND, reference: null })
      const contact = i % 2 === 0 ? 'contact-ben' : 'contact-cleo'
      during.push(await ask('/api/v1/events', receipt(`m-during-${i}`, contact), 'ingest'))
    }
    let erasure = (await asked).body
    while (erasure['state'] === 'running') erasure = (await ask(`/api/v1/erasures/${String(erasure['id'])}`)).body
    assert.deepEqual([erasure['state'], erasure['records'], erasure['problem']], ['completed', 20, null])
    assert.deepEqual([...new Set(during.map(({ status }) => status))], [201])
    for (const i of [0, 19]) assert.deepEqual([await statesOf(`m-ann-${i}`), await statesOf(`m-ben-${i}`)], ['erased', 'disclosed'])
    for (const i of [0, 59]) assert.equal(await statesOf(`m-during-${i}`), 'disclosed')

    // Every thread has forgotten the key: what comes now is under a new one, whichever thread takes it.
    for (let i = 0; i < 12; i++) assert.equal((await ask('/api/v1/events', receipt(`m-again-${i}`, 'contact-ann'), 'ingest')).status, 201)
    assert.equal(await statesOf('m-again-11'), 'disclosed')
    assert.equal((await ask('/api/v1/erasures/plan', { person: 'contact-ann' })).body['keys'], 1)

    await server.close()
    server = await start()
    assert.equal(await statesOf('m-ann-0'), 'erased')
    const list = (await ask('/api/v1/erasures', undefined, 'auditor')).body['erasures'] as JsonObject[]
    assert.deepEqual(
      list.map(({ state }) => state),
      ['completed'],
    )
    const again = await ask('/api/v1/erasures', { person: 'contact-ann', ground: GROUND })
    assert.deepEqual([again.status, again.body['records']], [200, 12], JSON.stringify(again.body))
  } finally {
    await server.close()
  }
  assert.deepEqual(await grepAll(world.data, ['contact-ann']), [])
  assert.doesNotMatch(lines.join(''), /contact-ann/)
  assert.deepEqual(await world.closeAndAudit(), [])
  await world.end()
})
