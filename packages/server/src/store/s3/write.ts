import { createHash, hash } from 'node:crypto'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { SealtrailError } from '../../errors.ts'
import { digestNamed } from '../key.ts'
import { isAtLeast } from '../lock.ts'
import { type Patience, Requests } from '../remote.ts'
import { aboutOf } from '../about.ts'
import type { About, Lock } from '../store.ts'
import { type Client, named } from './client.ts'
import { isDenied, isLockless, isMissing, isUnknown, tell } from './failure.ts'
import type { Locks } from './lock.ts'
import { original, versionsOf } from './versions.ts'

/** Puts under way at once: their bytes are in memory until the store has answered. */
const PUTS_AT_ONCE = 8

/** What is to be written. */
export interface Writing {
  readonly key: string
  readonly path: string
  readonly bytes: Uint8Array
  readonly lock: Lock
  readonly about: About | undefined
}

/** What stands when it is written: its version, and whether the store holds it as was asked. */
export interface Written {
  readonly version: string | null
  readonly locked: boolean
}

/**
 * Writes one object, so that it stands once, locked, and is read back.
 *
 * `If-None-Match: *` is not sent. It looks at the current version only (behind a deletion marker the key is free again),
 * some servers ignore it where there are versions and others answer 501, and what it would keep away is harmless here:
 * a key names its bytes, and the oldest version is the object.
 */
export class Writer {
  readonly #client: Client
  readonly #locks: Locks
  readonly #puts: Requests
  readonly #requireLock: boolean

  constructor(client: Client, locks: Locks, patience: Patience, requireLock: boolean) {
    this.#client = client
    this.#locks = locks
    // The second kind of turn: a put waits in it for the reads that find out what became of it, never the other way round.
    this.#puts = new Requests({ ...patience, atOnce: PUTS_AT_ONCE })
    this.#requireLock = requireLock
  }

