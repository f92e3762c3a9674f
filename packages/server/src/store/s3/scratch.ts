import {
  type _Object as S3Object,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { createHash, hash } from 'node:crypto'
import type { Lock } from '../store.ts'
import { type Client, named } from './client.ts'
import { isMissing, tell } from './failure.ts'
import type { Locks, Shown, Which } from './lock.ts'

/** An object that a probe tries to break: what it was, and where. */
export interface Scratch extends Which {
  readonly bytes: Uint8Array
  readonly lock: Lock | null
}

/** What the store answered to an attack. */
export interface Reply {
  readonly done: boolean
  /** `403 AccessDenied`, or `done`. */
  readonly said: string
  readonly error: unknown
}

/** What a probe does to objects of its own, below a prefix that no list of evidence shows. */
export class ScratchPlace {
  readonly #client: Client
  readonly #locks: Locks
  readonly prefix: string

  constructor(client: Client, locks: Locks, prefix: string) {
    this.#client = client
    this.#locks = locks
    this.prefix = prefix
  }

  /** @throws the SDK's error */
  async put(name: string, bytes: Uint8Array, lock: Lock | null, ifNoneMatch = false): Promise<Scratch> {
    const path = this.prefix + name
    const Body = Buffer.from(bytes)
    const command = new PutObjectCommand({
      Bucket: this.#client.bucket,
      Key: path,
      Body,
      ChecksumSHA256: createHash('sha256').update(Body).digest('base64'),
      ContentMD5: hash('md5', Body, 'base64'),
      ...(lock === null ? {} : { ObjectLockMode: lock.mode, ObjectLockRetainUntilDate: new Date(lock.retainUntilMs) }),
      ...(ifNoneMatch ? { IfNoneMatch: '*' } : {}),
    })
    const { VersionId } = await this.#client.once((s3, options) => s3.send(command, options))
    return { path, version: named(VersionId), bytes, lock }
  }

  /** What holds it, or null when it is gone. */
  async shown(which: Which): Promise<Shown | null> {
    try {
      return await this.#locks.read(which)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** Whether the very bytes can still be read. */
  async stands({ path, version, bytes }: Scratch): Promise<boolean> {
    try {
      return Buffer.compare((await this.#client.read(path, version)).bytes, bytes) === 0
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  async hasCurrent(path: string): Promise<boolean> {
    try {
      await this.#client.ask((s3, options) => s3.send(new HeadObjectCommand({ Bucket: this.#client.bucket, Key: path }), options))
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  deleteVersion({ path, version }: Which, bypass = false): Promise<Reply> {
    const command = new DeleteObjectCommand({
      Bucket: this.#client.bucket,
      Key: path,
      VersionId: version ?? 'null',
      ...(bypass ? { BypassGovernanceRetention: true } : {}),
    })
    return this.attack(() => this.#client.ask((s3, options) => s3.send(command, options)))
  }

  /** Lays a deletion marker over it. */
  mark(path: string): Promise<Reply> {
    const command = new DeleteObjectCommand({ Bucket: this.#client.bucket, Key: path })
    return this.attack(() => this.#client.ask((s3, options) => s3.send(command, options)))
  }

  /** One list, in this order. */
  deleteMany(all: readonly Which[]): Promise<Reply> {
    const Objects = all.map(({ path, version }) => ({ Key: path, VersionId: version ?? 'null' }))
    const command = new DeleteObjectsCommand({ Bucket: this.#client.bucket, Delete: { Objects } })
    return this.attack(async () => {
      // 200 says nothing: what was refused stands in the answer.
      const { Errors = [] } = await this.#client.ask((s3, options) => s3.send(command, options))
      return Errors.length === 0 ? undefined : `200, refused: ${Errors.map(({ Code }) => Code).join(', ')}`
    })
  }

  /** @param run may return what was said */
  async attack(run: () => Promise<unknown>): Promise<Reply> {
    try {
      const said = await run()
      return { done: typeof said !== 'string', said: typeof said === 'string' ? said.slice(0, 200) : 'done', error: null }
    } catch (error) {
      return { done: false, said: tell(error), error }
    }
  }

  /** Removes what earlier probes left, as far as the store lets go of it; one page is enough for each time. */
  async sweep(): Promise<void> {
    const command = new ListObjectVersionsCommand({ Bucket: this.#client.bucket, Prefix: this.prefix, MaxKeys: 200 })
    const { Versions = [], DeleteMarkers = [] } = await this.#client.ask((s3, options) => s3.send(command, options))
    for (const { Key, VersionId } of [...DeleteMarkers, ...Versions] as (S3Object & { VersionId?: string })[])
      if (Key !== undefined && !Key.startsWith(`${this.prefix}default`)) await this.deleteVersion({ path: Key, version: named(VersionId) })
  }
}
