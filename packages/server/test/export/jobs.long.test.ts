// The life of an export: who may fetch it, when it is gone, what a restart leaves, what stops it, and that sealing goes on beside it.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { verifyBundle } from '@sealtrail/evidence'
import type { JsonObject } from '@sealtrail/evidence'
import type { ExportJob, ExportMade, ExportOrder } from '../../src/export/export.ts'
import { Exports } from '../../src/export/exports.ts'
import { createLog } from '../../src/observe/log.ts'
import { startServer } from '../../src/threads/server.ts'
import { World } from '../flow/harness.ts'
import { fetchExport } from './fetched.ts'

const PATH = '/api/v1/exports'
const receipt = (message: string): JsonObject => ({ message_uuid: message, customer_external_id: 'CUST_5', delivery_status: 'DELIVERED' })
const batch = (from: number, count: number): JsonObject[] => Array.from({ length: count }, (_, i) => receipt(`m-${from + i}`))
let world: World
const open = async (count: number, yaml = ''): Promise<void> => {
  world = await World.open(yaml)
  if (count > 0) await world.send('/api/v1/events', batch(0, count), { role: 'ingest' })
  await world.flush()
}
const codeOf = async (body: unknown, role: 'officer' | 'auditor' = 'officer'): Promise<string> => {
  const { status, body: answer } = await world.send(PATH, body, { role })
  return status === 201 ? 'made' : `${status} ${String(answer['code'])}`
}

