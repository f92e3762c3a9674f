// Who may write the bucket, or runs it, against what the adapter makes of it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { keyOf, keysIn, LOCK } from '../store.suite.ts'
import { BUCKET, openOn, PREFIX, SWIFT, withServer } from './open.ts'
import type { Lie } from './bucket.ts'
import { element, elements } from './failure.ts'
import type { S3Server } from './server.ts'

const bytes = randomBytes(700)
const key = keyOf('calls', 'segment', 0, bytes)
const plant = (server: S3Server, other: Buffer, at = key): void =>
  void server.bucket(BUCKET).put({ key: PREFIX + at, bytes: other, metadata: {}, retention: null, hold: null, ifNoneMatch: false })
const mark = (server: S3Server): void => void server.bucket(BUCKET).delete(PREFIX + key, null, null)

test('written over, deleted, written again: the object is what was written first, and it is told that there is more', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const { version } = await store.put(key, bytes, LOCK)
    const attacks: (() => void)[] = [
      () => plant(server, randomBytes(9)),
      () => mark(server),
      () => mark(server),
      () => plant(server, Buffer.alloc(0)),
      () => plant(server, randomBytes(5_000)),
      () => mark(server),
    ]
    for (const [i, attack] of attacks.entries()) {
      attack()
      assert.deepEqual(Buffer.from((await store.get(key))!), bytes, `attack ${i}`)
      const held = await store.held(key)
      assert.equal(held?.version, version)
      assert.equal(held?.size, bytes.length)
      assert.equal(held?.others, i + 1)
      const listed: { key: string; size: number }[] = []
      for await (const each of store.list('calls/')) listed.push(each)
      assert.deepEqual(listed, [{ key, size: bytes.length }])
      // The same put again finds it, and adds nothing.
      const before = server.bucket(BUCKET).all().length
      assert.equal((await store.put(key, bytes, LOCK)).version, version)
      assert.equal(server.bucket(BUCKET).all().length, before)
    }
    await store.close()
  }))

test('the key was taken before us: our bytes stand beside it, and are the ones given', () =>
  withServer(async (server) => {
    plant(server, randomBytes(40))
    const store = openOn(server)
    await store.put(key, bytes, LOCK)
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    assert.equal((await store.held(key))?.others, 1)
    await store.close()
  }))

test('a key without a digest: what was written first is the object', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const named = 'calls/kept/first'
    await store.put(named, bytes, LOCK)
    plant(server, randomBytes(10), named)
    assert.deepEqual(Buffer.from((await store.get(named))!), bytes)
    assert.equal((await store.held(named))?.others, 1)
    await assert.rejects(store.put(named, randomBytes(10), LOCK), { code: 'ALREADY_WRITTEN' })
    await store.close()
  }))

test('a list in pages, however small and wherever they end: each key once, with the size of the object', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const objects = Array.from({ length: 7 }, (_, i) => randomBytes(100 + i))
    const keys = objects.map((each, i) => keyOf('calls', 'segment', i, each))
    for (const [i, each] of objects.entries()) {
      await store.put(keys[i]!, each, LOCK)
      for (let other = 0; other < i % 4; other++) plant(server, randomBytes(5), keys[i])
      if (i % 3 === 0) server.bucket(BUCKET).delete(PREFIX + keys[i]!, null, null)
    }
    for (const pageSize of [1, 2, 3, 4, 5, 8, 1000]) {
      server.pageSize = pageSize
      const listed: { key: string; size: number }[] = []
      for await (const each of store.list('')) listed.push(each)
      assert.deepEqual(
        listed,
        keys.map((each, i) => ({ key: each, size: 100 + i })),
        `pages of ${pageSize}`,
      )
      assert.deepEqual(await keysIn(store, 'calls/', keys[3]), keys.slice(4))
      for (const [i, each] of keys.entries()) {
        assert.deepEqual(Buffer.from((await store.get(each))!), objects[i])
        assert.equal((await store.held(each))?.others, (i % 4) + (i % 3 === 0 ? 1 : 0))
      }
    }
    await store.close()
  }))

test('what others keep in the bucket, and keys no XML can hold, are passed over', () =>
  withServer(async (server) => {
    const store = openOn(server)
    await store.put(key, bytes, LOCK)
    for (const strange of ['calls/segment/\u0001', 'calls/segment/a&b<c>', 'calls/segment/%zz +é', '.probe/x', 'zz', 'calls/segment/zz'])
      plant(server, randomBytes(3), strange)
    assert.deepEqual(await keysIn(store, 'calls/segment/0'), [key])
    assert.ok((await keysIn(store, '')).includes(key))
    await store.close()
  }))

