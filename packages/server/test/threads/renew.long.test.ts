// On a server with its threads: one of a thousand people is erased while events arrive, reads go on and an export is made. Then
// every file of vault and index is searched, and nothing is lost.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { aliasTokens } from '../../src/event/alias.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { createLog } from '../../src/observe/log.ts'
import { startServer } from '../../src/threads/server.ts'
import { decodeRow } from '../../src/vault/row.ts'
import type { VaultEntry, VaultRow } from '../../src/vault/vault.ts'
import { flatReceipt } from '../flow/flat-receipt.ts'
import { World } from '../flow/harness.ts'
import { filesWith, printed } from '../vault/stage.ts'

const PEOPLE = 1_000
const WHO = 417

const receipt = (person: number): JsonObject => flatReceipt(`CUST_${person}`, { recipient_address: `+4420794${String(60_000 + person).slice(1)}9` })

test('one of a thousand: while a server with its threads goes on', async (t) => {
  const world = await World.open()
  for (let from = 0; from < PEOPLE; from += 250)
    assert.equal(
      (
        await world.send(
          '/api/v1/events',
          Array.from({ length: 250 }, (_, i) => receipt(from + i)),
          { role: 'ingest' },
        )
      ).status,
      200,
    )
  await world.flush()
  assert.deepEqual(await world.closeAndAudit(), [])

  const lines: string[] = []
  const log = createLog({ now: Date.now, write: (line) => void lines.push(line) })
  const server = await startServer({ ...world.loaded.config, ingestThreads: 2, listen: { host: '127.0.0.1', port: 0 } }, { log })
  const folders = ['vault', 'index'].map((name) => join(world.data, name))
  const lists = (): string[] => folders.map((folder) => readFileSync(join(folder, 'CURRENT'), 'latin1'))
  try {
    const ask = async (path: string, body?: unknown): Promise<{ status: number; body: JsonObject }> => {
      const answer = await fetch(server.url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${world.tokens.get('admin')}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: (await answer.json()) as JsonObject }
    }
    const { sealing } = server
    const tokens = aliasTokens(sealing.keys, world.loaded.config.tenant, 'external-id', `CUST_${WHO}`)
    // By name on both threads, so that both remember the key.
    for (let i = 0; i < 8; i++) assert.equal((await ask('/api/v1/events', [receipt(WHO), receipt(i)])).status, 200)
    const person = await sealing.vault.personOf(tokens)
    const needles: Uint8Array[] = (await sealing.vault.traces(person.keyIds)).map(({ bytes }) => Uint8Array.from(bytes))
    const texts = new Set(person.tokens)
    let rows = 0
    for await (const row of sealing.vault.rowsUnder(new Set(person.keyIds))) {
      rows++
      for (const { token } of row.tokens) texts.add(token)
      const [stored] = (await sealing.vault.rows(row.key.subarray(0, 16))) as [VaultRow]
      for (const { ciphertext } of (decodeRow(stored.key, stored.value) as VaultEntry).parts) needles.push(Uint8Array.from(ciphertext))
    }
    assert.equal(rows, 9)
    for (const text of texts) {
      const bytes = Buffer.from(text, 'latin1')
      needles.push(bytes.subarray(4), printed(bytes).subarray(8))
    }
    for (const folder of folders) assert.notDeepEqual(filesWith(folder, needles), [], 'all of it is there before')

    let busy = true
    const counted = { events: 0, reads: 0, exports: 0 }
    const slowest = { events: 0, reads: 0 }
    const timed = async (what: keyof typeof slowest, path: string, body?: unknown): Promise<JsonObject> => {
      const began = performance.now()
      const answer = await ask(path, body)
      slowest[what] = Math.max(slowest[what], performance.now() - began)
      counted[what]++
      assert.equal(answer.status, 200, `${path} ${JSON.stringify(answer.body)}`)
      return answer.body
    }
    const beside = [
      ...Array.from({ length: 4 }, async (_, i) => {
        while (busy) {
          const results = (await timed('events', '/api/v1/events', [receipt(i), receipt(500 + i)])) as unknown as JsonObject[]
          assert.ok(results.every(({ outcome }) => outcome === 'sealed'))
        }
      }),
      ...Array.from({ length: 3 }, async (_, i) => {
        for (let n = 0; busy; n++) {
          const found = await timed('reads', `/api/v1/audit/notifications?customer_external_id=CUST_${10 + i}`)
          assert.equal(found['verification_status'] ?? found['status'] ?? 'verified', 'verified', JSON.stringify(found).slice(0, 300))
          const { records } = (await timed('reads', '/api/v1/records?log=notifications&limit=200')) as { records: JsonObject[] }
          assert.equal(records.length, 200)
        }
      }),
      (async () => {
        while (busy) {
          const order = await ask('/api/v1/exports', { person: 'external-id:CUST_10' })
          assert.ok([200, 201, 202].includes(order.status), JSON.stringify(order.body))
          for (let state = ''; state !== 'ready';) {
            state = String((await ask(`/api/v1/exports/${String(order.body['id'])}`)).body['state'])
            assert.notEqual(state, 'failed')
            await new Promise((resolve) => setImmediate(resolve))
          }
          counted.exports++
        }
      })(),
    ]
    const before = lists()
    const asked = await ask('/api/v1/erasures', { person: `external-id:CUST_${WHO}`, ground: 'GDPR Art. 17(1)(b)' })
    assert.ok([200, 202].includes(asked.status), JSON.stringify(asked.body))
    for (let state = ''; state !== 'completed';) {
      const { body } = await ask(`/api/v1/erasures/${String(asked.body['id'])}`)
      assert.equal(body['problem'] ?? null, null, JSON.stringify(body))
      state = String(body['state'])
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (let i = 0; i < 3; i++) await sealing.renewManifests()
    busy = false
    await Promise.all(beside)
    lists().forEach((list, i) => assert.notEqual(list, before[i], 'opened anew'))
    for (const folder of folders) assert.deepEqual(filesWith(folder, needles), [], folder)
    assert.ok(counted.events > 0 && counted.reads > 0 && counted.exports > 0, JSON.stringify(counted))
    t.diagnostic(`${JSON.stringify(counted)}, slowest ms ${JSON.stringify(slowest)}`)
    assert.equal((await ask('/api/v1/people', { person: `external-id:CUST_${WHO}` })).status, 404)
    assert.equal((await ask('/api/v1/people', { person: 'external-id:CUST_10' })).body['records'], 1)
    assert.deepEqual(
      lines.filter((line) => /"level":"(?:error|fatal)"/.test(line)),
      [],
    )
  } finally {
    await server.close()
  }
  assert.deepEqual(await world.closeAndAudit(), [])
  await world.end()
})
