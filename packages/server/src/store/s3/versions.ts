import { hash } from 'node:crypto'
import { type ListObjectVersionsCommandOutput, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { SealtrailError } from '../../errors.ts'
import { digestNamed } from '../key.ts'
import { type Client, type Got, named } from './client.ts'
import { isMissing } from './failure.ts'

/** A version of a key, as a list names it. */
export interface Version {
  readonly id: string | null
  readonly size: number
  readonly etag: string
}

/** All there is under one key. */
export interface Versions {
  /** Newest first. */
  readonly versions: readonly Version[]
  /** Ids of deletion markers. */
  readonly markers: readonly (string | null)[]
}

/** attacker: who may write the bucket can write over a key as often as he likes; beyond this the key is not read. */
const MOST_PAGES = 20
/** The object is the oldest version; so many are tried, from there on. */
const MOST_READ = 64

/** Lists by versions, so that no deletion marker hides anything: each version's key, ascending, newest version first. */
export async function* listed(client: Client, prefix: string, after: string | null): AsyncGenerator<Version & { readonly key: string }> {
  for await (const page of pages(client, prefix, after)) {
    for (const { Key, VersionId, Size, ETag } of page.Versions ?? []) {
      if (Key !== undefined) yield { key: decoded(Key), id: named(VersionId), size: Size ?? 0, etag: ETag ?? '' }
    }
  }
}

/** Every version and marker of one key. @throws SealtrailError DATA_CORRUPT when there are more than can be looked at; the SDK's error */
export async function versionsOf(client: Client, path: string): Promise<Versions> {
  const versions: Version[] = []
  const markers: (string | null)[] = []
  let read = 0
  for await (const page of pages(client, path, null)) {
    for (const { Key, VersionId, Size, ETag } of page.Versions ?? [])
      if (Key !== undefined && decoded(Key) === path) versions.push({ id: named(VersionId), size: Size ?? 0, etag: ETag ?? '' })
    for (const { Key, VersionId } of page.DeleteMarkers ?? []) if (Key !== undefined && decoded(Key) === path) markers.push(named(VersionId))
    if (++read >= MOST_PAGES) throw new SealtrailError('DATA_CORRUPT', 'an object was written over or deleted more than 20,000 times: it is not looked for')
    // Keys that begin like this one come behind it.
    if (page.NextKeyMarker !== undefined && decoded(page.NextKeyMarker) > path) break
  }
  return { versions, markers }
}

/** The version that is the object: the oldest whose bytes have the digest its key names; null when none has. */
export async function original(client: Client, key: string, path: string, { versions }: Versions): Promise<(Version & { readonly got: Got }) | null> {
  const digest = digestNamed(key)
  for (const version of versions.toReversed().slice(0, MOST_READ)) {
    try {
      const got = await client.read(path, version.id)
      if (hash('sha256', got.bytes, 'hex').startsWith(digest)) return { ...version, got }
    } catch (error) {
      // Listed and not there: whoever holds the store took it away.
      if (!isMissing(error)) throw error
    }
  }
  return null
}

/** How many versions and markers stand beside the object. Copies of it, left by a put whose answer was lost, are the object itself. */
export function othersBeside({ versions, markers }: Versions, { size, etag }: Version): number {
  return markers.length + versions.filter((each) => each.size !== size || each.etag !== etag).length
}

async function* pages(client: Client, prefix: string, after: string | null): AsyncGenerator<ListObjectVersionsCommandOutput> {
  let KeyMarker = after ?? undefined
  let VersionIdMarker: string | undefined
  for (;;) {
    // Encoded, since keys that others write may hold what XML cannot.
    const command = new ListObjectVersionsCommand({
      Bucket: client.bucket,
      Prefix: prefix,
      EncodingType: 'url',
      ...(KeyMarker === undefined ? {} : { KeyMarker }),
      ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }),
    })
    const page = await client.ask((s3, options) => s3.send(command, options))
    yield page
    if (page.IsTruncated !== true) return
    const next: [string | undefined, string | undefined] = [
      page.NextKeyMarker === undefined ? undefined : decoded(page.NextKeyMarker),
      page.NextVersionIdMarker,
    ]
    if (next[0] === undefined || (next[0] === KeyMarker && next[1] === VersionIdMarker))
      throw new SealtrailError('STORE_UNREADABLE', 'the list of the bucket does not go on')
    ;[KeyMarker, VersionIdMarker] = next
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
