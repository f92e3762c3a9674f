import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { SealtrailError } from '../../errors.ts'
import { checkedKey, digestNamed, parseKey } from '../key.ts'
import type { Cold, Lifecycle } from '../lifecycle.ts'
import { atLeast, endsAfter, isAtLeast } from '../lock.ts'
import { checkWritable, PATIENCE, type Patience } from '../remote.ts'
import type { About, Assurance, Held, Lock, Probe, ProbeEnv, Store, Stored } from '../store.ts'
import { Client, type Got, type S3Address, type S3Options } from './client.ts'
import { isDenied, isMissing, tell } from './failure.ts'
import { applyLifecycle } from './lifecycle.ts'
import { Locks, type Which } from './lock.ts'
import { probeS3 } from './probe.ts'
import { listed, original, othersBeside, type Version, versionsOf } from './versions.ts'
import { isOther, Writer } from './write.ts'

/** The write-once store in a bucket of Amazon S3, or of a server that speaks its language, with Object Lock. */
export class S3Store implements Store {
  readonly #client: Client
  readonly #locks: Locks
  readonly #writer: Writer
  readonly #prefix: string
  readonly #options: S3Options
  /** What the last probe saw; nothing is called enforced before one did. */
  #seen: Assurance = 'declared'

  constructor(address: S3Address, options: S3Options, patience: Patience = PATIENCE) {
    this.#client = new Client(address, options, patience)
    this.#locks = new Locks(this.#client)
    this.#writer = new Writer(this.#client, this.#locks, patience, options.requireLock)
    this.#prefix = address.prefix
    this.#options = options
  }

  async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    checkedKey(key)
    checkWritable(this.#options)
    if (bytes.length === 0) throw new SealtrailError('INTERNAL', 'an object of no bytes')
    try {
      if (isOther(key, bytes)) {
        const standing = await this.#original(key)
        throw new SealtrailError(standing === null ? 'INTERNAL' : 'ALREADY_WRITTEN', `the bytes are not those ${key} names`)
      }
      const { version, locked } = await this.#writer.write({ key, path: this.#path(key), bytes, lock, about })
      return { key, size: bytes.length, assurance: locked ? this.#seen : 'none', version }
    } catch (error) {
      throw this.#notDurable(error, `${key} is not known to be stored`)
    }
  }

  async get(key: string): Promise<Uint8Array | null> {
    checkedKey(key)
    return this.#reading(`${key} cannot be read`, async () => {
      // Without a digest to tell it by, the object is the oldest version; with one, the current version nearly always is it.
      const current = digestNamed(key) === '' ? null : await this.#current(key)
      if (current !== null && !isOther(key, current.bytes)) return current.bytes
      return (await this.#original(key))?.got.bytes ?? current?.bytes ?? null
    })
  }

