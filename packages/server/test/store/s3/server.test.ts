// That the server in this process answers as Amazon's was recorded to: tests of the adapter rest on it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { withServer } from './open.ts'

const PROTECTED = 'Access Denied because object protected by object lock.'

test('every row of the recorded table, and the conditions', () =>
  withServer(async (server) => {
    for (const lock of [true, false]) server.bucket(lock ? 'locked' : 'plain', { lock })
    const credentials = { accessKeyId: 'A', secretAccessKey: 'B' }
    const client = (requestChecksumCalculation: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED'): S3Client =>
      new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, requestChecksumCalculation, credentials })
    const [s3, unsummed] = [client('WHEN_SUPPORTED'), client('WHEN_REQUIRED')]
    const at = (ms: number): Date => new Date(server.now() + ms)
    const put = (Key: string, more: object = {}, through = s3): Promise<{ VersionId?: string | undefined }> =>
      through.send(new PutObjectCommand({ Bucket: 'locked', Key, Body: Buffer.from(Key), ...more }))
    const hard = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: at(3_600_000) } as const
    const which = { Bucket: 'locked', Key: 'c', VersionId: (await put('c', hard)).VersionId }
    const never = { Bucket: 'locked', Key: 'n', VersionId: (await put('n')).VersionId }
    const soft = { Bucket: 'locked', Key: 'g', VersionId: (await put('g', { ...hard, ObjectLockMode: 'GOVERNANCE' })).VersionId }
    await s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'x', Body: 'x' }))
    const marker = { Bucket: 'locked', Key: 'm', VersionId: (await s3.send(new DeleteObjectCommand({ Bucket: 'locked', Key: 'm' }))).VersionId }
    const retain = (of: object, Mode: string, ms: number, bypass?: boolean): Promise<unknown> =>
      s3.send(
        new PutObjectRetentionCommand({
          ...(of as typeof which),
          Retention: { Mode: Mode as 'COMPLIANCE', RetainUntilDate: at(ms) },
          ...(bypass === undefined ? {} : { BypassGovernanceRetention: bypass }),
        }),
      )
    const rule = (Rule: object): Promise<unknown> =>
      s3.send(new PutObjectLockConfigurationCommand({ Bucket: 'locked', ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }))
    const rows: [string, () => Promise<unknown>, string][] = [
      ['delete a locked version', () => s3.send(new DeleteObjectCommand(which)), `403 AccessDenied ${PROTECTED}`],
      ['bypassing', () => s3.send(new DeleteObjectCommand({ ...which, BypassGovernanceRetention: true })), `403 AccessDenied ${PROTECTED}`],
      ['shorten', () => retain(which, 'COMPLIANCE', 60_000), `403 AccessDenied ${PROTECTED}`],
      ['shorten, bypassing', () => retain(which, 'COMPLIANCE', 60_000, true), `403 AccessDenied ${PROTECTED}`],
      ['relax', () => retain(which, 'GOVERNANCE', 7_200_000, true), `403 AccessDenied ${PROTECTED}`],
      ['shorten GOVERNANCE', () => retain(soft, 'GOVERNANCE', 60_000), `403 AccessDenied ${PROTECTED}`],
      ['shorten GOVERNANCE, bypassing', () => retain(soft, 'GOVERNANCE', 60_000, true), '200'],
      ['extend', () => retain(which, 'COMPLIANCE', 7_200_000), '200'],
      ['past', () => put('p', { ...hard, ObjectLockRetainUntilDate: at(-1) }), '400 InvalidArgument The retain until date must be in the future!'],
      [
        'mode without date',
        () => put('p', { ObjectLockMode: 'COMPLIANCE' }),
        '400 InvalidArgument x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
      ],
      ['bad mode', () => put('p', { ...hard, ObjectLockMode: 'COMPLY' }), '400 InvalidArgument Unknown wormMode directive.'],
      ['empty retention', () => s3.send(new PutObjectRetentionCommand({ ...which, Retention: {} })), '400 MalformedXML '],
      ['days and years', () => rule({ DefaultRetention: { Mode: 'COMPLIANCE', Days: 1, Years: 1 } }), '400 MalformedXML '],
      ['empty rule', () => rule({}), '400 MalformedXML '],
      [
        'retention without lock',
        () => retain({ Bucket: 'plain', Key: 'x' }, 'COMPLIANCE', 60_000),
        '400 InvalidRequest Bucket is missing Object Lock Configuration',
      ],
      [
        'hold without lock',
        () => s3.send(new PutObjectLegalHoldCommand({ Bucket: 'plain', Key: 'x', LegalHold: { Status: 'ON' } })),
        '400 InvalidRequest Bucket is missing Object Lock Configuration',
      ],
      [
        'locked put without lock',
        () => s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'x', Body: 'x', ...hard })),
        '400 InvalidRequest Bucket is missing Object Lock Configuration',
      ],
      ['retention never set', () => s3.send(new GetObjectRetentionCommand(never)), '404 NoSuchObjectLockConfiguration '],
      ['hold never set', () => s3.send(new GetObjectLegalHoldCommand(never)), '404 NoSuchObjectLockConfiguration '],
      ['no configuration', () => s3.send(new GetObjectLockConfigurationCommand({ Bucket: 'plain' })), '404 ObjectLockConfigurationNotFoundError '],
      [
        'lock without versioning',
        () => s3.send(new PutObjectLockConfigurationCommand({ Bucket: 'plain', ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } })),
        '409 InvalidBucketState ',
      ],
      [
        'suspend',
        () => s3.send(new PutBucketVersioningCommand({ Bucket: 'locked', VersioningConfiguration: { Status: 'Suspended' } })),
        '409 InvalidBucketState ',
      ],
      ['retention on a marker', () => retain(marker, 'COMPLIANCE', 60_000), '405 MethodNotAllowed '],
      ['bypass without lock', () => s3.send(new DeleteObjectCommand({ Bucket: 'plain', Key: 'x', BypassGovernanceRetention: true })), '400 InvalidArgument '],
      [
        'no bypass without lock',
        () => s3.send(new DeleteObjectCommand({ Bucket: 'plain', Key: 'x', BypassGovernanceRetention: false })),
        '400 InvalidArgument ',
      ],
      ['lock without checksum', () => put('u', hard, unsummed), '400 InvalidRequest Content-MD5 OR x-amz-checksum-'],
      ['wrong SHA-256', () => put('u', { ChecksumSHA256: Buffer.alloc(32).toString('base64') }), '400 BadDigest '],
      ['wrong MD5', () => put('u', { ContentMD5: Buffer.alloc(16).toString('base64') }), '400 BadDigest '],
      ['If-None-Match on a new key', () => put('i', { IfNoneMatch: '*' }), '200'],
      ['If-None-Match again', () => put('i', { IfNoneMatch: '*' }), '412 PreconditionFailed '],
      ['If-None-Match, another value', () => put('i', { IfNoneMatch: '"x"' }), '501 NotImplemented '],
      ['a marker over it', () => s3.send(new DeleteObjectCommand({ Bucket: 'locked', Key: 'i' })), '200'],
      ['If-None-Match behind a marker', () => put('i', { IfNoneMatch: '*' }), '200'],
      ['get of a marker', () => s3.send(new GetObjectCommand(marker)), '405 '],
      ['get of nothing', () => s3.send(new GetObjectCommand({ Bucket: 'locked', Key: 'none' })), '404 NoSuchKey '],
    ]
    for (const [row, run, expected] of rows) {
      const said = await run().then(
        () => '200',
        (error: { name: string; message: string; $metadata: { httpStatusCode: number } }) => `${error.$metadata.httpStatusCode} ${error.name} ${error.message}`,
      )
      assert.ok(said.startsWith(expected), `${row}: ${said}`)
    }
    const listed = await s3.send(new DeleteObjectsCommand({ Bucket: 'locked', Delete: { Objects: [{ Key: 'c', VersionId: which.VersionId }] } }))
    assert.deepEqual(
      listed.Errors?.map(({ Code, Message }) => [Code, Message]),
      [['AccessDenied', PROTECTED]],
    )
    const plain = await s3.send(new DeleteObjectCommand({ Bucket: 'locked', Key: 'c' }))
    assert.equal(plain.DeleteMarker, true)
    assert.equal((await s3.send(new HeadObjectCommand(which))).ObjectLockMode, 'COMPLIANCE')
    const { Versions, DeleteMarkers } = await s3.send(new ListObjectVersionsCommand({ Bucket: 'locked', Prefix: 'c' }))
    assert.deepEqual([Versions?.map(({ IsLatest }) => IsLatest), DeleteMarkers?.map(({ IsLatest }) => IsLatest)], [[false], [true]])
    s3.destroy()
    unsummed.destroy()
  }))
