// A whole server with a second store: the first one lost, the second one gone.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Config } from '../../src/config/config.ts'
import { openLocal } from '../../src/threads/local.ts'
import { sealtrail } from '../cli/io.ts'
import { configFor } from '../crash/child.ts'
import { Book, HELD, quiet, range, send, temporary } from '../crash/harness.ts'
import { S3Server } from '../store/s3/server.ts'

async function withReplica(mode: 'sync' | 'follow', run: (config: Config, server: S3Server) => Promise<void>): Promise<void> {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIATEST'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
  const server = await S3Server.start()
  server.bucket('copies')
  const { data, remove } = temporary()
  const base = configFor(data, HELD.sequence)
  try {
    await run({ ...base, store: { ...base.store, timeoutMs: 2_000, replica: { place: server.place('copies', 'eu/'), mode } } }, server)
  } finally {
    remove()
    await server.close()
  }
}

const states = async (source: string, ...more: string[]): Promise<string[]> => {
  const { out } = await sealtrail(['verify', source, '--json', ...more])
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { log: string; size: number; root: string; ok: boolean })
    .filter(({ log, size }) => log !== '*' && size > 0)
    .map(({ log, size, root, ok }) => `${log} ${size} ${root} ${ok}`)
}

test('sync: the directory and its store lost, everything acknowledged comes back from the replica', () =>
  withReplica('sync', async (config, server) => {
    const { data } = config
    const local = await openLocal(config, { log: quiet })
    const book = new Book()
    await send(local, book, 'notifications', range(0, 40))
    await send(local, book, 'interactions', range(0, 20))
    await local.sealing.flush()
    assert.deepEqual(local.sealing.notes(), [])
    await local.close()
    const before = await states(data, '--no-vault')
    const address = `s3://copies/eu/?endpoint=${encodeURIComponent(server.endpoint)}`
    assert.deepEqual(await states(address), before)
    const into = join(data, '..', 'again')
    const { exit, out } = await sealtrail(['recover', '--store', address, '--data', into, '--keys', join(data, 'keys')])
    assert.equal(exit, 0, out)
    rmSync(data, { recursive: true })
    assert.deepEqual(await states(into, '--no-vault'), before)
    // The replica is the store from now on.
    const place = server.place('copies', 'eu/')
    const goesOn = await openLocal({ ...config, data: into, store: { ...config.store, place, replica: null } }, { log: quiet })
    await send(goesOn, new Book(), 'notifications', range(0, 50))
    await goesOn.sealing.drained()
    assert.equal(goesOn.sealing.sizes.get('notifications'), 50)
    await goesOn.close()
  }))

test('sync: a replica that is gone stops sealing and is named; back again, what was accepted is sealed in both', () =>
  withReplica('sync', async (config, server) => {
    const local = await openLocal({ ...config, limits: { ...config.limits, answerWithinMs: 300 } }, { log: quiet })
    const book = new Book()
    await send(local, book, 'notifications', range(0, 10))
    const lift = server.fault({ does: 'refuse', times: Infinity })
    await send(local, book, 'notifications', range(10, 15))
    while (local.sealing.notes().length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.match(local.sealing.notes().join(), /^replica: nothing is sealed while it takes nothing: NOT_DURABLE: .*in the main store and not in the replica/)
    assert.equal(local.sealing.sizes.get('notifications'), 10, 'nothing is acknowledged that is in one store only')
    lift()
    await local.sealing.drained()
    assert.equal(local.sealing.sizes.get('notifications'), 15)
    assert.deepEqual(local.sealing.notes(), [])
    await local.close()
    assert.deepEqual(await states(`s3://copies/eu/?endpoint=${encodeURIComponent(server.endpoint)}`), await states(config.data, '--no-vault'))
  }))

test('follow: a replica that is gone keeps nothing back, is told of, and has everything after the next start', () =>
  withReplica('follow', async (config, server) => {
    const local = await openLocal(config, { log: quiet })
    const book = new Book()
    await send(local, book, 'notifications', range(0, 10))
    const lift = server.fault({ does: 'refuse', times: Infinity })
    await send(local, book, 'notifications', range(10, 30))
    await local.sealing.drained()
    assert.equal(local.sealing.sizes.get('notifications'), 30)
    while (local.sealing.notes().length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.match(local.sealing.notes().join(), /^replica: \d+ objects behind, not filled: /)
    await local.close()
    lift()
    const again = await openLocal(config, { log: quiet })
    const address = `s3://copies/eu/?endpoint=${encodeURIComponent(server.endpoint)}`
    const wanted = (await states(address)).length
    assert.ok(wanted > 0)
    for (let i = 0; i < 200 && !(await states(address)).some((state) => state.startsWith('notifications 30 ')); i++)
      await new Promise((resolve) => setImmediate(resolve))
    await again.close()
    assert.ok((await states(address)).some((state) => state.startsWith('notifications 30 ')))
  }))
