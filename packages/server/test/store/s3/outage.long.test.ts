// Answers that are lost, late, cut or refused: nothing is believed stored that is not, nothing is stored twice.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { BUCKET, openOn, PREFIX, SWIFT, withServer } from './open.ts'
import type { Fault, S3Server, Seen } from './server.ts'

const put = ({ operation }: Seen): boolean => operation === 'PutObject'

function object(size = 500): { key: string; bytes: Buffer } {
  const bytes = randomBytes(size)
  return { key: keyOf('calls', 'segment', 0, bytes), bytes }
}

async function assertOnce(server: S3Server, key: string, bytes: Buffer): Promise<void> {
  const versions = server.bucket(BUCKET).of(PREFIX + key)
  assert.equal(versions.length, 1)
  assert.deepEqual(versions[0]!.bytes, bytes)
  assert.equal(versions[0]!.retention?.mode, 'COMPLIANCE')
}

test('whatever becomes of a put’s answer, there is exactly one object, locked', async () => {
  for (const does of ['internal-error', 'slow-down', 'cut', 'cut-after', 'hang', 'hang-after'] as const satisfies Fault['does'][]) {
    for (const times of [1, 2, 4]) {
      await withServer(async (server) => {
        const store = openOn(server, { timeoutMs: 150 })
        const { key, bytes } = object()
        server.fault({ does, on: put, times })
        const stored = await store.put(key, bytes, LOCK)
        await assertOnce(server, key, bytes)
        assert.equal(stored.version, server.bucket(BUCKET).of(PREFIX + key)[0]!.id)
        assert.equal((await store.held(key))?.others, 0)
        await store.close()
      })
    }
  }
})

test('any one request of a put may fail in any way', async () => {
  let requests = 1
  for (const does of ['internal-error', 'cut', 'cut-after', 'cut-answer', 'hang-after'] as const) {
    for (let at = 0; at < requests; at++) {
      await withServer(async (server) => {
        const store = openOn(server, { timeoutMs: 150 })
        const { key, bytes } = object()
        let seen = 0
        server.fault({ does, on: () => seen++ === at })
        await store.put(key, bytes, LOCK)
        requests = Math.max(requests, 3)
        await assertOnce(server, key, bytes)
        await store.close()
      })
    }
  }
})

test('the last attempt is looked for, too', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const { key, bytes } = object()
    server.fault({ does: 'slow-down', on: put, times: SWIFT.tries - 1 })
    server.fault({ does: 'cut-after', on: put })
    await store.put(key, bytes, LOCK)
    await assertOnce(server, key, bytes)
    assert.equal(server.count('PutObject'), SWIFT.tries)
    await store.close()
  }))

test('an answer that never ends is given up in time, however lively it is', () =>
  withServer(async (server) => {
    const store = openOn(server, { timeoutMs: 150 })
    const { key, bytes } = object()
    await store.put(key, bytes, LOCK)
    server.fault({ does: 'drip', on: ({ operation }) => operation === 'GetObject', times: Infinity })
    await assert.rejects(store.get(key), { code: 'STORE_UNREADABLE' })
    await store.close()
  }))

test('a store that is gone is told so after bounded attempts, and the same put succeeds when it is back', () =>
  withServer(async (server) => {
    const store = openOn(server, { timeoutMs: 200 })
    const { key, bytes } = object()
    await server.goAway()
    await assert.rejects(store.put(key, bytes, LOCK), { code: 'NOT_DURABLE' })
    await assert.rejects(store.get(key), { code: 'STORE_UNREADABLE' })
    await assert.rejects(keysIn(store, ''), { code: 'STORE_UNREADABLE' })
    await server.comeBack()
    await store.put(key, bytes, LOCK)
    await assertOnce(server, key, bytes)
    const forever = server.fault({ does: 'slow-down', times: Infinity })
    const before = server.count()
    const other = object()
    await assert.rejects(store.put(other.key, other.bytes, LOCK), { code: 'NOT_DURABLE' })
    assert.ok(server.count() - before <= 30, `${server.count() - before} requests`)
    forever()
    await store.close()
  }))

test('half a body is no object: it is asked for again, and in the end not given', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const { key, bytes } = object(100_000)
    await store.put(key, bytes, LOCK)
    server.fault({ does: 'cut-answer', on: ({ operation }) => operation === 'GetObject', times: 2 })
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    server.fault({ does: 'cut-answer', on: ({ operation }) => operation === 'GetObject', times: Infinity })
    await assert.rejects(store.get(key), { code: 'STORE_UNREADABLE' })
    await store.close()
  }))

test('many puts at a slow store: few are under way at once, all stand', () =>
  withServer(async (server) => {
    const store = openOn(server)
    server.fault({ does: 20, on: put, times: Infinity })
    const objects = Array.from({ length: 40 }, () => object(2_000))
    await Promise.all(objects.map(({ key, bytes }) => store.put(key, bytes, LOCK)))
    assert.ok(server.mostUnderWay <= 16, String(server.mostUnderWay))
    for (const { key, bytes } of objects) await assertOnce(server, key, bytes)
    await store.close()
  }))
