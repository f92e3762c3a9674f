import { GetObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { isStoreVersion } from '@sealtrail/evidence'
import { SealtrailError } from '../../errors.ts'
import type { Traffic } from '../counted.ts'
import { type Patience, type RemoteOptions, Requests } from '../remote.ts'
import { failureOf, passes } from './failure.ts'

/** A bucket and how it is reached; secrets are open here. */
export interface S3Address {
  readonly bucket: string
  /** '' or ends with `/`. */
  readonly prefix: string
  readonly region: string
  /** Of another server than Amazon's, or null. */
  readonly endpoint: string | null
  /** Null: the SDK's chain (environment, profile, role of the machine). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
}

export interface S3Options extends RemoteOptions {
  readonly traffic?: Traffic
}

/** Far above any segment, pack or object of ours. attacker: who holds the store could otherwise fill the memory of who reads. */
const MOST_BYTES = 256 * 1024 * 1024

/** What a version's headers said, with its bytes. */
export interface Got {
  readonly bytes: Buffer
  readonly version: string | null
  readonly headers: LockHeaders
}

/** Lock fields of an answer: undefined where the store keeps them from us, or where there are none. */
export interface LockHeaders {
  readonly ObjectLockMode?: string | undefined
  readonly ObjectLockRetainUntilDate?: Date | undefined
  readonly ObjectLockLegalHoldStatus?: string | undefined
}

/**
 * Requests to one bucket, each bounded in time to the last byte of its answer, so many at once. The SDK sends each once
 * (`maxAttempts: 1`): a put whose answer is lost must be looked for before it is sent again, which the SDK would not do.
 */
export class Client {
  readonly bucket: string
  readonly #s3: S3Client
  readonly #requests: Requests
  readonly #timeoutMs: number
  readonly #traffic: Traffic | undefined
  /** What an error was the answer to. */
  readonly #asked = new WeakMap<object, string>()

  constructor({ bucket, region, endpoint, credentials }: S3Address, { timeoutMs, traffic }: S3Options, patience: Patience) {
    this.bucket = bucket
    const config: S3ClientConfig = {
      region,
      maxAttempts: 1,
      // Default: a checksum with each body. Amazon demands one where there is a lock; bodies are Buffers, so it stands in a header.
      requestChecksumCalculation: 'WHEN_SUPPORTED',
      // Digests are compared here: an object whose bytes were changed must be read, and named, not end in an error of the SDK.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: Math.min(timeoutMs, 10_000), socketTimeout: timeoutMs },
    }
    if (endpoint !== null) Object.assign(config, { endpoint, forcePathStyle: true })
    if (credentials !== null) config.credentials = credentials
    this.#s3 = new S3Client(config)
    this.#requests = new Requests(patience)
    this.#timeoutMs = timeoutMs
    this.#traffic = traffic
    this.#s3.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (input) => {
          const name = String(commandName).replace(/Command$/, '')
          traffic?.sent(name)
          try {
            return await next(input)
          } catch (error) {
            if (typeof error === 'object' && error !== null) this.#asked.set(error, name)
            throw error
          }
        },
      { step: 'initialize' },
    )
  }

  /** What every request is let be made again for. */
  readonly passes = (error: unknown): boolean => {
    if (!passes(error)) return false
    const name = typeof error === 'object' && error !== null ? this.#asked.get(error) : undefined
    this.#traffic?.again(name ?? 'GetObject', failureOf(error).code)
    return true
  }

  /** Asks, again when that may help. @throws the SDK's error of the last attempt */
  ask<T>(run: (s3: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return this.#requests.make(() => this.#timed(run), this.passes)
  }

  /** Asks once: what must not be done twice unseen. */
  once<T>(run: (s3: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return this.#requests.make(
      () => this.#timed(run),
      () => false,
    )
  }

  /** Reads a version, or what is current (null). @throws the SDK's error; SealtrailError DATA_CORRUPT for what is too large to be ours */
  read(Key: string, version: string | null): Promise<Got> {
    return this.ask(async (s3, options) => {
      const command = new GetObjectCommand({ Bucket: this.bucket, Key, ...(version === null ? {} : { VersionId: version }) })
      const { Body, VersionId, ...headers } = await s3.send(command, options)
      const body = Body as (AsyncIterable<Uint8Array> & { destroy(error?: Error): void }) | undefined
      if (body === undefined) throw new Error('an answer without a body')
      const end = (): void => body.destroy(new Error('timed out'))
      options.abortSignal.addEventListener('abort', end)
      try {
        const bytes = await collect(body)
        return { bytes, version: named(VersionId), headers }
      } finally {
        options.abortSignal.removeEventListener('abort', end)
        body.destroy()
      }
    })
  }

  close(): void {
    this.#s3.destroy()
  }

  async #timed<T>(run: (s3: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    const control = new AbortController()
    const timer = setTimeout(() => control.abort(), this.#timeoutMs)
    try {
      return await run(this.#s3, { abortSignal: control.signal })
    } finally {
      clearTimeout(timer)
    }
  }
}

/** A version id, or null for what a bucket without versions calls `null` or nothing. */
export function named(version: string | undefined): string | null {
  // attacker: what is no version id is not taken for one, and not sealed.
  return version === undefined || version === 'null' || !isStoreVersion(version) ? null : version
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > MOST_BYTES) throw new SealtrailError('DATA_CORRUPT', `the store gives more than ${MOST_BYTES} bytes for one object`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
