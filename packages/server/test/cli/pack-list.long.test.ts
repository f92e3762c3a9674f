// `sealtrail pack list`: of a running server, with what detection found in fields its packs call plain.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { after, test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { Tokens } from '../../src/http/tokens.ts'
import { createLog } from '../../src/observe/log.ts'
import { startServer } from '../../src/threads/server.ts'
import { receipt, scratch, sealtrail } from './io.ts'

const place = scratch()
after(() => place.remove())

test('of a server with two ingest threads, summed up; of a directory that nobody serves, the packs alone', async () => {
  const data = place.at('data')
  mkdirSync(data)
  const { config } = loadConfig(null, { cwd: place.path, env: {}, data, port: 0 })
  const tokens = new Tokens({ data, now: Date.now, random: randomBytes })
  const ingest = tokens.create('in', 'ingest', null).token
  const { token } = tokens.create('far', 'auditor', null)
  const server = await startServer({ ...config, ingestThreads: 2 }, { log: createLog({ now: Date.now, level: 'error' }) })
  try {
    for (let i = 0; i < 40; i++) {
      const body = JSON.stringify({ ...receipt(i), carrier_error_code: '+44 20 7946 0958' })
      const answer = await fetch(`${server.url}/api/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ingest}`, 'content-type': 'application/json' },
        body,
      })
      assert.ok(answer.ok, String(answer.status))
      await answer.arrayBuffer()
    }
    const list = (): ReturnType<typeof sealtrail> =>
      sealtrail(['pack', 'list'], { cwd: place.path, env: { SEALTRAIL_URL: server.url, SEALTRAIL_TOKEN: token } })
    let out = ''
    // Threads hand their counts on every second.
    while (!out.includes(': 40 times')) out = (await list()).out
    assert.match(out, /^notifications +genesys-notifications 1 +sha256:/m)
    assert.match(
      out,
      /^found since the start in fields that are called plain, and committed \(correct the pack\):\n {2}notifications carrier_error_code: 40 times a telephone number$/m,
    )
    assert.doesNotMatch(out, /7946/)
  } finally {
    await server.close()
  }
  const { exit, out } = await sealtrail(['pack', 'list', '--data', data])
  assert.equal(exit, 0)
  assert.match(out, /genesys-notifications 1/)
  assert.doesNotMatch(out, /found since/)
})
