import { hash } from 'node:crypto'
import { StorageResponseFormat } from '@azure/storage-blob'
import type { BlobImmutabilityPolicy, ContainerClient } from '@azure/storage-blob'
import { aboutOf } from '../about.ts'
import type { Traffic } from '../counted.ts'
import type { Requests } from '../remote.ts'
import type { About, Lock } from '../store.ts'
import { answerOf, isMissing, passes } from './answer.ts'

/** A version of a blob, as the service describes it. Where the container has no versions there is one, without an id. */
export interface Version {
  readonly id: string | null
  readonly size: number
  /** False once it was written over or deleted. */
  readonly current: boolean
  readonly lock: Lock | null
  readonly legalHold: boolean
}

/** attacker: whoever may write can write over a blob as often as he likes; the object is among the oldest. */
const MAX_VERSIONS = 1_000

/** The service's operations that a store needs, under their names in its documentation: each bounded, counted and tried again. Names are full names in the container. */
export class Blobs {
  readonly #container: ContainerClient
  readonly #requests: Requests
  readonly #traffic: Traffic | null
  #startFrom = true

  constructor(container: ContainerClient, requests: Requests, traffic: Traffic | null) {
    this.#container = container
    this.#requests = requests
    this.#traffic = traffic
  }

  /**
   * Put Blob, with the lock in the same request. The mode is always said: without one the policy would be unlocked, whatever
   * the container's default is.
   * @param fresh only if nothing has the name: then it may be tried again, since what landed unseen takes the name.
   * @returns the new version's id, or null where the container has no versions.
   */
  async put(
    name: string,
    bytes: Uint8Array,
    { lock, about, fresh, legalHold = false }: { lock: Lock | null; about?: About | undefined; fresh: boolean; legalHold?: boolean },
  ): Promise<string | null> {
    const options = {
      blobHTTPHeaders: { blobContentType: 'application/octet-stream' },
      transactionalContentMD5: hash('md5', bytes, 'buffer'),
      ...(about === undefined ? {} : { metadata: aboutOf(about) }),
      ...(fresh ? { conditions: { ifNoneMatch: '*' } } : {}),
      ...(lock === null ? {} : { immutabilityPolicy: policyOf(lock) }),
      ...(legalHold ? { legalHold } : {}),
    }
    const client = this.#container.getBlockBlobClient(name)
    // The library takes the options to pieces: each try has its own.
    const { versionId } = await this.#ask('PutBlob', () => client.upload(bytes, bytes.length, { ...options }), fresh)
    return versionId ?? null
  }

