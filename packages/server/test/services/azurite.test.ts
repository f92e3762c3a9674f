import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { AzureStore, type AzureOptions } from '../../src/store/azure/store.ts'
import { azuriteBlob } from '../../../../scripts/azurite.ts'
import { keyOf, keysIn, LOCK } from '../store/store.suite.ts'
import { command, LOG, Served } from './served.ts'

/** The account that the emulator's documentation publishes. */
const ACCOUNT = 'devstoreaccount1'
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

let endpoint = ''
let made = 0
let stop = (): void => {}

before(async () => {
  const main = await azuriteBlob()
  const args = ['--blobHost', '127.0.0.1', '--blobPort', '0', '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry']
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  stop = () => void child.kill()
  endpoint = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const address = /successfully listens on (http:\S+)/.exec(said)
      if (address !== null) resolve(`${address[1]!}/${ACCOUNT}`)
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`azurite ended (${code}): ${said}`)))
  })
})
after(() => stop())

/** A store in a container of its own. */
async function open(options: Partial<AzureOptions> = {}): Promise<AzureStore> {
  const container = options.container ?? `sealed${made++}`
  if (options.container === undefined) await new ContainerClient(`${endpoint}/${container}`, new StorageSharedKeyCredential(ACCOUNT, KEY)).create()
  return AzureStore.open({ account: ACCOUNT, accountKey: KEY, endpoint, prefix: '', timeoutMs: 20_000, requireLock: true, ...options, container })
}

test('it answers 201 to the lock and forgets it: the put says so', async () => {
  const store = await open()
  const bytes = randomBytes(300)
  const key = keyOf('calls', 'segment', 0, bytes)
  for (let i = 0; i < 2; i++) await assert.rejects(store.put(key, bytes, LOCK), { code: 'STORE_NOT_LOCKED' })
  await assert.rejects(store.put(key, bytes, LOCK, { format: 'sealtrail/segment/1', legalHold: true }), { code: 'STORE_NOT_LOCKED' })
  await assert.rejects(store.extend(key, LOCK), { code: 'STORE_NOT_LOCKED' })
  await assert.rejects(store.hold(key, true), { code: 'STORE_NOT_LOCKED' })
  assert.equal((await store.held(key))?.lock, null)
})

test('a probe finds that nothing is enforced, and leaves nothing behind', async () => {
  const store = await open()
  const probe = await store.probe({ now: Date.now, random: randomBytes, pause: async () => {} })
  assert.equal(probe.assurance, 'none', JSON.stringify(probe.checks))
  assert.ok(probe.checks.some(({ name, result }) => name === 'lock-shown' && result === 'broken'))
  assert.ok(probe.checks.some(({ name, result }) => name === 'delete-held' && result === 'broken'))
  assert.deepEqual(await keysIn(store, ''), [])
})

test('told to go on without locks it is a store like any other: bytes read back, none written over, listed in order', async () => {
  const store = await open({ requireLock: false, prefix: 'audit/eu/' })
  const objects = [1, 300, 70_000, 5 * 1024 * 1024].map((size) => randomBytes(size))
  const keys = objects.map((bytes, i) => keyOf('calls', i % 2 === 0 ? 'segment' : 'hashes', i, bytes))
  for (const [i, bytes] of objects.entries()) {
    const about = { format: 'sealtrail/segment/1', schemas: ['https://example.com/a'], tags: ['pci'] }
    assert.deepEqual(await store.put(keys[i]!, bytes, LOCK, about), { key: keys[i], size: bytes.length, assurance: 'none', version: null })
    assert.equal((await store.put(keys[i]!, bytes, LOCK)).assurance, 'none')
    await assert.rejects(store.put(keys[i]!, randomBytes(30), LOCK), { code: 'ALREADY_WRITTEN' })
    assert.deepEqual(Buffer.from((await store.get(keys[i]!))!), bytes)
  }
  const sorted = keys.toSorted()
  assert.deepEqual(await keysIn(store, ''), sorted)
  for (const after of sorted)
    assert.deepEqual(
      await keysIn(store, 'calls/', after),
      sorted.filter((key) => key > after),
    )
  assert.equal(await store.get(keyOf('calls', 'segment', 9, randomBytes(3))), null)
  await store.remove(sorted[0]!, Date.now())
  assert.deepEqual(await keysIn(store, ''), sorted.slice(1))
})

test('sixteen writers of one object: it lies there once, and every one of them has it', async () => {
  const bytes = randomBytes(3_000)
  const key = keyOf('calls', 'segment', 0, bytes)
  const container = 'raced'
  await new ContainerClient(`${endpoint}/${container}`, new StorageSharedKeyCredential(ACCOUNT, KEY)).create()
  const stores = await Promise.all(Array.from({ length: 16 }, () => open({ requireLock: false, container })))
  const stored = await Promise.all(stores.map((store) => store.put(key, bytes, LOCK)))
  assert.ok(stored.every(({ size }) => size === bytes.length))
  assert.deepEqual(await keysIn(stores[0]!, ''), [key])
})

test('a wrong key and a container that is not there are said, without what was sent', async () => {
  const bytes = randomBytes(30)
  const key = keyOf('calls', 'segment', 0, bytes)
  for (const [options, told] of [
    [{ container: 'nowhere' }, /404 ContainerNotFound/],
    [{ accountKey: Buffer.from('another').toString('base64') }, /403/],
  ] as const) {
    const store = await open(options)
    await assert.rejects(store.put(key, bytes, LOCK), (error: Error & { code: string }) => error.code === 'NOT_DURABLE' && told.test(error.message))
    await assert.rejects(store.get(key), (error: Error & { code: string }) => error.code === 'STORE_UNREADABLE' && told.test(error.message))
    await assert.rejects(keysIn(store, ''), { code: 'STORE_UNREADABLE' })
  }
})

test('a whole server on it: nothing is taken while it has to be locked; told to go on it seals, says so, and is verified from there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-azurite-'))
  const container = 'served'
  await new ContainerClient(`${endpoint}/${container}`, new StorageSharedKeyCredential(ACCOUNT, KEY)).create()
  writeFileSync(join(folder, 'key'), KEY)
  const yaml = (prefix: string, more: string): string =>
    `store: { type: azure, account: ${ACCOUNT}, container: ${container}, prefix: ${prefix}, endpoint: '${endpoint}', accountKey: 'file:${join(folder, 'key')}'${more} }\n`
  try {
    const locked = await Served.start(join(folder, 'stops'), yaml('stops', ''))
    assert.equal((await locked.post([1])).status, 503)
    assert.match(await (await locked.get('/readyz')).text(), /none|not locked|STORE_NOT_LOCKED|lock/i)
    await locked.program.stop()

    const server = await Served.start(join(folder, 'goes-on'), yaml('goes-on', ', unlocked: go-on'))
    const ids = await server.seal(1, 300)
    assert.equal(new Set(ids).size, 300)
    await server.stop()
    const address = `azure://${ACCOUNT}/${container}/goes-on?endpoint=${encodeURIComponent(endpoint)}`
    const { exit, out, err } = await command(['verify', address, '--json'], { AZURE_STORAGE_KEY: KEY })
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { log: string; ok: boolean; size: number })
    assert.ok(
      lines.some(({ log, ok, size }) => log === LOG && ok && size === 300),
      `${exit}: ${out}${err}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
