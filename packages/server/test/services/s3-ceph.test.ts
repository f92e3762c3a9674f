// The S3 adapter against a real Object Lock: Ceph's RADOS gateway.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { S3Store } from '../../src/store/s3/store.ts'
import { World } from '../flow/harness.ts'
import { documentedPolicy } from '../store/s3/policy.ts'
import { keyOf, keysIn, LOCK, storeSuite } from '../store/store.suite.ts'
import { Ceph, cephMissing, type User } from './ceph.ts'

const missing = cephMissing()
const ceph = missing === null ? await Ceph.start() : null
after(() => ceph?.stop())

const clientOf = ({ accessKeyId, secretAccessKey }: User): S3Client =>
  new S3Client({ endpoint: ceph!.endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey } })

/** A bucket of the owner. */
async function bucket(lock: boolean): Promise<string> {
  const name = `b-${randomUUID()}`
  const s3 = clientOf(ceph!.user)
  await s3.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: lock }))
  s3.destroy()
  return name
}

function open(name: string, user: User = ceph!.user, requireLock = true, prefix = 'audit/'): S3Store {
  return new S3Store({ bucket: name, prefix, region: 'us-east-1', endpoint: ceph!.endpoint, credentials: user }, { timeoutMs: 10_000, requireLock })
}

/** `403 AccessDenied`, or `200`. */
async function saidTo(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return '200'
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } }
    return `${$metadata?.httpStatusCode} ${name}`
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const env = { now: Date.now, random: randomBytes, pause }

