// kill -9 between a finding and its sealing: the finding is sealed at the next start, once.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../../src/event/json.ts'
import { Program } from '../services/outside.ts'
import { Served } from '../services/served.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

for (const point of ['assure:noted', 'assure:sealed']) {
  test(`a server killed at ${point} has its finding sealed by the next one, once`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sealtrail-killed-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const data = join(folder, 'data')
    const { child } = new Program(process.execPath, ['--conditions=@sealtrail/source', MAIN, 'serve', '--data', data, '--port', '0'], {
      env: { ...process.env, SEALTRAIL_CRASH_AT: point },
    })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    assert.equal(signal, 'SIGKILL')
    const served = await Served.start(data, JSON.stringify({ limits: { ingestThreads: 1 } }))
    let records: JsonObject[] = []
    while (records.length < 2)
      ({ records } = JSON.parse(await served.text('/api/v1/records?log=system&type=sealtrail.system.probe&limit=100')) as { records: JsonObject[] })
    assert.deepEqual(
      records.map((record) => (record['data'] as JsonObject)['why']),
      ['start', 'start'],
    )
    assert.equal(new Set(records.map((record) => (record['data'] as JsonObject)['observed'])).size, 2)
    await served.stop()
  })
}