describe('exports', () => {
  afterEach(() => world.end())

  it('are for those who asked, and for those who see everything', async () => {
    await open(3)
    const { tokens } = world.local.served.deps
    const other = tokens.create('other.auditor', 'auditor', null).token
    const mine = String((await world.send(PATH, { subject: 'm-0' }, { role: 'auditor' })).body['id'])
    const theirs = String((await world.send(PATH, { subject: 'm-0' }, { role: 'officer' })).body['id'])
    const status = async (id: string, authorization: string, end = ''): Promise<number> =>
      (await world.send(`${PATH}/${id}${end}`, undefined, { method: 'GET', headers: { authorization } })).status
    const bearer = (role: 'auditor' | 'officer' | 'admin' | 'security' | 'ingest'): string => `Bearer ${world.tokens.get(role)}`
    for (const end of ['', '/bundle']) {
      assert.deepEqual(
        [await status(mine, bearer('auditor'), end), await status(mine, bearer('officer'), end), await status(mine, bearer('admin'), end)],
        [200, 200, 200],
      )
      assert.deepEqual([await status(theirs, bearer('officer'), end), await status(theirs, bearer('admin'), end)], [200, 200])
      assert.deepEqual([await status(theirs, bearer('auditor'), end), await status(mine, `Bearer ${other}`, end)], [404, 404])
      assert.deepEqual([await status(mine, bearer('security'), end), await status(mine, bearer('ingest'), end)], [403, 403])
      for (const id of ['0'.repeat(32), 'x', `..%2f${mine}`, `${mine}.json`]) assert.equal(await status(id, bearer('admin'), end), 404, id)
    }
    const seen = async (role: 'auditor' | 'officer'): Promise<string[]> =>
      ((await world.get(PATH, role)).body['exports'] as JsonObject[]).map(({ id }) => String(id))
    assert.deepEqual(await seen('auditor'), [mine])
    assert.deepEqual((await seen('officer')).sort(), [mine, theirs].sort())
    await world.restart()
    const reads = (await world.system('read')).flatMap((each) => each['reads'] as JsonObject[]).filter((each) => each['operation'] === 'readBundle')
    assert.deepEqual(
      reads.map(({ token, parameters }) => `${String(token)} ${String((parameters as string[])[0])}`).sort(),
      [`auditor.token ${mine}`, `officer.token ${mine}`, `admin.token ${mine}`, `officer.token ${theirs}`, `admin.token ${theirs}`].sort(),
    )
  })

  it('are refused when they are asked for wrongly, without an echo', async () => {
    await open(3)
    for (const [body, code] of [
      [{}, '400 BAD_REQUEST'],
      [{ subject: 'a', person: 'b' }, '400 BAD_REQUEST'],
      [{ subject: 7 }, '400 BAD_REQUEST'],
      [{ subject: '' }, '400 BAD_REQUEST'],
      [{ range: 'notifications' }, '400 BAD_REQUEST'],
      [{ range: 'notifications:3..1' }, '400 BAD_REQUEST'],
      [{ range: 'notifications:0..4' }, '400 BAD_REQUEST'],
      [{ range: 'notifications:4..' }, '400 BAD_REQUEST'],
      [{ range: 'notifications:00..1' }, '400 BAD_REQUEST'],
      [{ range: 'nothing:0..1' }, '404 UNKNOWN_TRAIL'],
      [{ query: {} }, '400 BAD_REQUEST'],
      [{ query: { limit: '1' } }, '400 BAD_REQUEST'],
      [{ query: { from: 'yesterday' } }, '400 BAD_REQUEST'],
      [{ query: { log: 'nothing' } }, '404 UNKNOWN_TRAIL'],
      ['[]', '400 BAD_REQUEST'],
      ['{', '400 NOT_JSON'],
      [{ range: 'notifications:0..3' }, 'made'],
      [{ range: 'notifications:0..' }, 'made'],
    ] as const)
      assert.equal(await codeOf(body), code, JSON.stringify(body))
    assert.deepEqual(
      readdirSync(join(world.data, 'exports')).filter((name) => !/^[0-9a-f]{32}\.(json|zip)$/.test(name)),
      [],
    )
    const person = await world.send(PATH, { person: '+4915112345678', x: 1 })
    assert.doesNotMatch(person.text, /4915112345678/)
  })

  it('have a limit', async () => {
    await open(20, 'limits: { exportRecords: 10 }')
    assert.equal(await codeOf({ range: 'notifications:0..11' }), '413 TOO_LARGE')
    assert.equal(await codeOf({ query: { log: 'notifications' } }), '413 TOO_LARGE')
    assert.equal(await codeOf({ person: 'CUST_5' }), '413 TOO_LARGE')
    assert.equal(await codeOf({ range: 'notifications:0..10' }), 'made')
  })

  it('hold one state of the log while it goes on growing', async () => {
    await open(300)
    // So many batches beside each export and no more: else a fast disk would make each export larger than the one before.
    let next = 300
    const grow = async (): Promise<void> => {
      for (let i = 0; i < 20; i++, next += 10) await world.send('/api/v1/events', batch(next, 10), { role: 'ingest' })
    }
    for (const body of [{ range: 'notifications:0..' }, { query: { log: 'notifications' } }, { person: 'CUST_5' }, { subject: 'm-7' }]) {
      const growing = grow()
      const bundle = await fetchExport(world, body)
      const verdict = await bundle.verify({ vkeys: [world.local.sealing.vkey('notifications')] })
      assert.deepEqual(verdict.problems, [])
      assert.equal(verdict.conclusion, 'established')
      bundle.end()
      await growing
    }
    assert.equal(world.local.sealing.sizes.get('notifications'), 1_100)
  })

  it('are made beside the server’s other threads', async () => {
    await open(0)
    await world.local.close()
    const log = createLog({ now: Date.now, level: 'error', write: (line) => void world.lines.push(line) })
    const server = await startServer({ ...world.loaded.config, ingestThreads: 1, listen: { host: '127.0.0.1', port: 0 } }, { log })
    const headers = { authorization: `Bearer ${world.tokens.get('admin')}`, 'content-type': 'application/json' }
    await fetch(`${server.url}/api/v1/events`, { method: 'POST', headers, body: JSON.stringify(batch(0, 30)) })
    const made = await fetch(`${server.url}${PATH}`, { method: 'POST', headers, body: JSON.stringify({ person: 'CUST_5' }) })
    const job = (await made.json()) as JsonObject
    assert.deepEqual([made.status, made.headers.get('location'), job['records']], [201, `${PATH}/${String(job['id'])}`, 30])
    const bundle = await (await fetch(`${server.url}${PATH}/${String(job['id'])}/bundle`, { headers })).blob()
    assert.deepEqual((await verifyBundle(bundle, { vkeys: [server.sealing.vkey('notifications')] })).problems, [])
    const wrong = await fetch(`${server.url}${PATH}`, { method: 'POST', headers, body: JSON.stringify({ range: 'notifications:0..31' }) })
    assert.equal(wrong.status, 400)
    const late = await fetch(`${server.url}${PATH}`, {
      method: 'POST',
      headers: { ...headers, prefer: 'respond-async' },
      body: JSON.stringify({ subject: 'm-1' }),
    })
    assert.deepEqual([late.status, late.headers.get('preference-applied')], [202, 'respond-async'])
    await server.close()
    await world.start()
    const states = ((await world.get(PATH, 'admin')).body['exports'] as JsonObject[]).map((each) => String(each['state']))
    assert.equal(states.length, 3)
    assert.ok(!states.includes('running') && !states.includes('queued'), states.join())
  })

  it('of a store that was changed are not made', async () => {
    await open(5)
    await world.local.close()
    // The hash files say something else than was sealed.
    const path = join(world.data, 'tiles/notifications/level-0')
    const hashes = readFileSync(path)
    hashes[40]! ^= 1
    await world.start()
    writeFileSync(path, hashes)
    assert.equal(await codeOf({ range: 'notifications:0..5' }), '500 DATA_CORRUPT')
    assert.deepEqual(
      readdirSync(join(world.data, 'exports')).filter((name) => !name.endsWith('.json')),
      [],
    )
    hashes[40]! ^= 1
    writeFileSync(path, hashes)
  })
})