  /** @throws SealtrailError ALREADY_WRITTEN, STORE_NOT_LOCKED, NOT_DURABLE; the SDK's error */
  async write(writing: Writing): Promise<Written> {
    const version = await this.#puts.make(async () => {
      // Also before another attempt: the one before may have landed, its answer lost.
      const standing = await this.#standing(writing)
      return standing === undefined ? this.#put(writing) : standing
    }, this.#client.passes)
    // Dying from here on: the object stands, locked by its own put, and nobody was told. Put again, it is found.
    return this.#confirm(writing, version)
  }

  /** The version that is these bytes already; undefined when there is none. @throws SealtrailError ALREADY_WRITTEN */
  async #standing(writing: Writing): Promise<string | null | undefined> {
    return (await this.#anything(writing.path)) ? this.#find(writing) : undefined
  }

  async #find({ key, path, bytes }: Writing): Promise<string | null | undefined> {
    const found = await original(this.#client, key, path, await versionsOf(this.#client, path))
    if (found === null) return undefined
    if (Buffer.compare(found.got.bytes, bytes) !== 0) throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`)
    return found.id
  }

  /** Whether there is anything under the path, a deletion marker included: one cheap request where there is not. */
  async #anything(path: string): Promise<boolean> {
    try {
      // Once: who asks asks again with the whole put, and a store that is gone is known to be gone after five tries, not five times five.
      await this.#client.once((s3, options) => s3.send(new HeadObjectCommand({ Bucket: this.#client.bucket, Key: path }), options))
      return true
    } catch (error) {
      const { $response } = error as { $response?: { headers?: Record<string, string> } }
      // Without the right to list, a missing key is 403 as well.
      if (isMissing(error)) return $response?.headers?.['x-amz-delete-marker'] === 'true'
      if (isDenied(error)) return true
      throw error
    }
  }

  async #put(writing: Writing): Promise<string | null> {
    try {
      return await this.#send(writing, true)
    } catch (error) {
      if (isLockless(error)) {
        if (this.#requireLock) throw new SealtrailError('STORE_NOT_LOCKED', `the bucket takes no locks: ${tell(error)}`, { cause: error })
        return this.#send(writing, false)
      }
      if (!isUnknown(error)) throw error
      // Nobody knows whether it landed. Looked for here, so that a put that landed is not sent again; what lands later still is a copy.
      const found = await this.#find(writing)
      if (found === undefined) throw error
      return found
    }
  }

  async #send({ path, bytes, lock, about }: Writing, locked: boolean): Promise<string | null> {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const command = new PutObjectCommand({
      Bucket: this.#client.bucket,
      Key: path,
      Body: body,
      ContentLength: body.length,
      // Amazon checks both, Ceph the second alone.
      ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
      ContentMD5: hash('md5', body, 'base64'),
      ContentType: 'application/octet-stream',
      ...(about === undefined ? {} : { Metadata: metadataOf(about) }),
      ...(locked ? { ObjectLockMode: lock.mode, ObjectLockRetainUntilDate: new Date(lock.retainUntilMs) } : {}),
      ...(locked && about?.legalHold === true ? { ObjectLockLegalHoldStatus: 'ON' } : {}),
    })
    const { VersionId } = await this.#client.once((s3, options) => s3.send(command, options))
    return named(VersionId)
  }

  /** Reads that very version: its bytes, and what holds it; mends a lock that is too weak once. */
  async #confirm({ key, path, bytes, lock, about }: Writing, version: string | null): Promise<Written> {
    const which = { path, version }
    const got = await this.#client.read(path, version)
    if (Buffer.compare(got.bytes, bytes) !== 0) throw new SealtrailError('NOT_DURABLE', `${key} is read back with other bytes than were written`)
    let shown = await this.#locks.lock(which, got.headers)
    if (!isAtLeast(shown, lock)) {
      if (!(await this.#mend(which, shown, lock))) return { version, locked: false }
      shown = (await this.#locks.read(which)).lock
      if (!isAtLeast(shown, lock))
        return this.#unlocked(
          `${key} was taken, its lock was not: the store shows ${shown === null ? 'none' : `${shown.mode} until ${new Date(shown.retainUntilMs).toISOString()}`}`,
          version,
        )
    }
    if (about?.legalHold === true && !(await this.#locks.shown(which, got.headers)).legalHold) {
      await this.#locks.setHold(which, true)
      if (!(await this.#locks.read(which)).legalHold) return this.#unlocked(`${key} was taken, its legal hold was not`, version)
    }
    return { version, locked: true }
  }

  async #mend(which: { readonly path: string; readonly version: string | null }, standing: Lock | null, wanted: Lock): Promise<boolean> {
    try {
      await this.#locks.harden(which, standing, {
        mode: standing?.mode === 'COMPLIANCE' ? 'COMPLIANCE' : wanted.mode,
        retainUntilMs: Math.max(wanted.retainUntilMs, standing?.retainUntilMs ?? 0),
      })
      return true
    } catch (error) {
      if (isUnknown(error)) throw error
      if (this.#requireLock)
        throw new SealtrailError('STORE_NOT_LOCKED', `the lock asked for does not stand and cannot be set: ${tell(error)}`, { cause: error })
      return false
    }
  }

  #unlocked(detail: string, version: string | null): Written {
    if (this.#requireLock) throw new SealtrailError('STORE_NOT_LOCKED', detail)
    return { version, locked: false }
  }
}

/** Metadata names of ours. S3 takes 2 KB of names and values. */
function metadataOf(about: About): Record<string, string> {
  return Object.fromEntries(Object.entries(aboutOf(about)).map(([name, value]) => [`sealtrail-${name}`, value]))
}

/** The bytes do not have the digest that the key names. */
export function isOther(key: string, bytes: Uint8Array): boolean {
  return !hash('sha256', bytes, 'hex').startsWith(digestNamed(key))
}