test('a lock that is weaker than was asked is mended, and where it cannot be the put fails', async () => {
  await withServer(async (server) => {
    const store = openOn(server)
    // What an earlier put left, softer and shorter.
    await store.put(key, bytes, { mode: 'GOVERNANCE', retainUntilMs: server.now() + 60_000 })
    await store.put(key, bytes, LOCK)
    assert.equal(server.bucket(BUCKET).of(PREFIX + key).length, 1)
    assert.equal(server.bucket(BUCKET).of(PREFIX + key)[0]!.retention?.mode, 'COMPLIANCE')
    await store.close()
  })
  await withServer(async (server) => {
    // The lock headers of a put are ignored without a word: set afterwards, it stands.
    server.lies.add('forget-lock')
    const store = openOn(server)
    await store.put(key, bytes, LOCK)
    assert.equal(server.bucket(BUCKET).of(PREFIX + key)[0]!.retention?.mode, 'COMPLIANCE')
    // And where that is refused, it does not count.
    const other = randomBytes(10)
    server.fault({ does: 'refuse', on: ({ operation }) => operation === 'PutObjectRetention', times: Infinity })
    await assert.rejects(store.put(keyOf('calls', 'segment', 1, other), other, LOCK), { code: 'STORE_NOT_LOCKED' })
    await store.close()
    const lax = openOn(server, { requireLock: false })
    assert.equal((await lax.put(keyOf('calls', 'segment', 1, other), other, LOCK)).assurance, 'none')
    await lax.close()
  })
})

test('bytes that come back changed are not stored', () =>
  withServer(async (server) => {
    const store = openOn(server)
    server.fault({
      does: 0,
      times: Infinity,
      on: ({ operation }) => {
        const [version] = server.bucket(BUCKET).of(PREFIX + key)
        if (operation === 'GetObject' && version?.bytes != null) version.bytes[3]! ^= 1
        return false
      },
    })
    await assert.rejects(store.put(key, Buffer.from(bytes), LOCK), { code: 'NOT_DURABLE' })
    await store.close()
  }))

test('a lock that may not be seen is not taken for none: the right that is missing is named', async () => {
  const needed = ['s3:PutObject', 's3:PutObjectRetention', 's3:GetObject', 's3:GetObjectVersion', 's3:ListBucket', 's3:ListBucketVersions']
  await withServer(async (server) => {
    server.limit('AKIALESS', needed)
    const store = openOn(server, {}, SWIFT, 'AKIALESS')
    await assert.rejects(store.put(key, bytes, LOCK), /s3:GetObjectRetention is missing/)
    await assert.rejects(store.held(key), /s3:GetObjectRetention is missing/)
    server.limit('AKIALESS', [...needed, 's3:GetObjectRetention'])
    await store.put(key, bytes, LOCK)
    await assert.rejects(store.held(key), /s3:GetObjectLegalHold is missing/)
    server.limit('AKIALESS', [...needed, 's3:GetObjectRetention', 's3:GetObjectLegalHold'])
    assert.equal((await store.held(key))?.lock?.mode, 'COMPLIANCE')
    await assert.rejects(store.hold(key, true), { code: 'STORE_NOT_LOCKED' })
    server.limit('AKIALESS', ['s3:PutObject', 's3:PutObjectRetention'])
    const other = randomBytes(10)
    await assert.rejects(store.put(keyOf('calls', 'segment', 1, other), other, LOCK), { code: 'NOT_DURABLE' })
    await store.close()
  })
})

test('each put carries both checksums, mode and date; a lock that answers leave out is asked for by name', () =>
  withServer(async (server) => {
    server.lies.add('hide-lock')
    const store = openOn(server)
    await store.put(key, bytes, LOCK)
    const [sent] = server.seen.filter(({ operation }) => operation === 'PutObject')
    assert.deepEqual(
      ['content-md5', 'x-amz-checksum-sha256', 'x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date'].filter(
        (name) => sent?.headers[name] === undefined,
      ),
      [],
    )
    assert.equal(server.count('PutObjectRetention'), 0)
    assert.equal((await store.held(key))?.lock?.mode, 'COMPLIANCE')
    await store.close()
  }))

test('what must stay is not removed, even from a store that would', () =>
  withServer(async (server) => {
    for (const lie of ['delete', 'unhold'] as const) server.lies.add(lie)
    const store = openOn(server)
    const lock = { mode: 'COMPLIANCE', retainUntilMs: server.now() + 60_000 } as const
    await store.put(key, bytes, lock, { format: 'x', legalHold: true })
    await assert.rejects(store.remove(key, lock.retainUntilMs + 1), /legal hold/)
    await store.hold(key, false)
    await assert.rejects(store.remove(key, lock.retainUntilMs - 1), /locked until/)
    assert.equal(server.count('DeleteObject'), 0)
    await store.remove(key, lock.retainUntilMs + 1)
    assert.equal(await store.get(key), null)
    await store.close()
  }))

