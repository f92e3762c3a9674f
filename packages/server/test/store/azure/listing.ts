import { hash } from 'node:crypto'
import type { BlobVersion } from './rules.ts'

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** An answer of List Blobs: names ascending, versions of a name from oldest to newest, a mark for a deleted blob with versions. */
export function listing(
  blobs: ReadonlyMap<string, readonly BlobVersion[]>,
  { prefix, marker, startFrom, include, pageSize }: { prefix: string; marker: string; startFrom: string; include: ReadonlySet<string>; pageSize: number },
): string {
  const items = [...blobs]
    .filter(([name]) => name.startsWith(prefix) && name >= startFrom)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, versions]) => {
      const deleted = !versions.some(({ current }) => current)
      const shown = versions.filter(({ current }) => current || include.has('versions')).map((version) => item(name, version, include))
      return deleted && include.has('deletedwithversions') ? [...shown, mark(name)] : shown
    })
  const from = Number(marker || 0)
  const next = from + pageSize < items.length ? String(from + pageSize) : ''
  return `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://x/" ContainerName="c"><Prefix>${escape(prefix)}</Prefix><Blobs>${items.slice(from, from + pageSize).join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`
}

function item(name: string, { id, bytes, policy, hold, current }: BlobVersion, include: ReadonlySet<string>): string {
  const properties = [
    '<Last-Modified>Mon, 01 Jan 2024 00:00:00 GMT</Last-Modified><Etag>0x1</Etag>',
    `<Content-Length>${bytes.length}</Content-Length><Content-MD5>${hash('md5', bytes, 'base64')}</Content-MD5><BlobType>BlockBlob</BlobType>`,
    policy !== null && include.has('immutabilitypolicy')
      ? `<ImmutabilityPolicyUntilDate>${new Date(policy.untilMs).toUTCString()}</ImmutabilityPolicyUntilDate><ImmutabilityPolicyMode>${policy.locked ? 'locked' : 'unlocked'}</ImmutabilityPolicyMode>`
      : '',
    hold && include.has('legalhold') ? '<LegalHold>true</LegalHold>' : '',
  ]
  const version = id === null ? '' : `<VersionId>${id}</VersionId>${current ? '<IsCurrentVersion>true</IsCurrentVersion>' : ''}`
  return `<Blob><Name>${escape(name)}</Name>${version}<Properties>${properties.join('')}</Properties><OrMetadata /></Blob>`
}

function mark(name: string): string {
  return `<Blob><Name>${escape(name)}</Name><HasVersionsOnly>true</HasVersionsOnly><Properties><Content-Length>0</Content-Length></Properties><OrMetadata /></Blob>`
}