if (ceph === null) test('Ceph', { skip: missing ?? '' }, () => {})
else {
  storeSuite('ceph', async () => {
    const name = await bucket(true)
    return { open: async () => open(name), remove: async () => {}, clock: { now: Date.now, pass: pause }, assurance: 'store-enforced' as const }
  })

  test('a bucket without lock: a put is refused, and the probe says none', async () => {
    const name = await bucket(false)
    const store = open(name)
    const bytes = randomBytes(100)
    await assert.rejects(store.put(keyOf('calls', 'segment', 0, bytes), bytes, LOCK), { code: 'STORE_NOT_LOCKED' })
    const probe = await store.probe(env)
    assert.equal(probe.assurance, 'none')
    assert.equal(probe.checks.find(({ name: check }) => check === 'lock-shown')?.result, 'broken')
    await store.close()
    // The operator said that it may go on: stored, and called what it is.
    const lax = open(name, ceph.user, false)
    const { assurance } = await lax.put(keyOf('calls', 'segment', 0, bytes), bytes, LOCK)
    assert.equal(assurance, 'none')
    await lax.close()
  })

  test('the answers recorded from Amazon that Ceph gives as well', async () => {
    const [locked, plain] = [await bucket(true), await bucket(false)]
    const s3 = clientOf(ceph.user)
    const at = (ms: number): Date => new Date(Date.now() + ms)
    const put = async (Key: string, more: object = {}): Promise<string> =>
      (await s3.send(new PutObjectCommand({ Bucket: locked, Key, Body: Buffer.from(Key), ...more }))).VersionId ?? ''
    const hard = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: at(3_600_000) } as const
    const which = { Bucket: locked, Key: 'c', VersionId: await put('c', hard) }
    await s3.send(new PutObjectCommand({ Bucket: plain, Key: 'x', Body: 'x' }))
    const retain = (of: { Bucket: string; Key: string; VersionId?: string }, Mode: 'COMPLIANCE' | 'GOVERNANCE', ms: number, bypass = false): Promise<unknown> =>
      s3.send(new PutObjectRetentionCommand({ ...of, Retention: { Mode, RetainUntilDate: at(ms) }, ...(bypass ? { BypassGovernanceRetention: true } : {}) }))
    const rule = (Rule: object): Promise<unknown> =>
      s3.send(new PutObjectLockConfigurationCommand({ Bucket: locked, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }))
    const rows: [string, () => Promise<unknown>, number, string][] = [
      ['a mode nobody knows', () => put('p', { ...hard, ObjectLockMode: 'COMPLY' }), 400, 'InvalidArgument'],
      ['a default of days and years', () => rule({ DefaultRetention: { Mode: 'COMPLIANCE', Days: 1, Years: 1 } }), 400, 'MalformedXML'],
      ['a default that says nothing', () => rule({}), 400, 'MalformedXML'],
      ['delete a locked version', () => s3.send(new DeleteObjectCommand(which)), 403, 'AccessDenied'],
      ['the same, bypassing', () => s3.send(new DeleteObjectCommand({ ...which, BypassGovernanceRetention: true })), 403, 'AccessDenied'],
      ['shorten COMPLIANCE', () => retain(which, 'COMPLIANCE', 60_000), 403, 'AccessDenied'],
      ['the same, bypassing', () => retain(which, 'COMPLIANCE', 60_000, true), 403, 'AccessDenied'],
      ['relax to GOVERNANCE', () => retain(which, 'GOVERNANCE', 7_200_000, true), 403, 'AccessDenied'],
      ['a date that is past', () => put('p', { ...hard, ObjectLockRetainUntilDate: at(-60_000) }), 400, 'InvalidArgument'],
      ['a mode without date', () => put('p', { ObjectLockMode: 'COMPLIANCE' }), 400, 'InvalidArgument'],
      ['a date without mode', () => put('p', { ObjectLockRetainUntilDate: at(60_000) }), 400, 'InvalidArgument'],
      ['a retention that says nothing', () => s3.send(new PutObjectRetentionCommand({ ...which, Retention: {} })), 400, 'MalformedXML'],
      ['retention where there is no lock', () => retain({ Bucket: plain, Key: 'x' }, 'COMPLIANCE', 60_000), 400, 'InvalidRequest'],
      [
        'a hold where there is no lock',
        () => s3.send(new PutObjectLegalHoldCommand({ Bucket: plain, Key: 'x', LegalHold: { Status: 'ON' } })),
        400,
        'InvalidRequest',
      ],
      ['a locked put where there is no lock', () => s3.send(new PutObjectCommand({ Bucket: plain, Key: 'x', Body: 'x', ...hard })), 400, 'InvalidRequest'],
      ['no lock configuration', () => s3.send(new GetObjectLockConfigurationCommand({ Bucket: plain })), 404, 'ObjectLockConfigurationNotFoundError'],
      [
        'a lock without versioning',
        () => s3.send(new PutObjectLockConfigurationCommand({ Bucket: plain, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } })),
        409,
        'InvalidBucketState',
      ],
      [
        'suspend versioning under a lock',
        () => s3.send(new PutBucketVersioningCommand({ Bucket: locked, VersioningConfiguration: { Status: 'Suspended' } })),
        409,
        'InvalidBucketState',
      ],
    ]
    for (const [row, run, status, code] of rows) assert.equal(await saidTo(run), `${status} ${code}`, row)
    // 200, and what was refused stands in it.
    const { Errors } = await s3.send(new DeleteObjectsCommand({ Bucket: locked, Delete: { Objects: [{ Key: 'c', VersionId: which.VersionId }] } }))
    assert.deepEqual(
      Errors?.map(({ Code }) => Code),
      ['AccessDenied'],
    )
    // Without version: a marker, and the version stays.
    assert.equal((await s3.send(new DeleteObjectCommand({ Bucket: locked, Key: 'c' }))).DeleteMarker, true)
    assert.equal((await s3.send(new HeadObjectCommand(which))).ObjectLockMode, 'COMPLIANCE')
    s3.destroy()
  })

  test('the answers recorded from Amazon that Ceph does not give: docs/stores.md lists them, the server in the process gives them', async () => {
    const [locked, plain] = [await bucket(true), await bucket(false)]
    const s3 = clientOf(ceph.user)
    const put = (Key: string, more: object = {}, Bucket = locked): Promise<{ VersionId?: string | undefined }> =>
      s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Key), ...more }))
    const n = { Bucket: locked, Key: 'n', VersionId: (await put('n')).VersionId }
    await put('x', {}, plain)
    const { VersionId: marker } = await s3.send(new DeleteObjectCommand({ Bucket: locked, Key: 'm' }))
    const Retention = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 60_000) } as const
    const rows: [string, () => Promise<unknown>, string][] = [
      ['retention never set', () => s3.send(new GetObjectRetentionCommand(n)), '404 ObjectLockConfigurationNotFoundError'],
      ['a hold never set', () => s3.send(new GetObjectLegalHoldCommand(n)), '404 ObjectLockConfigurationNotFoundError'],
      [
        'retention on a deletion marker',
        () => s3.send(new PutObjectRetentionCommand({ Bucket: locked, Key: 'm', VersionId: marker, Retention })),
        '404 NoSuchKey',
      ],
      ['bypassing where there is no lock', () => s3.send(new DeleteObjectCommand({ Bucket: plain, Key: 'x', BypassGovernanceRetention: true })), '200'],
      ['If-None-Match: * on a key that is there', () => put('n', { IfNoneMatch: '*' }), '200'],
      ['a wrong SHA-256', () => put('s', { ChecksumSHA256: Buffer.alloc(32).toString('base64') }), '200'],
    ]
    const said: string[] = []
    for (const [row, run] of rows) said.push(`${row}: ${await saidTo(run)}`)
    assert.deepEqual(
      said,
      rows.map(([row, , expected]) => `${row}: ${expected}`),
    )
    s3.destroy()
  })

  test('a list of more than a page, by versions', async () => {
    const name = await bucket(false)
    const s3 = clientOf(ceph.user)
    const keys = Array.from({ length: 1_100 }, (_, i) => keyOf('calls', 'segment', i, Buffer.from(String(i))))
    const rest = [...keys]
    const put = async (): Promise<void> => {
      for (let key = rest.pop(); key !== undefined; key = rest.pop()) await s3.send(new PutObjectCommand({ Bucket: name, Key: `audit/${key}`, Body: 'x' }))
    }
    await Promise.all(Array.from({ length: 16 }, put))
    s3.destroy()
    const store = open(name)
    assert.deepEqual(await keysIn(store, ''), keys)
    assert.deepEqual(await keysIn(store, 'calls/segment/', keys[1_050]), keys.slice(1_051))
    await store.close()
  })

  test('the policy of docs/stores.md is enough for a user who owns nothing', async () => {
    const name = await bucket(true)
    const writer = ceph.addUser('writer')
    const s3 = clientOf(ceph.user)
    const { Version, Statement } = documentedPolicy()
    const Policy = JSON.stringify({
      Version,
      Statement: Statement.map((each) => ({
        ...each,
        Principal: { AWS: ['arn:aws:iam:::user/writer'] },
        Resource: each.Resource.replace('my-evidence', name).replace('audit/eu', 'audit'),
      })),
    })
    await s3.send(new PutBucketPolicyCommand({ Bucket: name, Policy }))
    s3.destroy()
    const store = open(name, writer)
    const bytes = randomBytes(500)
    const key = keyOf('calls', 'segment', 0, bytes)
    const lock = { mode: 'COMPLIANCE', retainUntilMs: Date.now() + 2_500 } as const
    await store.put(key, bytes, lock, { format: 'x', legalHold: true })
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    assert.equal(await store.get(keyOf('calls', 'segment', 1, bytes)), null)
    assert.deepEqual(await keysIn(store, ''), [key])
    assert.equal((await store.hold(key, false)).legalHold, false)
    await store.extend(key, { ...lock, retainUntilMs: lock.retainUntilMs + 500 })
    await assert.rejects(store.remove(key, lock.retainUntilMs + 60_000), { code: 'OBJECT_LOCKED' })
    const probe = await store.probe(env)
    assert.equal(probe.assurance, 'store-enforced', JSON.stringify(probe.checks))
    await store.remove(key, Date.now())
    assert.equal(await store.held(key), null)
    await store.close()
    // Beyond its prefix it may nothing.
    const outside = new S3Store(
      { bucket: name, prefix: 'elsewhere/', region: 'us-east-1', endpoint: ceph.endpoint, credentials: writer },
      { timeoutMs: 10_000, requireLock: true },
    )
    await assert.rejects(outside.put(key, bytes, LOCK), { code: 'NOT_DURABLE' })
    await outside.close()
  })

  test('behind the store’s back: changed bytes are given as they are, for the digest to find; a deletion marker hides nothing', async () => {
    const name = await bucket(true)
    const store = open(name)
    const objects = [0, 1, 2].map((first) => {
      const bytes = randomBytes(1000)
      return { bytes, key: keyOf('calls', 'segment', first, bytes) }
    })
    for (const { key, bytes } of objects) await store.put(key, bytes, LOCK)
    const [changed, removed, marked] = objects as [(typeof objects)[0], (typeof objects)[0], (typeof objects)[0]]
    const s3 = clientOf(ceph.user)
    await s3.send(new DeleteObjectCommand({ Bucket: name, Key: `audit/${marked.key}` }))
    s3.destroy()
    assert.deepEqual(Buffer.from((await store.get(marked.key))!), marked.bytes)
    assert.equal((await store.held(marked.key))?.others, 1)
    assert.deepEqual(
      await keysIn(store, ''),
      objects.map(({ key }) => key),
    )

    ceph.rewrite(ceph.dataOf(`audit/${changed.key}`), Buffer.alloc(1000, 'B'))
    assert.deepEqual(Buffer.from((await store.get(changed.key))!), Buffer.alloc(1000, 'B'))
    ceph.takeAway(ceph.dataOf(`audit/${removed.key}`))
    assert.equal(await store.get(removed.key), null)
    await store.close()
  })

  test('behind the store’s back: an audit of a server’s evidence names the object that was changed and the one that is gone', async () => {
    const name = await bucket(true)
    const world = new World()
    const { accessKeyId, secretAccessKey } = ceph.user
    for (const [file, secret] of Object.entries({ id: accessKeyId, secret: secretAccessKey })) writeFileSync(join(world.folder, file), secret)
    // Commands that are given the directory alone take the secrets as the platform's own tools do.
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })
    try {
      const place = `type: s3, bucket: ${name}, region: us-east-1, endpoint: '${ceph.endpoint}', accessKeyId: 'file:id', secretAccessKey: 'file:secret'`
      await world.start(`store: { ${place} }`)
      for (let i = 0; i < 5; i++) {
        const event = { message_uuid: `m-${i}`, delivery_status: 'DELIVERED', customer_external_id: 'CUST_1', carrier_message_id: `c-${i}` }
        assert.equal((await world.send('/api/v1/compliance/notifications', event)).status, 201)
      }
      assert.equal((await world.system('probe'))[0]?.['assurance'], 'store-enforced')
      const keys = await keysIn(world.local.sealing.store, 'notifications/segment/')
      assert.deepEqual(await world.closeAndAudit(), [])
      const [, changed = '', , removed = ''] = keys
      const bytes = (await open(name, ceph.user, true, '').get(changed))!
      bytes[bytes.length >> 1]! ^= 1
      ceph.rewrite(ceph.dataOf(changed), bytes)
      ceph.takeAway(ceph.dataOf(removed))
      assert.deepEqual(
        await world.closeAndAudit(),
        [changed, removed].map((key) => `notifications SEGMENT_UNREADABLE ${key}`),
      )
    } finally {
      await world.end()
    }
  })
}
