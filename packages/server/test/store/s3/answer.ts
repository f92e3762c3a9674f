// Each operation's answer, from the bucket it concerns.
import type { Bucket, Lie, Version } from './bucket.ts'
import { denied, element, elements, escapeXml, Failure, malformed, unsupported } from './failure.ts'
import { type Asked, bypassAsked, checkBody, lockAsked, metadataAsked } from './request.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

const XML = { 'content-type': 'application/xml' }
const NS = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
const MD5_NEEDED = 'Missing required header for this request: Content-MD5'
const LOCK_SUM_NEEDED = 'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters'
const empty = (status: number, headers: Record<string, string> = {}): Answer => ({ status, headers, body: '' })
const xml = (body: string): Answer => ({ status: 200, headers: XML, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` })

/** @param may whether the asking user has a right */
export function answer(asked: Asked, bucket: Bucket, lies: ReadonlySet<Lie>, may: (right: string) => boolean, pageSize: number): Answer {
  const { operation, key, query, headers, body } = asked
  const id = query.get('versionId')
  const text = body.toString()
  switch (operation) {
    case 'HeadBucket':
      return empty(200)
    case 'GetBucketVersioning':
      return xml(`<VersioningConfiguration${NS}>${bucket.versioning === null ? '' : `<Status>${bucket.versioning}</Status>`}</VersioningConfiguration>`)
    case 'PutBucketVersioning':
      checkBody(asked, MD5_NEEDED)
      bucket.setVersioning(element(text, 'Status'))
      return empty(200)
    case 'GetObjectLockConfiguration':
      return lockConfiguration(bucket)
    case 'PutObjectLockConfiguration':
      checkBody(asked, MD5_NEEDED)
      return setLockConfiguration(bucket, text)
    case 'GetBucketLifecycleConfiguration':
      if (bucket.lifecycle === '') throw new Failure(404, 'NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist')
      return xml(bucket.lifecycle)
    case 'PutBucketLifecycleConfiguration':
      checkBody(asked, MD5_NEEDED)
      if (!/<Rule>.*<\/Rule>/s.test(text) || elements(text, 'Rule').some((rule) => element(rule, 'Status') === null)) throw malformed()
      bucket.lifecycle = text.replace(/^<\?xml[^>]*\?>/, '')
      return empty(200)
    case 'ListObjectVersions':
      return versions(asked, bucket, pageSize)
    case 'DeleteObjects':
      checkBody(asked, MD5_NEEDED)
      return deleteMany(asked, bucket, text)
    case 'PutObject':
      return put(asked, bucket)
    case 'GetObject':
    case 'HeadObject': {
      const version = bucket.find(key, id)
      if (version.bytes === null)
        throw new Failure(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', { 'x-amz-delete-marker': 'true' })
      return { status: 200, headers: shown(version, bucket, lies, may), body: version.bytes }
    }
    case 'DeleteObject': {
      const { marker, id: of } = bucket.delete(key, id, bypassAsked(headers))
      return empty(204, { ...(marker ? { 'x-amz-delete-marker': 'true' } : {}), ...(bucket.versioning === null ? {} : { 'x-amz-version-id': of }) })
    }
    case 'GetObjectRetention': {
      const { mode, untilMs } = bucket.retentionOf(key, id)
      return xml(`<Retention${NS}><Mode>${mode}</Mode><RetainUntilDate>${new Date(untilMs).toISOString()}</RetainUntilDate></Retention>`)
    }
    case 'PutObjectRetention': {
      checkBody(asked, MD5_NEEDED)
      const mode = element(text, 'Mode')
      const untilMs = Date.parse(element(text, 'RetainUntilDate') ?? '')
      if (!bucket.locked) bucket.retentionOf(key, id)
      if ((mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE') || Number.isNaN(untilMs)) throw malformed()
      bucket.retain(key, id, { mode, untilMs }, bypassAsked(headers) === true)
      return empty(200)
    }
    case 'GetObjectLegalHold':
      return xml(`<LegalHold${NS}><Status>${bucket.holdOf(key, id)}</Status></LegalHold>`)
    case 'PutObjectLegalHold': {
      checkBody(asked, MD5_NEEDED)
      const status = element(text, 'Status')
      if (status !== 'ON' && status !== 'OFF') throw malformed()
      bucket.hold(key, id, status)
      return empty(200)
    }
    default:
      throw unsupported(operation)
  }
}

function put(asked: Asked, bucket: Bucket): Answer {
  const { key, headers, body } = asked
  const { retention, hold } = lockAsked(headers)
  const condition = headers['if-none-match']
  if (condition !== undefined && condition !== '*')
    throw new Failure(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented')
  if (headers['if-match'] !== undefined) throw unsupported('If-Match')
  if (body.length === 0 && headers['content-length'] !== '0') throw new Failure(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
  if ((retention !== null || hold !== null) && !bucket.locked) throw new Failure(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration')
  checkBody(asked, retention !== null || hold !== null || bucket.byDefault !== null ? LOCK_SUM_NEEDED : null)
  const version = bucket.put({ key, bytes: body, metadata: metadataAsked(headers), retention, hold, ifNoneMatch: condition === '*' })
  return empty(200, { etag: version.etag, ...(bucket.versioning === null ? {} : { 'x-amz-version-id': version.id }) })
}

/** The headers of a version; of its lock only what the user may see, and without a word when that is nothing. */
function shown(
  { id, etag, atMs, metadata, retention, hold }: Version,
  bucket: Bucket,
  lies: ReadonlySet<Lie>,
  may: (right: string) => boolean,
): Record<string, string> {
  const headers: Record<string, string> = { ...metadata, etag, 'last-modified': new Date(atMs).toUTCString(), 'content-type': 'application/octet-stream' }
  if (bucket.versioning !== null) headers['x-amz-version-id'] = id
  if (lies.has('hide-lock')) return headers
  if (retention !== null && may('s3:GetObjectRetention')) {
    headers['x-amz-object-lock-mode'] = retention.mode
    headers['x-amz-object-lock-retain-until-date'] = new Date(retention.untilMs).toISOString()
  }
  if (hold !== null && may('s3:GetObjectLegalHold')) headers['x-amz-object-lock-legal-hold'] = hold
  return headers
}

function versions({ query }: Asked, bucket: Bucket, pageSize: number): Answer {
  const prefix = query.get('prefix') ?? ''
  const marker = query.get('key-marker') ?? ''
  const versionMarker = query.get('version-id-marker')
  const most = Math.min(Number(query.get('max-keys') ?? 1000), pageSize)
  const name = (text: string): string => escapeXml(query.get('encoding-type') === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : text)
  const all = bucket.all().filter(({ key }) => key.startsWith(prefix))
  const last = versionMarker === null ? -1 : all.findIndex(({ key, id }) => key === marker && id === versionMarker)
  const after = last >= 0 ? all.slice(last + 1) : all.filter(({ key }) => key > marker)
  const page = after.slice(0, most)
  const more = page.length < after.length ? page.at(-1) : undefined
  const items = page.map(({ key, id, bytes, etag, atMs }) => {
    const fields = `<Key>${name(key)}</Key><VersionId>${id}</VersionId><IsLatest>${bucket.of(key)[0]?.id === id}</IsLatest><LastModified>${new Date(atMs).toISOString()}</LastModified>`
    if (bytes === null) return `<DeleteMarker>${fields}</DeleteMarker>`
    return `<Version>${fields}<ETag>${escapeXml(etag)}</ETag><Size>${bytes.length}</Size><StorageClass>STANDARD</StorageClass></Version>`
  })
  const next = more === undefined ? '' : `<NextKeyMarker>${name(more.key)}</NextKeyMarker><NextVersionIdMarker>${more.id}</NextVersionIdMarker>`
  return xml(
    `<ListVersionsResult${NS}><Prefix>${name(prefix)}</Prefix><MaxKeys>${most}</MaxKeys><IsTruncated>${more !== undefined}</IsTruncated>${next}${items.join('')}</ListVersionsResult>`,
  )
}

function deleteMany({ headers }: Asked, bucket: Bucket, text: string): Answer {
  const objects = elements(text, 'Object').map((each) => ({ key: element(each, 'Key') ?? '', id: element(each, 'VersionId') }))
  if (objects.length === 0 || objects.length > 1000 || objects.some(({ key }) => key === '')) throw malformed()
  const results = bucket.deleteMany(objects, bypassAsked(headers)).map(({ key, id, failure }) => {
    const which = `<Key>${escapeXml(key)}</Key>${id === null ? '' : `<VersionId>${id}</VersionId>`}`
    if (failure === null) return `<Deleted>${which}</Deleted>`
    return `<Error>${which}<Code>${failure.code}</Code><Message>${escapeXml(failure.message)}</Message></Error>`
  })
  return xml(`<DeleteResult${NS}>${results.join('')}</DeleteResult>`)
}

function lockConfiguration(bucket: Bucket): Answer {
  if (!bucket.locked) throw new Failure(404, 'ObjectLockConfigurationNotFoundError', 'Object Lock configuration does not exist for this bucket')
  const rule =
    bucket.byDefault === null
      ? ''
      : `<Rule><DefaultRetention><Mode>${bucket.byDefault.mode}</Mode><Days>${bucket.byDefault.days}</Days></DefaultRetention></Rule>`
  return xml(`<ObjectLockConfiguration${NS}><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`)
}

function setLockConfiguration(bucket: Bucket, text: string): Answer {
  if (element(text, 'ObjectLockEnabled') !== 'Enabled' || /<Rule\s*\/>/.test(text)) throw malformed()
  const [rule] = elements(text, 'Rule')
  if (rule === undefined) {
    bucket.enableLock(null)
    return empty(200)
  }
  const mode = element(rule, 'Mode')
  const [days, years] = [element(rule, 'Days'), element(rule, 'Years')]
  // Days or years, not both, and a mode.
  if ((mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE') || (days === null) === (years === null)) throw malformed()
  const length = Number(days ?? Number(years) * 365)
  if (!(length > 0)) throw denied()
  bucket.enableLock({ mode, days: length })
  return empty(200)
}
