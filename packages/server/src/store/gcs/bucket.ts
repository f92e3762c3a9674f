import { hash } from 'node:crypto'
import { crc32c } from '../../observe/crc32c.ts'
import type { Call, Client } from './client.ts'
import { NoAnswer, Refused } from './failure.ts'
import { FIELDS, type Generation, parseGeneration } from './generation.ts'

/** No object of ours is larger; a longer one is not read. */
export const MAX_OBJECT: number = 1024 * 1024 * 1024
const MAX_DESCRIPTION = 64 * 1024
const MAX_PAGE = 8 * 1024 * 1024
const PAGE = 1_000
/** Pages in a row that bring nothing: the store leads us in a circle. */
const MAX_EMPTY = 100

/** What is said about an object with its upload, and may be changed later. */
export interface Description {
  readonly retention?: { readonly mode: string; readonly retainUntilTime: string } | null
  readonly temporaryHold?: boolean
  readonly metadata?: Readonly<Record<string, string>>
}

/** The calls of the JSON API that the store makes, each with the permissions it takes. Every one throws Refused or NoAnswer. */
export class Bucket {
  readonly #client: Client
  readonly #bucket: string

  constructor(client: Client, bucket: string) {
    this.#client = client
    this.#bucket = encodeURIComponent(bucket)
  }

