import { hash } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { checkedKey, digestNamed, parseKey } from '../key.ts'
import { coldRule } from './lifecycle.ts'
import type { Cold, Lifecycle } from '../lifecycle.ts'
import { atLeast, endsAfter, isAtLeast } from '../lock.ts'
import { checkWritable, PATIENCE, type RemoteOptions, Requests } from '../remote.ts'
import type { About, Assurance, Held, Lock, Probe, ProbeEnv, Store, Stored } from '../store.ts'
import { isForbidden, isLocked, isRefused, isTaken, passes, told } from './answer.ts'
import { Blobs, type Version } from './blobs.ts'
import { type Container, openContainer } from './client.ts'
import { probeAzure } from './probe.ts'
import { Transport } from './transport.ts'

export interface AzureOptions extends Container, RemoteOptions {
  /** '' or ends with `/`. */
  readonly prefix: string
}

/**
 * The write-once store in a container of Azure Blob Storage with version-level immutability. Every blob carries a policy of
 * its own, `Locked` for COMPLIANCE, `Unlocked` for GOVERNANCE (whoever may set policies can take that one away). Nothing the
 * service says is believed before it was read back: an emulator, and a container without that feature, take the headers
 * with a 201 and forget them.
 */
export class AzureStore implements Store {
  readonly #blobs: Blobs
  readonly #transport: Transport
  readonly #options: AzureOptions
  /** What a probe of this instance saw; until then the store's word is all there is. */
  #observed: Assurance = 'declared'

  private constructor(blobs: Blobs, transport: Transport, options: AzureOptions) {
    this.#blobs = blobs
    this.#transport = transport
    this.#options = options
  }

  /** Asks nothing of the service yet. @throws SealtrailError CONFIG_INVALID */
  static async open(options: AzureOptions): Promise<AzureStore> {
    const transport = new Transport()
    const container = await openContainer(options, transport)
    return new AzureStore(new Blobs(container, new Requests(options.patience ?? PATIENCE), options.traffic ?? null), transport, options)
  }

  async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    checkWritable(this.#options)
    checkedKey(key)
    if (bytes.length === 0) throw new SealtrailError('INTERNAL', 'an object of no bytes')
    return this.#writing(`${key} was not stored`, () => this.#put(key, bytes, lock, about))
  }