test('a legal hold goes with the put, and what is said of the object stays within what S3 takes', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const schemas = Array.from({ length: 100 }, (_, i) => `urn:sealtrail:schema:notifications:${i}`)
    await store.put(key, bytes, LOCK, { format: 'sealtrail/segment/1', schemas, tags: ['HIPAA', 'größer', 'PCI DSS', 'GDPR'], legalHold: true })
    const [version] = server.bucket(BUCKET).of(PREFIX + key)
    assert.equal(version!.hold, 'ON')
    assert.equal(version!.metadata['x-amz-meta-sealtrail-format'], 'sealtrail/segment/1')
    assert.equal(version!.metadata['x-amz-meta-sealtrail-tags'], 'HIPAA gr%C3%B6%C3%9Fer PCI%20DSS GDPR')
    assert.ok(version!.metadata['x-amz-meta-sealtrail-schemas']!.startsWith(schemas[0]!))
    assert.equal((await store.held(key))?.legalHold, true)
    assert.equal(server.count('PutObjectLegalHold'), 0)
    await store.close()
  }))

test('every way of lying comes out, and what only looks like one does not', async () => {
  const lies: [Lie[], string, string][] = [
    [['delete'], 'none', 'delete-version'],
    [['forget-lock'], 'none', 'lock-shown'],
    [['shorten'], 'none', 'shorten'],
    [['relax'], 'none', 'relax'],
    [['bypass'], 'none', 'bypass'],
    [['unhold'], 'none', 'legal-hold'],
    [['overwrite'], 'none', 'overwrite'],
    [['mixed'], 'none', 'mixed-list'],
    [['suspend'], 'store-enforced', 'suspend-versioning'],
    [['if-none-match'], 'store-enforced', 'if-none-match'],
    [['delete', 'shorten', 'relax', 'bypass', 'unhold'], 'none', 'delete-version'],
  ]
  for (const [which, assurance, broken] of lies) {
    await withServer(async (server) => {
      for (const lie of which) server.lies.add(lie)
      const store = openOn(server)
      const probe = await store.probe({ now: () => server.now(), random: randomBytes, pause: (ms) => server.pass(ms) })
      assert.equal(probe.assurance, assurance, which.join())
      assert.equal(probe.checks.find(({ name }) => name === broken)?.result, 'broken', `${which.join()}: ${JSON.stringify(probe.checks)}`)
      // What was suspended is on again.
      assert.equal(server.bucket(BUCKET).versioning, 'Enabled')
      if (assurance === 'none') assert.notEqual((await store.put(key, bytes, LOCK)).assurance, 'store-enforced')
      await store.close()
    })
  }
})

test('a probe that may not delete has seen nothing enforced', () =>
  withServer(async (server) => {
    server.limit('AKIALESS', [
      's3:PutObject',
      's3:PutObjectRetention',
      's3:PutObjectLegalHold',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:GetObjectRetention',
      's3:GetObjectLegalHold',
      's3:ListBucket',
      's3:ListBucketVersions',
    ])
    const store = openOn(server, {}, SWIFT, 'AKIALESS')
    const probe = await store.probe({ now: () => server.now(), random: randomBytes, pause: (ms) => server.pass(ms) })
    assert.equal(probe.assurance, 'declared', JSON.stringify(probe.checks))
    await store.close()
  }))

test('the lifecycle rule is ours alone: others stay, nothing expires, twice is once', () =>
  withServer(async (server) => {
    const store = openOn(server)
    const bucket = server.bucket(BUCKET)
    bucket.lifecycle =
      '<LifecycleConfiguration><Rule><ID>theirs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>'
    const cold = { afterMs: 90 * 86_400_000, storageClass: 'GLACIER_IR' }
    assert.equal((await store.lifecycle(cold, false)).standing, false)
    assert.equal(server.count('PutBucketLifecycleConfiguration'), 0)
    for (let i = 0; i < 2; i++) assert.equal((await store.lifecycle(cold, true)).standing, true)
    assert.equal(server.count('PutBucketLifecycleConfiguration'), 1)
    const rules = elements(bucket.lifecycle, 'Rule')
    const theirs = rules.find((rule) => element(rule, 'ID') === 'theirs')!
    assert.deepEqual([element(theirs, 'Days'), element(theirs, 'Prefix')], ['3', 'logs/'])
    const ours = rules.find((rule) => element(rule, 'ID') === 'sealtrail-cold-audit-eu')!
    assert.deepEqual([element(ours, 'Days'), element(ours, 'Prefix'), element(ours, 'StorageClass')], ['90', PREFIX, 'GLACIER_IR'])
    assert.doesNotMatch(ours, /Expir/)
    // Another period replaces it.
    await store.lifecycle({ ...cold, afterMs: 30 * 86_400_000 }, true)
    assert.equal(bucket.lifecycle.match(/sealtrail-cold/g)?.length, 1)
    await store.close()
  }))