  async *list(prefix: string, after = ''): AsyncGenerator<{ key: string; size: number }> {
    if (after > prefix && !after.startsWith(prefix)) return
    const start = after > prefix ? this.#path(after) : null
    // The oldest version is the object, and a list names the newest first.
    let last: { key: string; size: number } | null = null
    try {
      for await (const { key: path, size } of listed(this.#client, this.#path(prefix), start)) {
        const key = path.slice(this.#prefix.length)
        // Scratch of probes, and what others keep here.
        if (parseKey(key) === null || key <= after) continue
        if (last !== null && last.key !== key) yield last
        last = { key, size }
      }
    } catch (error) {
      throw this.#unreadable(error, 'the bucket cannot be listed')
    }
    if (last !== null) yield last
  }

  async held(key: string): Promise<Held | null> {
    checkedKey(key)
    return this.#reading(`what holds ${key} cannot be read`, () => this.#held(key))
  }

  async extend(key: string, lock: Lock): Promise<Held> {
    const held = await this.#known(key)
    const wanted = atLeast(held.lock, lock)
    if (isAtLeast(held.lock, wanted)) return held
    const after = await this.#change(key, 'its lock was not made longer', () => this.#locks.harden(this.#which(key, held.version), held.lock, wanted))
    if (!isAtLeast(after.lock, wanted)) throw new SealtrailError('STORE_NOT_LOCKED', `the store does not show the longer lock of ${key}`)
    return after
  }

  async hold(key: string, on: boolean): Promise<Held> {
    const held = await this.#known(key)
    if (held.legalHold === on) return held
    const after = await this.#change(key, 'its legal hold was not changed', () => this.#locks.setHold(this.#which(key, held.version), on))
    if (after.legalHold !== on) throw new SealtrailError('STORE_NOT_LOCKED', `the store does not show the legal hold of ${key} as it was set`)
    return after
  }

  async remove(key: string, nowMs: number): Promise<void> {
    checkedKey(key)
    checkWritable(this.#options)
    const path = this.#path(key)
    try {
      const all = await versionsOf(this.#client, path)
      for (const { id } of all.versions) {
        const { lock, legalHold } = await this.#locks.read({ path, version: id })
        if (legalHold) throw new SealtrailError('OBJECT_LOCKED', `${key} is under a legal hold`)
        if (lock !== null && endsAfter(lock, nowMs))
          throw new SealtrailError('OBJECT_LOCKED', `${key} is locked until ${new Date(lock.retainUntilMs).toISOString()}`)
      }
      // The object itself last: dying before leaves it as it was, or without what stood upon it.
      const object = await this.#pick(key, all.versions)
      for (const { id } of all.versions) if (id !== object?.id) await this.#delete(key, { path, version: id })
      for (const id of all.markers) await this.#delete(key, { path, version: id })
      if (object !== null) await this.#delete(key, { path, version: object.id })
    } catch (error) {
      throw this.#notDurable(error, `${key} is not known to be removed`)
    }
  }

  async probe(env: ProbeEnv): Promise<Probe> {
    checkWritable(this.#options)
    const probe = await this.#reading('the store cannot be probed', () => probeS3(this.#client, this.#locks, `${this.#prefix}.probe/`, env))
    this.#seen = probe.assurance
    return probe
  }

  async lifecycle(cold: Cold, apply: boolean): Promise<Lifecycle> {
    if (apply) checkWritable(this.#options)
    return this.#reading('the lifecycle rules cannot be read', () => applyLifecycle(this.#client, this.#prefix, cold, apply))
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  #path(key: string): string {
    return this.#prefix + key
  }

  #which(key: string, version: string | null): Which {
    return { path: this.#path(key), version }
  }

  /** What lies on top, or null when nothing does or a deletion marker. */
  async #current(key: string): Promise<Got | null> {
    try {
      return await this.#client.read(this.#path(key), null)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async #original(key: string): ReturnType<typeof original> {
    return original(this.#client, key, this.#path(key), await versionsOf(this.#client, this.#path(key)))
  }

  /** The version that is the object; of several by their bytes, of one by being alone. Its bytes are not looked at then. */
  async #pick(key: string, versions: readonly Version[]): Promise<Version | null> {
    if (versions.length <= 1) return versions[0] ?? null
    return (await original(this.#client, key, this.#path(key), { versions, markers: [] })) ?? versions.at(-1)!
  }

  async #held(key: string): Promise<Held | null> {
    const all = await versionsOf(this.#client, this.#path(key))
    const object = await this.#pick(key, all.versions)
    if (object === null) return null
    const { lock, legalHold } = await this.#locks.read(this.#which(key, object.id))
    return { key, size: object.size, version: object.id, lock, legalHold, others: othersBeside(all, object) }
  }

  async #known(key: string): Promise<Held> {
    checkWritable(this.#options)
    const held = await this.held(key)
    if (held === null) throw new SealtrailError('NOT_FOUND', `the store has no ${key}`)
    return held
  }

  async #change(key: string, undone: string, run: () => Promise<void>): Promise<Held> {
    try {
      await run()
    } catch (error) {
      if (isDenied(error)) throw new SealtrailError('STORE_NOT_LOCKED', `${key}: ${undone}: ${tell(error)}`, { cause: error })
      throw this.#notDurable(error, `${key}: ${undone}`)
    }
    return this.#known(key)
  }

  async #delete(key: string, { path, version }: Which): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#client.bucket, Key: path, VersionId: version ?? 'null' })
    try {
      await this.#client.ask((s3, options) => s3.send(command, options))
    } catch (error) {
      if (isMissing(error)) return
      if (isDenied(error))
        throw new SealtrailError(
          'OBJECT_LOCKED',
          `the store keeps ${key}: ${tell(error)}; its lock stands by the store's clock, or the right s3:DeleteObjectVersion is missing`,
          { cause: error },
        )
      throw error
    }
  }

  async #reading<T>(undone: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw this.#unreadable(error, undone)
    }
  }

  #unreadable(error: unknown, undone: string): SealtrailError {
    if (error instanceof SealtrailError) return error
    return new SealtrailError('STORE_UNREADABLE', `${undone}: ${tell(error)}`, { cause: error })
  }

  #notDurable(error: unknown, undone: string): SealtrailError {
    if (error instanceof SealtrailError)
      return error.code === 'STORE_UNREADABLE' ? new SealtrailError('NOT_DURABLE', `${undone}: ${error.message}`, { cause: error }) : error
    return new SealtrailError('NOT_DURABLE', `${undone}: ${tell(error)}`, { cause: error })
  }
}
