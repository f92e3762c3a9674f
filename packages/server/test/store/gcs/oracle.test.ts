// Google's own client takes our server in the process for the real one: what it sends is understood, what it expects comes back.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { CRC32C, Storage } from '@google-cloud/storage'
import { checksumOf } from '../../../src/store/gcs/bucket.ts'
import { keyOf, LOCK } from '../store.suite.ts'
import { within } from './open.ts'

const UNTIL = new Date(LOCK.retainUntilMs).toISOString()
const code =
  (expected: number) =>
  (error: unknown): boolean =>
    (error as { code?: unknown }).code === expected

test('what Google’s client writes we read, what we write it reads, and the rules hold it back as they are documented', () =>
  within(async (server, store) => {
    const client = new Storage({ apiEndpoint: server.endpoint, projectId: 'p', retryOptions: { autoRetry: false } })
    const bucket = client.bucket('bucket')
    const [mine, theirs] = [randomBytes(3_000), randomBytes(3_000)]
    const [key, other] = [keyOf('calls', 'segment', 1, mine), keyOf('calls', 'segment', 2, theirs)]
    await bucket.file(other).save(theirs, { resumable: false, validation: 'crc32c', metadata: { retention: { mode: 'Locked', retainUntilTime: UNTIL } } })
    assert.deepEqual(Buffer.from((await store.get(other))!), theirs)
    assert.deepEqual((await store.held(other))?.lock, LOCK)
    const { version } = await store.put(key, mine, LOCK, { format: 'sealtrail/segment/1' })
    const [got] = await bucket.file(key, { generation: version! }).download({ validation: false })
    assert.deepEqual(got, mine)
    const [metadata] = await bucket.file(key).getMetadata()
    assert.deepEqual(
      [metadata.retention, metadata.generation, metadata.metadata],
      [{ mode: 'Locked', retainUntilTime: UNTIL }, version, { format: 'sealtrail/segment/1' }],
    )
    // Delete, by generation and not; shorten; clear; write over.
    await assert.rejects(bucket.file(key, { generation: version! }).delete(), code(403))
    const shorter = { retention: { mode: 'Locked', retainUntilTime: new Date(LOCK.retainUntilMs - 1_000).toISOString() } }
    await assert.rejects(bucket.file(key).setMetadata(shorter), code(403))
    await assert.rejects(bucket.file(key).setMetadata({ retention: null }), code(403))
    await assert.rejects(bucket.file(key).save(theirs, { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }), code(412))
    await bucket.file(key).save(theirs, { resumable: false })
    await bucket.file(key).delete()
    const [files] = await bucket.getFiles({ prefix: 'calls/', versions: true })
    assert.deepEqual(
      files.map(({ name }) => name),
      [key, key, other],
    )
    assert.deepEqual(Buffer.from((await store.get(key))!), mine)
    await assert.rejects(bucket.file('nothing').getMetadata(), code(404))
  }))

test('Google’s client deletes by name what does not fit its checksum: why it does not write evidence (decision 0017)', () =>
  within(async (server) => {
    const client = new Storage({ apiEndpoint: server.endpoint, projectId: 'p', retryOptions: { autoRetry: false } })
    server.rules.lies.add('turns-a-bit')
    await assert.rejects(client.bucket('bucket').file('x').save(randomBytes(10), { resumable: false, validation: 'crc32c' }))
    assert.deepEqual(
      server.seen.map(({ method, query }) => [method, query.has('generation')]),
      [
        ['objects.insert', false],
        ['objects.delete', false],
      ],
    )
  }))

test('a checksum is what Google’s own code says', () => {
  assert.equal(checksumOf(Buffer.from('data')), 'rth90Q==')
  for (let length = 0; length < 100; length++) {
    const bytes = randomBytes(length)
    const theirs = new CRC32C()
    theirs.update(bytes)
    assert.equal(checksumOf(bytes), theirs.toString())
  }
})