  /** Get Blob: the bytes with what holds them, in one answer; null when there is none. @param id null: the current version */
  async get(name: string, id: string | null): Promise<(Version & { readonly bytes: Uint8Array }) | null> {
    return this.#orNull('GetBlob', async () => {
      const answer = await this.#client(name, id).download(0, undefined, { maxRetryRequests: 0 })
      const bytes = await collect(answer.readableStreamBody)
      return { ...versionOf(answer.versionId, bytes.length, answer.isCurrentVersion, answer), bytes }
    })
  }

  /** Get Blob Properties; null when there is no such version. */
  async properties(name: string, id: string | null): Promise<Version | null> {
    return this.#orNull('GetBlobProperties', async () => {
      const answer = await this.#client(name, id).getProperties()
      return versionOf(answer.versionId, answer.contentLength ?? 0, answer.isCurrentVersion, answer)
    })
  }

  /** List Blobs of one name: its versions, oldest first, also of a deleted blob. */
  async versions(name: string): Promise<Version[]> {
    const found: Version[] = []
    for await (const item of this.#items(name, name)) {
      // Names that only begin alike follow.
      if (item.name !== name || found.length === MAX_VERSIONS) break
      if (item.hasVersionsOnly !== true || item.versionId !== undefined)
        found.push(versionOf(item.versionId, item.properties.contentLength ?? 0, item.isCurrentVersion, item.properties))
    }
    return distinct(found)
  }

  /** List Blobs: each name once, ascending, from `from` on; deleted ones too as long as a version of them is left. */
  async *names(prefix: string, from: string): AsyncGenerator<{ name: string; size: number }> {
    let last: string | null = null
    for await (const { name, properties } of this.#items(prefix, from)) {
      if (name === last) continue
      last = name
      yield { name, size: properties.contentLength ?? 0 }
    }
  }

  /** Set Blob Immutability Policy. */
  async setPolicy(name: string, id: string | null, lock: Lock): Promise<void> {
    await this.#of(name, id, (client) => this.#ask('SetBlobImmutabilityPolicy', () => client.setImmutabilityPolicy(policyOf(lock))))
  }

  /** Delete Blob Immutability Policy: of an unlocked one, or to see that a locked one withstands. */
  async deletePolicy(name: string, id: string | null): Promise<void> {
    await this.#of(name, id, (client) => this.#ask('DeleteBlobImmutabilityPolicy', () => client.deleteImmutabilityPolicy()))
  }

  /** Set Blob Legal Hold. */
  async setHold(name: string, id: string | null, on: boolean): Promise<void> {
    await this.#of(name, id, (client) => this.#ask('SetBlobLegalHold', () => client.setLegalHold(on)))
  }

  /** Set Blob Metadata: only to see that a locked version withstands. */
  async setMetadata(name: string, metadata: Record<string, string>): Promise<void> {
    await this.#ask('SetBlobMetadata', () => this.#client(name, null).setMetadata(metadata))
  }

  /** Delete Blob: without an id the current version becomes a previous one, and snapshots go; that there is none is success. */
  async delete(name: string, id: string | null): Promise<void> {
    await this.#orNull(id === null ? 'DeleteBlob' : 'DeleteBlobVersion', () => this.#client(name, id).delete(id === null ? { deleteSnapshots: 'include' } : {}))
  }

  /**
   * On a version by its id. Whether that may be the current one is documented for reading alone; where it may not, the
   * refusal says that it is the current one, and it is meant by its name.
   */
  async #of(name: string, id: string | null, request: (client: ReturnType<ContainerClient['getBlobClient']>) => Promise<unknown>): Promise<void> {
    try {
      await request(this.#client(name, id))
    } catch (error) {
      if (id === null || answerOf(error).code !== 'OperationNotAllowedOnRootBlob') throw error
      await request(this.#client(name, null))
    }
  }

  #client(name: string, id: string | null): ReturnType<ContainerClient['getBlobClient']> {
    const client = this.#container.getBlobClient(name)
    return id === null ? client : client.withVersion(id)
  }

  async *#items(prefix: string, from: string): AsyncGenerator<ListedBlob> {
    let marker: string | undefined
    do {
      const page: ListedPage = await this.#page(prefix, from, marker)
      yield* page.segment.blobItems
      marker = page.continuationToken
    } while (marker !== undefined && marker !== '')
  }

  async #page(prefix: string, from: string, marker: string | undefined): Promise<ListedPage> {
    const pages = (): Promise<IteratorResult<ListedPage>> =>
      this.#container
        .listBlobsFlat({
          prefix,
          includeVersions: true,
          includeDeletedWithVersions: true,
          includeImmutabilityPolicy: true,
          includeLegalHold: true,
          responseFormat: StorageResponseFormat.Xml,
          ...(this.#startFrom && from > prefix ? { startFrom: from } : {}),
        })
        .byPage(marker === undefined ? {} : { continuationToken: marker })
        .next()
    try {
      return (await this.#ask('ListBlobs', pages)).value as ListedPage
    } catch (error) {
      // An older service, or one that does not take it together with versions: what comes before is then read and left out.
      if (!this.#startFrom || from <= prefix || answerOf(error).status !== 400) throw error
      this.#startFrom = false
      return this.#page(prefix, from, undefined)
    }
  }

  async #orNull<T>(operation: string, request: () => Promise<T>): Promise<T | null> {
    try {
      return await this.#ask(operation, request)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async #ask<T>(operation: string, request: () => Promise<T>, again = true): Promise<T> {
    const traffic = this.#traffic
    let failed = ''
    return this.#requests.make(
      () => {
        if (failed !== '') traffic?.again(operation, failed)
        traffic?.sent(operation)
        return request()
      },
      (error) => {
        const { status, code } = answerOf(error)
        failed = code === '' ? String(status ?? 'lost') : code
        return again && passes(error)
      },
    )
  }
}

interface ListedBlob {
  readonly name: string
  readonly versionId?: string
  readonly isCurrentVersion?: boolean
  readonly hasVersionsOnly?: boolean
  readonly properties: Holding & { readonly contentLength?: number }
}

interface ListedPage {
  readonly segment: { readonly blobItems: readonly ListedBlob[] }
  readonly continuationToken?: string
}

interface Holding {
  readonly immutabilityPolicyExpiresOn?: Date
  readonly immutabilityPolicyMode?: string
  readonly legalHold?: boolean
}

function versionOf(id: string | undefined, size: number, current: boolean | undefined, holding: Holding): Version {
  return { id: id ?? null, size, current: id === undefined || current === true, lock: lockOf(holding), legalHold: holding.legalHold === true }
}

/** attacker: mode and date are the store's word. `Mutable` and whatever else is no lock. */
function lockOf({ immutabilityPolicyExpiresOn: until, immutabilityPolicyMode: mode }: Holding): Lock | null {
  const retainUntilMs = until?.getTime() ?? Number.NaN
  if (!Number.isFinite(retainUntilMs)) return null
  if (mode?.toLowerCase() === 'locked') return { mode: 'COMPLIANCE', retainUntilMs }
  return mode?.toLowerCase() === 'unlocked' ? { mode: 'GOVERNANCE', retainUntilMs } : null
}

/** The service keeps whole seconds: rounded up, so that nothing ends before it was asked to. */
function policyOf({ mode, retainUntilMs }: Lock): BlobImmutabilityPolicy {
  return { policyMode: mode === 'COMPLIANCE' ? 'Locked' : 'Unlocked', expiriesOn: new Date(Math.ceil(retainUntilMs / 1000) * 1000) }
}

/** The mark of a deleted blob may carry the id of its last version: described once, and by the version. */
function distinct(versions: readonly Version[]): Version[] {
  const byId = new Map<string | null, Version>()
  for (const version of versions) if (!byId.has(version.id)) byId.set(version.id, version)
  return [...byId.values()].sort((a, b) => (a.id === b.id ? 0 : (a.id ?? '') < (b.id ?? '') ? -1 : 1))
}

/** The transport has it whole already. */
async function collect(stream: NodeJS.ReadableStream | undefined): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