  async get(key: string): Promise<Uint8Array | null> {
    checkedKey(key)
    return this.#reading(`${key} cannot be read`, async () => {
      const named = digestNamed(key)
      if (named !== '') {
        // Nearly always: the current version is the object.
        const current = await this.#blobs.get(this.#name(key), null)
        if (current !== null && digest(current.bytes).startsWith(named)) return current.bytes
      }
      const found = await this.#find(key)
      if (found === null) return null
      return found.bytes ?? (await this.#blobs.get(this.#name(key), found.version.id))?.bytes ?? null
    })
  }

  async *list(prefix: string, after = ''): AsyncGenerator<{ key: string; size: number }> {
    const start = this.#options.prefix
    try {
      for await (const { name, size } of this.#blobs.names(start + prefix, start + after)) {
        const key = name.slice(start.length)
        // attacker: other programs' blobs under the prefix, and the scratch of probes, are no objects.
        if (name.startsWith(start + prefix) && key > after && parseKey(key) !== null) yield { key, size }
      }
    } catch (error) {
      throw unreadable('the container cannot be listed', error)
    }
  }

  async held(key: string): Promise<Held | null> {
    checkedKey(key)
    return this.#reading(`what holds ${key} cannot be read`, () => this.#held(key))
  }

  async extend(key: string, lock: Lock): Promise<Held> {
    checkWritable(this.#options)
    const held = await this.#known(key)
    const wanted = atLeast(held.lock, lock)
    if (isAtLeast(held.lock, wanted)) return held
    return this.#writing(`the lock of ${key} was not extended`, () => this.#extend(key, held, wanted))
  }

  async hold(key: string, on: boolean): Promise<Held> {
    checkWritable(this.#options)
    const held = await this.#known(key)
    if (held.legalHold === on) return held
    return this.#writing(`the legal hold of ${key} was not ${on ? 'placed' : 'released'}`, async () => {
      const failed = await failure(() => this.#blobs.setHold(this.#name(key), held.version, on))
      const after = await this.#held(key)
      if (after?.legalHold === on) return after
      throw failed !== null && passes(failed) ? failed : notLocked(`the store does not ${on ? 'place' : 'release'} the legal hold of ${key}`, failed)
    })
  }

  async remove(key: string, nowMs: number): Promise<void> {
    checkWritable(this.#options)
    checkedKey(key)
    return this.#writing(`${key} was not removed`, () => this.#remove(key, nowMs))
  }

  async probe(env: ProbeEnv): Promise<Probe> {
    checkWritable(this.#options)
    const probe = await this.#reading('the lock cannot be probed', () => probeAzure(this.#blobs, `${this.#options.prefix}.probe/`, env))
    this.#observed = probe.assurance
    return probe
  }

  /** Says the rule and never applies it: that is the owner's to do. */
  async lifecycle(cold: Cold): Promise<Lifecycle> {
    return coldRule(this.#options, cold)
  }

  async close(): Promise<void> {
    this.#transport.close()
  }

  async #put(key: string, bytes: Uint8Array, lock: Lock, about: About | undefined): Promise<Stored> {
    const named = digestNamed(key)
    const rightful = digest(bytes).startsWith(named)
    // A name that says nothing of its bytes is free only if nobody ever wrote there, deleted or not.
    if (named === '' || !rightful) {
      const standing = await this.#standing(key, bytes)
      if (standing === 'none' && !rightful) throw new SealtrailError('INTERNAL', `the bytes are not those ${key} names`)
      if (standing === 'others') throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`)
      if (standing !== 'none') return this.#again(key, standing, lock, about)
    }
    try {
      return await this.#readBack(key, bytes, await this.#upload(key, bytes, lock, about, true), lock, about)
    } catch (error) {
      if (error instanceof SealtrailError || !(isTaken(error) || passes(error))) throw error
      // Somebody was here before, or this very request was and its answer is lost: what stands there decides.
      const standing = await this.#standing(key, bytes)
      if (standing === 'none') throw error
      if (standing !== 'others') return this.#again(key, standing, lock, about)
      // attacker: bytes planted under the digest of others. They are beside the object then, not in its place.
      if (named === '' || !(await this.#hasVersions(key))) throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`, { cause: error })
      return this.#readBack(key, bytes, await this.#upload(key, bytes, lock, about, false), lock, about)
    }
  }

  /** Without the lock only where the operator has said that it may be so, and the store refuses the lock itself. */
  async #upload(key: string, bytes: Uint8Array, lock: Lock, about: About | undefined, fresh: boolean): Promise<string | null> {
    const { legalHold = false } = about ?? {}
    try {
      return await this.#blobs.put(this.#name(key), bytes, { lock, about, legalHold, fresh })
    } catch (error) {
      if (!isRefused(error)) throw error
      if (this.#options.requireLock) throw notLocked(`the store refuses the lock of ${key}`, error)
      return this.#blobs.put(this.#name(key), bytes, { lock: null, about, fresh })
    }
  }

  async #readBack(key: string, bytes: Uint8Array, id: string | null, lock: Lock, about: About | undefined): Promise<Stored> {
    const read = await this.#blobs.get(this.#name(key), id)
    if (read === null) throw new SealtrailError('NOT_DURABLE', `${key} was written and is not there`)
    if (Buffer.compare(read.bytes, bytes) !== 0) throw new SealtrailError('NOT_DURABLE', `other bytes are read back from ${key} than were written`)
    return this.#stored(key, read, lock, about)
  }

  /** Stored already, read back just now: the same object, locked longer where that is asked. */
  async #again(key: string, version: Version, lock: Lock, about: About | undefined): Promise<Stored> {
    const name = this.#name(key)
    const wanted = atLeast(version.lock, lock)
    if (!isAtLeast(version.lock, wanted)) await this.#blobs.setPolicy(name, version.id, wanted).catch(refusedOnly)
    if (about?.legalHold === true && !version.legalHold) await this.#blobs.setHold(name, version.id, true).catch(refusedOnly)
    return this.#stored(key, (await this.#blobs.properties(name, version.id)) ?? version, wanted, about)
  }

  #stored(key: string, { id, size, lock: shown, legalHold }: Version, lock: Lock, about: About | undefined): Stored {
    const locked = isAtLeast(shown, lock) && (about?.legalHold !== true || legalHold)
    if (!locked && this.#options.requireLock) throw notLocked(`the store took ${key} and not its lock`, null)
    // An unlocked policy holds nobody back who may set policies, whatever a probe saw of locked ones.
    const enforced = shown?.mode === 'COMPLIANCE' ? this.#observed : 'declared'
    return { key, size, version: id, assurance: !locked || this.#observed === 'none' ? 'none' : enforced }
  }

  /** The oldest version that holds these very bytes; else whether others stand there. */
  async #standing(key: string, bytes: Uint8Array): Promise<Version | 'others' | 'none'> {
    const versions = await this.#blobs.versions(this.#name(key))
    // Of a name without digest the oldest version alone is the object.
    for (const version of digestNamed(key) === '' ? versions.slice(0, 1) : versions) {
      if (version.size !== bytes.length) continue
      const read = await this.#blobs.get(this.#name(key), version.id)
      if (read !== null && Buffer.compare(read.bytes, bytes) === 0) return version
    }
    return versions.length === 0 ? 'none' : 'others'
  }

  async #hasVersions(key: string): Promise<boolean> {
    return (await this.#blobs.versions(this.#name(key))).every(({ id }) => id !== null)
  }

  async #extend(key: string, held: Held, wanted: Lock): Promise<Held> {
    const failed = await failure(() => this.#blobs.setPolicy(this.#name(key), held.version, wanted))
    const after = await this.#held(key)
    if (after !== null && isAtLeast(after.lock, wanted)) return after
    throw failed !== null && passes(failed) ? failed : notLocked(`the store does not extend the lock of ${key}`, failed)
  }

  async #remove(key: string, nowMs: number): Promise<void> {
    const found = await this.#find(key)
    if (found === null) return
    const { version: object, versions } = found
    if (versions.some(({ legalHold }) => legalHold)) throw new SealtrailError('OBJECT_LOCKED', `${key} is under a legal hold`)
    if (object.lock === null && this.#options.requireLock) throw new SealtrailError('OBJECT_LOCKED', `the lock of ${key} cannot be read: it stays`)
    if (object.lock !== null && endsAfter(object.lock, nowMs))
      throw new SealtrailError('OBJECT_LOCKED', `${key} is locked until ${new Date(object.lock.retainUntilMs).toISOString()}`)
    const name = this.#name(key)
    try {
      // The service deletes a version by its id only once it is no longer the current one. Dying between these leaves the
      // object, its versions still listed, to be removed by the next call.
      if (versions.some(({ current }) => current)) await this.#blobs.delete(name, null)
      for (const { id } of versions.filter((version) => version !== object)) if (id !== null) await this.#blobs.delete(name, id)
      if (object.id !== null) await this.#blobs.delete(name, object.id)
    } catch (error) {
      if (isLocked(error)) throw new SealtrailError('OBJECT_LOCKED', `the store still locks ${key}: ${told(error)}`, { cause: error })
      throw error
    }
    if ((await this.#blobs.versions(name)).length > 0) throw new SealtrailError('NOT_DURABLE', `${key} was removed and is still there`)
  }

  /**
   * The oldest version whose bytes are those the key names; the oldest of all where the key names none or none fits. A
   * single version is not read: whoever takes its bytes checks them.
   */
  async #find(key: string): Promise<{ version: Version; versions: readonly Version[]; bytes: Uint8Array | null } | null> {
    const versions = await this.#blobs.versions(this.#name(key))
    const oldest = versions[0]
    if (oldest === undefined) return null
    const named = digestNamed(key)
    if (named !== '' && versions.length > 1) {
      for (const version of versions) {
        const read = await this.#blobs.get(this.#name(key), version.id)
        if (read !== null && digest(read.bytes).startsWith(named)) return { version, versions, bytes: read.bytes }
      }
    }
    return { version: oldest, versions, bytes: null }
  }

  async #held(key: string): Promise<Held | null> {
    const found = await this.#find(key)
    if (found === null) return null
    const { version, versions } = found
    const deleted = versions.some(({ current }) => current) ? 0 : 1
    return { key, size: version.size, version: version.id, lock: version.lock, legalHold: version.legalHold, others: versions.length - 1 + deleted }
  }

  async #known(key: string): Promise<Held> {
    const held = await this.held(key)
    if (held === null) throw new SealtrailError('NOT_FOUND', `the store has no ${key}`)
    return held
  }

  async #reading<T>(what: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw unreadable(what, error)
    }
  }

  async #writing<T>(what: string, write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (error instanceof SealtrailError) throw error
      throw new SealtrailError('NOT_DURABLE', `${what}: ${told(error)}${isForbidden(error) ? '; see the rights in docs/stores.md' : ''}`, { cause: error })
    }
  }

  #name(key: string): string {
    return this.#options.prefix + key
  }
}

function digest(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

function unreadable(what: string, error: unknown): SealtrailError {
  if (error instanceof SealtrailError) return error
  return new SealtrailError('STORE_UNREADABLE', `${what}: ${told(error)}`, { cause: error })
}

function notLocked(what: string, error: unknown): SealtrailError {
  return new SealtrailError('STORE_NOT_LOCKED', error === null ? what : `${what}: ${told(error)}`, error === null ? {} : { cause: error })
}

/** What is read afterwards decides; only a request that may not have been done at all is an outage. */
function refusedOnly(error: unknown): void {
  if (passes(error)) throw error
}

async function failure(run: () => Promise<void>): Promise<unknown> {
  try {
    await run()
    return null
  } catch (error) {
    return error
  }
}
