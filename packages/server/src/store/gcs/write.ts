import { hash } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { aboutOf } from '../about.ts'
import { digestNamed } from '../key.ts'
import { isAtLeast } from '../lock.ts'
import type { Requests } from '../remote.ts'
import type { About, Lock } from '../store.ts'
import type { Bucket, Description } from './bucket.ts'
import type { Changes } from './change.ts'
import type { Client } from './client.ts'
import { isConflict, isPassing, refusedLock } from './failure.ts'
import { type Generation, retentionOf } from './generation.ts'
import type { Versions } from './versions.ts'

/** Makes an object durable and locked, and reads back that it is. */
export class Writer {
  readonly #bucket: Bucket
  readonly #versions: Versions
  readonly #changes: Changes
  readonly #client: Client
  readonly #writes: Requests
  readonly #requireLock: boolean

  constructor(bucket: Bucket, versions: Versions, changes: Changes, client: Client, writes: Requests, requireLock: boolean) {
    this.#bucket = bucket
    this.#versions = versions
    this.#changes = changes
    this.#client = client
    this.#writes = writes
    this.#requireLock = requireLock
  }

  /** Which generation is the object now, and whether it is locked as asked. Throws what is no SealtrailError, too. */
  async put(key: string, bytes: Uint8Array, lock: Lock, about: About | undefined): Promise<{ version: string; locked: boolean }> {
    const digest = digestNamed(key)
    if (!hash('sha256', bytes, 'hex').startsWith(digest)) {
      if ((await this.#versions.of(key)).length > 0) throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`)
      throw new SealtrailError('INTERNAL', `the bytes are not those ${key} names`)
    }
    // Where nothing in the key tells which bytes are meant, others that stand there must not get one more generation.
    if (digest === '') await this.#versions.standing(key, bytes)
    const hold = about?.legalHold === true
    const description = { retention: retentionOf(lock), ...(hold ? { temporaryHold: true } : {}), ...(about === undefined ? {} : { metadata: aboutOf(about) }) }
    const written = await this.#upload(key, bytes, description)
    // Dying from here on: the object stands, locked, and is found when it is put again.
    const standing = await this.#versions.standing(key, bytes, written)
    if (standing === null) throw new SealtrailError('NOT_DURABLE', `${key} cannot be read back as it was written`)
    const asked = isAtLeast(standing.lock, lock) && (!hold || standing.legalHold)
    return { version: standing.generation, locked: asked || (await this.#harden(key, standing.generation === written?.generation, lock, hold)) }
  }

  /** Null when it is known to be there already. Every try after the first looks first: the answer alone may have been lost. */
  async #upload(key: string, bytes: Uint8Array, description: Description): Promise<Generation | null> {
    let tried = false
    let asking = false
    let onlyIfNew = true
    const attempt = async (): Promise<Generation | null> => {
      asking = false
      if (tried && (await this.#versions.standing(key, bytes)) !== null) return null
      tried = true
      asking = true
      try {
        return await this.#bucket.upload(this.#versions.name(key), bytes, description, onlyIfNew)
      } catch (error) {
        if (!isConflict(error) || !onlyIfNew) throw error
        // Something is live there. If it is not these bytes, they are put beside it, and are the object.
        onlyIfNew = false
        return attempt()
      }
    }
    try {
      return await this.#writes.make(attempt, (error) => asking && this.#client.passes('objects.insert', error))
    } catch (error) {
      if (!asking || error instanceof SealtrailError) throw error
      if (isPassing(error)) {
        if ((await this.#versions.standing(key, bytes)) !== null) return null
        throw error
      }
      const { retention, ...rest } = description
      if (this.#requireLock || retention === undefined) throw refusedLock(key, error)
      // The operator has said that it may go on without: a bucket without object retention refuses what asks for it.
      return this.#upload(key, bytes, rest)
    }
  }

  /** What stands is locked less than asked: of our own upload the store kept the bytes alone; an older object is hardened. */
  async #harden(key: string, isOurs: boolean, lock: Lock, hold: boolean): Promise<boolean> {
    try {
      if (isOurs) throw new SealtrailError('STORE_NOT_LOCKED', `the store took ${key} and does not show the lock it was given`)
      await this.#changes.extend(key, lock)
      if (hold) await this.#changes.hold(key, true)
      return true
    } catch (error) {
      const unknown = error instanceof SealtrailError && error.code === 'NOT_DURABLE' && isPassing(error.cause)
      if (this.#requireLock || unknown) throw error
      return false
    }
  }
}