describe('the desk of exports', () => {
  const made = (path: string): ExportMade => {
    writeFileSync(path, 'zip')
    return { size: 3, sha256: '0'.repeat(64), manifest: '1'.repeat(64), records: 1, logs: [], runs: {}, disclosed: {}, unfitStamps: [] }
  }
  const requester = { name: 'ann', role: 'officer', purpose: null } as const
  const deskOf = (folder: string, over: Partial<ConstructorParameters<typeof Exports>[0]> = {}): Exports =>
    new Exports({
      folder,
      make: (_, path) => Promise.resolve(made(path)),
      system: () => Promise.resolve(),
      openings: () => Promise.resolve([]),
      access: () => Promise.resolve({ keyIds: [], auditids: [] }),
      now: Date.now,
      keepMs: 1000,
      log: createLog({ now: Date.now, write: () => {} }),
      ...over,
    })
  const settled = async (desk: Exports, id: string): Promise<ExportJob> => {
    for (;;) {
      const job = desk.get(id) as ExportJob
      if (job.state === 'ready' || job.state === 'failed') return job
      await new Promise((done) => setImmediate(done))
    }
  }

  it('removes what is too old, and sweeps what a crash left', async () => {
    await open(0)
    const folder = join(world.folder, 'desk')
    let now = 1_000_000
    const desk = deskOf(folder, { now: () => now })
    const { id } = desk.create({ kind: 'subject', subject: 's' }, requester)
    assert.equal((await settled(desk, id)).expires, new Date(now + 1000).toISOString())
    now += 999
    assert.equal(desk.list().length, 1)
    now += 1
    assert.equal(desk.list().length, 0)
    assert.deepEqual(readdirSync(folder), [])

    const kept = desk.create({ kind: 'subject', subject: 's' }, requester).id
    await settled(desk, kept)
    const running = { id: 'a'.repeat(32), state: 'running', kind: 'person', created: new Date(now).toISOString(), requester, records: 5, expires: null }
    writeFileSync(join(folder, `${running.id}.json`), JSON.stringify(running))
    for (const stray of [`${running.id}.zip`, `${running.id}.zip.parts`, `${'b'.repeat(32)}.zip`, `${'c'.repeat(32)}.json.next`])
      writeFileSync(join(folder, stray), 'personal')
    writeFileSync(join(folder, `${'d'.repeat(32)}.json`), '{')
    const again = deskOf(folder, { now: () => now })
    assert.deepEqual(readdirSync(folder).sort(), [`${kept}.json`, `${kept}.zip`, `${running.id}.json`].sort())
    assert.equal(again.get(kept)?.state, 'ready')
    assert.deepEqual([again.get(running.id)?.state, again.get(running.id)?.error?.code], ['failed', 'NOT_READY'])
    await world.end()
  })

  it('gives nothing out that is not sealed, and writes no alias', async () => {
    await open(0)
    const folder = join(world.folder, 'desk')
    let path = ''
    const desk = deskOf(folder, {
      make: (order: ExportOrder, at) => {
        path = at
        assert.equal(order.asked.kind === 'person' && order.asked.alias, '+15551234567')
        return Promise.resolve(made(at))
      },
      system: () => Promise.reject(new Error('the disk is full')),
    })
    const job = await settled(desk, desk.create({ kind: 'person', alias: '+15551234567' }, requester).id)
    assert.equal(job.state, 'failed')
    assert.equal(existsSync(path), false)
    for (const name of readdirSync(folder)) assert.doesNotMatch(readFileSync(join(folder, name), 'utf8'), /15551234567/)
    await world.end()
  })

  it('makes one at a time, names every run it sealed, and stops when it closes', async () => {
    await open(0)
    const events: JsonObject[] = []
    let under = 0
    const runs = Array.from({ length: 4_000 }, (_, i): [number, number] => [i * 2, i * 2 + 1])
    const desk = deskOf(join(world.folder, 'desk'), {
      keepMs: 1e9,
      async make(_, path) {
        assert.equal(++under, 1)
        await new Promise((done) => setImmediate(done))
        under--
        const log = {
          log: 'calls',
          origin: 'o/calls',
          size: 8_000,
          root: '0',
          published: true,
          records: 4_000,
          first: 0,
          end: 7_999,
          range: null,
          timestamps: [],
        }
        return { ...made(path), logs: [{ ...log, fields: { disclosed: 1, sealed: 0, erased: 0, expired: 0, missing: 0 } }], runs: { calls: runs } }
      },
      system: (event) => Promise.resolve(void events.push(event.data)),
    })
    const ids = Array.from({ length: 3 }, () => desk.create({ kind: 'query', query: { subject: 'secret-subject' } }, requester).id)
    for (const id of ids) assert.equal((await settled(desk, id)).state, 'ready')
    assert.equal(events.length, 9)
    assert.deepEqual(
      events.slice(0, 3).flatMap((data) => (data['runs'] as JsonObject[]).map(({ from, to }) => [from, to])),
      runs,
    )
    assert.ok(events.every((data) => Buffer.byteLength(JSON.stringify(data)) < 60_000))
    assert.deepEqual(events[0]?.['asked'], { kind: 'query', parameters: ['subject'] })
    const last = desk.create({ kind: 'subject', subject: 's' }, requester).id
    await desk.close()
    assert.notEqual(desk.get(last)?.state, 'queued')
    assert.throws(() => desk.create({ kind: 'subject', subject: 's' }, requester), { code: 'NOT_READY' })
    await world.end()
  })
})
