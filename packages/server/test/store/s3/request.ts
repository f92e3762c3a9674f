// What a request asks for, by method, path and query; anything else is refused, so that nothing passes unnoticed.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { crc32 } from 'node:zlib'
import { elements, Failure, invalid, unsupported } from './failure.ts'
import type { Retention } from './bucket.ts'

export interface Asked {
  readonly operation: string
  readonly bucket: string
  /** '' for the bucket itself. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly accessKeyId: string
}

/** `METHOD bucket|object subresource` → operation and the queries it takes. */
const OPERATIONS: Readonly<Record<string, readonly [operation: string, ...queries: string[]]>> = {
  'PUT bucket': ['CreateBucket'],
  'HEAD bucket': ['HeadBucket'],
  'GET bucket versioning': ['GetBucketVersioning'],
  'PUT bucket versioning': ['PutBucketVersioning'],
  'GET bucket object-lock': ['GetObjectLockConfiguration'],
  'PUT bucket object-lock': ['PutObjectLockConfiguration'],
  'GET bucket lifecycle': ['GetBucketLifecycleConfiguration'],
  'PUT bucket lifecycle': ['PutBucketLifecycleConfiguration'],
  'GET bucket versions': ['ListObjectVersions', 'prefix', 'key-marker', 'version-id-marker', 'max-keys', 'encoding-type'],
  'POST bucket delete': ['DeleteObjects'],
  'PUT object': ['PutObject'],
  'GET object': ['GetObject', 'versionId'],
  'HEAD object': ['HeadObject', 'versionId'],
  'DELETE object': ['DeleteObject', 'versionId'],
  'GET object retention': ['GetObjectRetention', 'versionId'],
  'PUT object retention': ['PutObjectRetention', 'versionId'],
  'GET object legal-hold': ['GetObjectLegalHold', 'versionId'],
  'PUT object legal-hold': ['PutObjectLegalHold', 'versionId'],
}
const SUBRESOURCES = ['versioning', 'object-lock', 'lifecycle', 'versions', 'delete', 'retention', 'legal-hold']
const HEADERS = [
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold',
  'x-amz-bypass-governance-retention',
  'x-amz-bucket-object-lock-enabled',
  'x-amz-checksum-sha256',
  'x-amz-checksum-crc32',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-user-agent',
  'x-amz-security-token',
]

export function readRequest(message: IncomingMessage, body: Buffer): Asked {
  const url = new URL(message.url ?? '/', 'http://server')
  const [, bucket = '', ...rest] = url.pathname.split('/')
  const key = rest.map(decodeURIComponent).join('/')
  const query = url.searchParams
  query.delete('x-id')
  const subresource = SUBRESOURCES.find((each) => query.has(each))
  const name = `${message.method} ${key === '' ? 'bucket' : 'object'}${subresource === undefined ? '' : ` ${subresource}`}`
  const [operation, ...queries] = OPERATIONS[name] ?? []
  if (bucket === '' || operation === undefined) throw unsupported(name)
  for (const each of query.keys()) if (each !== subresource && !queries.includes(each)) throw unsupported(`${name} with ${each}`)
  for (const each of Object.keys(message.headers))
    if (each.startsWith('x-amz-') && !HEADERS.includes(each) && !each.startsWith('x-amz-meta-')) throw unsupported(each)
  const [, accessKeyId = ''] = /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(message.headers.authorization ?? '') ?? []
  if (accessKeyId === '') throw new Failure(403, 'AccessDenied', 'Access Denied')
  return { operation, bucket, key, query, headers: message.headers, body, accessKeyId }
}

/** The rights that Amazon asks for; every one of them is needed. */
export function rightsFor({ operation, query, headers, body }: Asked): string[] {
  const version = query.has('versionId')
  const bypass = headers['x-amz-bypass-governance-retention'] === 'true' ? ['s3:BypassGovernanceRetention'] : []
  switch (operation) {
    case 'PutObject':
      return [
        's3:PutObject',
        ...(headers['x-amz-object-lock-mode'] === undefined ? [] : ['s3:PutObjectRetention']),
        ...(headers['x-amz-object-lock-legal-hold'] === undefined ? [] : ['s3:PutObjectLegalHold']),
      ]
    case 'GetObject':
    case 'HeadObject':
      return [version ? 's3:GetObjectVersion' : 's3:GetObject']
    case 'DeleteObject':
      return [version ? 's3:DeleteObjectVersion' : 's3:DeleteObject', ...bypass]
    case 'DeleteObjects':
      return [
        ...(elements(body.toString(), 'Object').every((each) => each.includes('<VersionId>')) ? [] : ['s3:DeleteObject']),
        's3:DeleteObjectVersion',
        ...bypass,
      ]
    case 'PutObjectRetention':
      return ['s3:PutObjectRetention', ...bypass]
    case 'ListObjectVersions':
      return ['s3:ListBucketVersions']
    case 'HeadBucket':
      return ['s3:ListBucket']
    case 'GetObjectLockConfiguration':
      return ['s3:GetBucketObjectLockConfiguration']
    case 'PutObjectLockConfiguration':
      return ['s3:PutBucketObjectLockConfiguration']
    case 'GetBucketLifecycleConfiguration':
      return ['s3:GetLifecycleConfiguration']
    case 'PutBucketLifecycleConfiguration':
      return ['s3:PutLifecycleConfiguration']
    default:
      return [`s3:${operation}`]
  }
}

/** Compares what the client says of its body, and demands that it says something where Amazon does. */
export function checkBody({ headers, body }: Asked, demanded: string | null): void {
  if (headers['content-encoding'] === 'aws-chunked' || headers['transfer-encoding'] !== undefined) throw unsupported('chunked bodies')
  const stated = headers['x-amz-content-sha256']
  if (typeof stated === 'string' && stated !== 'UNSIGNED-PAYLOAD' && stated !== createHash('sha256').update(body).digest('hex'))
    throw new Failure(400, 'XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.")
  const sums: [string, () => string][] = [
    ['content-md5', () => createHash('md5').update(body).digest('base64')],
    ['x-amz-checksum-sha256', () => createHash('sha256').update(body).digest('base64')],
    ['x-amz-checksum-crc32', () => Buffer.from(crc32(body).toString(16).padStart(8, '0'), 'hex').toString('base64')],
  ]
  let given = 0
  for (const [name, compute] of sums) {
    if (headers[name] === undefined) continue
    given++
    if (headers[name] !== compute()) throw new Failure(400, 'BadDigest', `The ${name} you specified did not match the calculated checksum.`)
  }
  if (demanded !== null && given === 0) throw new Failure(400, 'InvalidRequest', demanded)
}

/** The lock that the headers of a put ask for. */
export function lockAsked(headers: Asked['headers']): { retention: Retention | null; hold: 'ON' | 'OFF' | null } {
  const mode = headers['x-amz-object-lock-mode']
  const until = headers['x-amz-object-lock-retain-until-date']
  const hold = headers['x-amz-object-lock-legal-hold']
  if (mode !== undefined && mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE') throw invalid('Unknown wormMode directive.')
  if ((mode === undefined) !== (until === undefined)) throw invalid('x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied')
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF') throw invalid('Legal Hold must be either of the values: ON, OFF')
  const untilMs = until === undefined ? 0 : Date.parse(String(until))
  if (Number.isNaN(untilMs)) throw invalid('The retain until date must be provided in ISO 8601 format')
  return { retention: mode === undefined ? null : { mode, untilMs }, hold: hold ?? null }
}

export function bypassAsked(headers: Asked['headers']): boolean | null {
  const text = headers['x-amz-bypass-governance-retention']
  return text === undefined ? null : text === 'true'
}

/** What is kept beside the object: at most 2 KiB of names and values. */
export function metadataAsked(headers: Asked['headers']): Record<string, string> {
  const metadata: Record<string, string> = {}
  let size = 0
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('x-amz-meta-')) continue
    metadata[name] = String(value)
    size += name.length - 'x-amz-meta-'.length + String(value).length
  }
  if (size > 2048) throw new Failure(400, 'MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size')
  return metadata
}
