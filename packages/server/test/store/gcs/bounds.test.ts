import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { parseGeneration } from '../../../src/store/gcs/generation.ts'
import { GcsStore } from '../../../src/store/gcs/store.ts'
import type { GcsOptions } from '../../../src/store/gcs/store.ts'
import { PATIENCE } from '../../../src/store/remote.ts'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { within } from './open.ts'

/** A store on a server that answers as the function says. */
async function hostile(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  run: (store: GcsStore) => Promise<void>,
  options: Partial<GcsOptions> = {},
): Promise<void> {
  const http = createServer((request, response) => {
    request.resume()
    request.once('end', () => answer(request, response))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const store = await GcsStore.open({
    bucket: 'bucket',
    prefix: '',
    endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    credentialsFile: null,
    timeoutMs: 60_000,
    requireLock: true,
    patience: { ...PATIENCE, tries: 2, pause: async () => undefined },
    ...options,
  })
  try {
    await run(store)
  } finally {
    await store.close()
    http.closeAllConnections()
    http.close()
  }
}

const KEY = keyOf('calls', 'segment', 0, Buffer.from('x'))
const item = (name: string, generation = '1'): unknown => ({ name, generation, metageneration: '1', size: '1' })
const json = (response: ServerResponse, value: unknown): void => void response.end(JSON.stringify(value))

test('an answer that never ends is cut off, at its size or at its time', async () => {
  await hostile(
    (_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(1024 * 1024)));
      }
      response.on('drain', more)
      response.on('error', () => undefined)
      more()
    },
    async (store) => {
      const before = process.memoryUsage().rss
      await assert.rejects(store.held(KEY), { code: 'STORE_UNREADABLE', message: /more than \d+ bytes/ })
      await assert.rejects(store.put(KEY, Buffer.from('x'), LOCK), { code: 'NOT_DURABLE' })
      await assert.rejects(keysIn(store, ''), { code: 'STORE_UNREADABLE' })
      assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024)
    },
  )
  await hostile(
    (_, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    },
    async (store) => {
      await assert.rejects(store.get(KEY), { code: 'STORE_UNREADABLE', message: /no answer within 200 ms/ })
    },
    { timeoutMs: 200 },
  )
})

test('a list that leads in a circle, is out of order or describes nothing ends in an error', async () => {
  for (const page of [
    { nextPageToken: 'again' },
    { items: [item('calls/hashes/b'), item('calls/hashes/a')] },
    { items: [{}] },
    { items: 'x' },
    { items: [null] },
    { items: [item('calls/hashes/a', '-1')] },
    { nextPageToken: 7 },
    [],
    null,
    7,
  ]) {
    await hostile(
      (_, response) => json(response, page),
      async (store) => {
        const listed = keysIn(store, '')
        // What is no list at all holds nothing.
        if (page === null || page === 7 || Array.isArray(page)) assert.deepEqual(await listed, [])
        else await assert.rejects(listed, { code: 'STORE_UNREADABLE' }, JSON.stringify(page))
      },
    )
  }
})

test('a name with generations without end is an error, and read no further', () => {
  let pages = 0
  return hostile(
    (_, response) => {
      pages++
      json(response, { nextPageToken: String(pages), items: Array.from({ length: 1_000 }, (_, i) => item(KEY, String(pages * 1_000 + i))) })
    },
    async (store) => {
      await assert.rejects(store.held(KEY), { code: 'STORE_UNREADABLE', message: /generations/ })
      assert.ok(pages < 4)
    },
  )
})

test('answers of any other kind: proxies, redirects, nothing', async () => {
  for (const status of [301, 307, 400, 401, 404, 407, 410, 418, 501, 505]) {
    await hostile(
      (_, response) => response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('<html>'),
      async (store) => {
        await assert.rejects(store.put(KEY, Buffer.from('x'), LOCK), { code: 'NOT_DURABLE' }, String(status))
        if (status !== 404) await assert.rejects(store.get(KEY), { code: 'STORE_UNREADABLE' }, String(status))
      },
    )
  }
})

test('a description is taken whole or not at all', () => {
  const whole = { name: 'a', generation: '17', metageneration: '1', size: '3' }
  assert.deepEqual(parseGeneration(whole), { ...whole, size: 3, lock: null, legalHold: false, live: true, createdMs: null })
  for (const wrong of [
    undefined,
    null,
    7,
    {},
    { ...whole, name: 7 },
    { ...whole, name: 'x'.repeat(2_000) },
    { ...whole, generation: 17 },
    { ...whole, generation: '' },
    { ...whole, generation: '1e3' },
    { ...whole, generation: '1'.repeat(20) },
    { ...whole, metageneration: undefined },
    { ...whole, size: '-1' },
    { ...whole, size: 3 },
    { ...whole, size: '9999999999999999999' },
  ])
    assert.throws(() => parseGeneration(wrong))
  const until = '2040-01-01T00:00:00.123456Z'
  for (const [retention, lock] of [
    [
      { mode: 'Locked', retainUntilTime: until },
      { mode: 'COMPLIANCE', retainUntilMs: Date.UTC(2040, 0, 1, 0, 0, 0, 123) },
    ],
    [
      { mode: 'Unlocked', retainUntilTime: until },
      { mode: 'GOVERNANCE', retainUntilMs: Date.UTC(2040, 0, 1, 0, 0, 0, 123) },
    ],
    [{ mode: 'LOCKED', retainUntilTime: until }, null],
    [{ mode: 'Locked' }, null],
    [{ retainUntilTime: until }, null],
    [{ mode: 'Locked', retainUntilTime: 'never' }, null],
    [{ mode: 'Locked', retainUntilTime: 7 }, null],
    ['Locked', null],
    [null, null],
  ] as const)
    assert.deepEqual(parseGeneration({ ...whole, retention }).lock, lock)
  assert.equal(parseGeneration({ ...whole, temporaryHold: 'true' }).legalHold, false)
  assert.equal(parseGeneration({ ...whole, eventBasedHold: true }).legalHold, true)
})

test('an error never shows what the store says of people, and names the right that is missing', () =>
  within(async (server, store) => {
    server.grants = new Set(['storage.objects.list', 'storage.objects.get', 'storage.objects.create'])
    const bytes = randomBytes(10)
    const error = (await store.put(keyOf('calls', 'segment', 1, bytes), bytes, LOCK).catch((cause: unknown) => cause)) as Error & { code: string }
    assert.equal(error.code, 'NOT_DURABLE')
    assert.match(error.message, /403 forbidden \(needs storage\.objects\.create, storage\.objects\.setRetention/)
    assert.doesNotMatch(error.message, /someone|example/)
  }))