  /**
   * One request: description and bytes together, so that nothing ever stands there unlocked. Its outcome is not known when
   * it throws NoAnswer. @param onlyIfNew refused with 412 while a live generation stands under the name.
   */
  async upload(name: string, bytes: Uint8Array, description: Description, onlyIfNew: boolean, checksum: string = checksumOf(bytes)): Promise<Generation> {
    const json = JSON.stringify({ name, crc32c: checksum, contentType: 'application/octet-stream', ...description })
    // Of the bytes themselves, so that nobody can write it into them and have the upload fail for ever.
    const boundary = hash('sha256', bytes, 'hex')
    const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${json}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`
    return this.#client.once(
      {
        name: 'objects.insert',
        method: 'POST',
        path: `/upload/storage/v1/b/${this.#bucket}/o`,
        query: { uploadType: 'multipart', fields: FIELDS, ...(onlyIfNew ? { ifGenerationMatch: '0' } : {}) },
        body: { type: `multipart/related; boundary=${boundary}`, parts: [Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)] },
        maxBytes: MAX_DESCRIPTION,
        needs: 'storage.objects.create, storage.objects.setRetention, and storage.objects.delete to write over an object',
      },
      described,
    )
  }

  /** The bytes of a generation, or of the live one; null when there is none. */
  async bytes(name: string, generation: string | null, maxBytes: number = MAX_OBJECT): Promise<Buffer | null> {
    const query = { alt: 'media', ...(generation === null ? {} : { generation }) }
    return orNull(
      this.#client.again({ name: 'objects.get', method: 'GET', path: this.#object(name), query, maxBytes, needs: 'storage.objects.get' }, (body) => body),
    )
  }

  /** What is said of a generation, or null when there is none. */
  async describe(name: string, generation: string): Promise<Generation | null> {
    const query = { generation, fields: FIELDS }
    const call: Call = { name: 'objects.get', method: 'GET', path: this.#object(name), query, maxBytes: MAX_DESCRIPTION, needs: 'storage.objects.get' }
    return orNull(this.#client.again(call, described))
  }

  /** Every generation of every name with the prefix, names ascending, from `start` on. */
  async *generations(prefix: string, start = ''): AsyncGenerator<Generation> {
    let token = ''
    let empty = 0
    do {
      const call: Call = {
        name: 'objects.list',
        method: 'GET',
        path: `/storage/v1/b/${this.#bucket}/o`,
        query: {
          prefix,
          versions: 'true',
          maxResults: String(PAGE),
          fields: `nextPageToken,items(${FIELDS})`,
          ...(start === '' ? {} : { startOffset: start }),
          ...(token === '' ? {} : { pageToken: token }),
        },
        maxBytes: MAX_PAGE,
        needs: 'storage.objects.list',
      }
      const page = await this.#client.again(call, listed)
      empty = page.items.length === 0 ? empty + 1 : 0
      yield* page.items
      ;({ token } = page)
    } while (token !== '' && empty < MAX_EMPTY)
    if (token !== '') throw new NoAnswer('a list that does not end')
  }

  /**
   * Changes what is said of a generation, if nobody changed it since it was read. @param override the service's
   * `overrideUnlockedRetention`, which takes a permission of its own.
   */
  async change({ name, generation, metageneration }: Generation, description: Description, override = false): Promise<void> {
    await this.#client.once(
      {
        name: 'objects.patch',
        method: 'PATCH',
        path: this.#object(name),
        query: { generation, ifMetagenerationMatch: metageneration, fields: 'generation', ...(override ? { overrideUnlockedRetention: 'true' } : {}) },
        body: { type: 'application/json', parts: [Buffer.from(JSON.stringify(description))] },
        maxBytes: MAX_DESCRIPTION,
        needs: `storage.objects.update${description.retention === undefined ? '' : `, storage.objects.setRetention${override ? ', storage.objects.overrideUnlockedRetention' : ''}`}`,
      },
      ignored,
    )
  }

  /** Removes a generation for good, or without one makes the live generation noncurrent; none there is success. */
  async remove(name: string, generation: string | null): Promise<void> {
    const call: Call = {
      name: 'objects.delete',
      method: 'DELETE',
      path: this.#object(name),
      query: generation === null ? {} : { generation },
      maxBytes: MAX_DESCRIPTION,
      needs: 'storage.objects.delete',
    }
    await orNull(this.#client.again(call, ignored))
  }

  /** What the bucket is set to; takes a permission of its own. */
  async settings(fields: string): Promise<Record<string, unknown>> {
    const call: Call = {
      name: 'buckets.get',
      method: 'GET',
      path: `/storage/v1/b/${this.#bucket}`,
      query: { fields },
      maxBytes: MAX_DESCRIPTION,
      needs: 'storage.buckets.get',
    }
    return this.#client.again(call, (body) => Object(parse(body)) as Record<string, unknown>)
  }

  /** Writes the bucket's lifecycle rules, all of them, unless the bucket was changed since they were read. */
  async setRules(rules: readonly unknown[], metageneration: string): Promise<void> {
    await this.#client.once(
      {
        name: 'buckets.patch',
        method: 'PATCH',
        path: `/storage/v1/b/${this.#bucket}`,
        query: { fields: 'metageneration', ifMetagenerationMatch: metageneration },
        body: { type: 'application/json', parts: [Buffer.from(JSON.stringify({ lifecycle: { rule: rules } }))] },
        maxBytes: MAX_DESCRIPTION,
        needs: 'storage.buckets.update',
      },
      ignored,
    )
  }

  #object(name: string): string {
    return `/storage/v1/b/${this.#bucket}/o/${encodeURIComponent(name)}`
  }
}

/** CRC-32C as the service writes it: big-endian, base64. */
export function checksumOf(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32c(bytes))
  return sum.toString('base64')
}

/** attacker: the store's answer. */
function parse(answer: Buffer): unknown {
  try {
    return JSON.parse(answer.toString('utf8')) as unknown
  } catch {
    throw new NoAnswer('an answer that is no JSON')
  }
}

/** An answer that says nothing is none: what became of the request is not known. */
function described(body: Buffer): Generation {
  return understood(parse(body), parseGeneration)
}

function listed(body: Buffer): { items: Generation[]; token: string } {
  const { items = [], nextPageToken = '' } = Object(parse(body)) as { items?: unknown; nextPageToken?: unknown }
  if (!Array.isArray(items) || items.length > PAGE || typeof nextPageToken !== 'string') throw new NoAnswer('a list that is none')
  return { items: items.map((item) => understood(item, parseGeneration)), token: nextPageToken }
}

function understood<T>(value: unknown, as: (value: unknown) => T): T {
  try {
    return as(value)
  } catch (cause) {
    throw new NoAnswer('an answer that describes no object', { cause })
  }
}

const ignored = (): void => undefined

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null
    throw error
  }
}
