import { hash } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { checkedKey, digestNamed, parseIndexedKey, parseKey } from '../key.ts'
import type { Cold, Lifecycle } from '../lifecycle.ts'
import { endsAfter } from '../lock.ts'
import { checkWritable, PATIENCE, Requests } from '../remote.ts'
import type { RemoteOptions } from '../remote.ts'
import type { About, Assurance, Held, Lock, Probe, ProbeEnv, Store, Stored } from '../store.ts'
import { openAccount } from './account.ts'
import { Bucket, MAX_OBJECT } from './bucket.ts'
import { Changes } from './change.ts'
import { Client, type ClientOptions } from './client.ts'
import { durably, isConflict, isLocked, isPassing, readably, unreadable } from './failure.ts'
import { byAge, type Generation } from './generation.ts'
import { applyLifecycle } from './lifecycle.ts'
import { probeBucket } from './probe.ts'
import { heldOf, Versions } from './versions.ts'
import { Writer } from './write.ts'

export interface GcsOptions extends RemoteOptions, Partial<Pick<ClientOptions, 'patience' | 'traffic' | 'limit'>> {
  readonly bucket: string
  /** '' or ends with `/`. */
  readonly prefix: string
  /** Null: Google's own. */
  readonly endpoint: string | null
  /** A service account's JSON; null: Google's usual chain. */
  readonly credentialsFile: string | null
}

/**
 * The write-once store on Google Cloud Storage: each object `<prefix><key>`, locked by its own retention (mode Locked for
 * COMPLIANCE, Unlocked for GOVERNANCE), legal holds as temporary holds. A name may have many generations: the oldest with the bytes
 * that the key names is the object. `ifGenerationMatch=0` only spares generations: it looks at live ones alone, and nothing rests on it.
 */
export class GcsStore implements Store {
  readonly #options: GcsOptions
  readonly #client: Client
  readonly #bucket: Bucket
  readonly #versions: Versions
  readonly #changes: Changes
  readonly #writer: Writer
  /** Writes as a whole, beside the single requests they are made of. */
  readonly #writes: Requests
  #observed: Assurance = 'declared'

  private constructor(options: GcsOptions) {
    const patience = options.patience ?? PATIENCE
    this.#options = options
    this.#client = new Client(openAccount(options), { ...options, patience })
    this.#bucket = new Bucket(this.#client, options.bucket)
    this.#writes = new Requests(patience)
    this.#versions = new Versions(this.#bucket, options.prefix)
    this.#changes = new Changes(this.#bucket, this.#versions, this.#client, this.#writes)
    this.#writer = new Writer(this.#bucket, this.#versions, this.#changes, this.#client, this.#writes, options.requireLock)
  }

  /** Asks nothing of the store yet. @throws SealtrailError CONFIG_INVALID */
  static async open(options: GcsOptions): Promise<GcsStore> {
    return new GcsStore(options)
  }

  async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    checkedKey(key)
    checkWritable(this.#options)
    if (bytes.length === 0 || bytes.length > MAX_OBJECT) throw new SealtrailError('INTERNAL', `an object of ${bytes.length} bytes`)
    const { version, locked } = await durably(`${key} is not known to be stored`, () => this.#writer.put(key, bytes, lock, about))
    return { key, size: bytes.length, assurance: locked ? this.#observed : 'none', version }
  }

  async get(key: string): Promise<Uint8Array | null> {
    const name = this.#name(key)
    return readably(`${key} cannot be read`, async () => {
      const digest = digestNamed(key)
      if (digest !== '') {
        // One request in a quiet store: whatever generation is live, the digest says whether these are the bytes.
        const live = await this.#bucket.bytes(name, null)
        if (live !== null && hash('sha256', live, 'hex').startsWith(digest)) return live
      }
      const generations = await this.#versions.of(key)
      const right = await this.#versions.right(key, generations)
      if (right !== null) return right.bytes
      return generations[0] === undefined ? null : this.#bucket.bytes(name, generations[0].generation)
    })
  }

  async *list(prefix: string, after = ''): AsyncGenerator<{ key: string; size: number }> {
    const from = this.#options.prefix
    let last: Generation | null = null
    try {
      for await (const next of this.#bucket.generations(from + prefix, after === '' ? '' : from + after)) {
        // Whatever else lies under the prefix is not ours to tell: probes, other people's files.
        if (!next.name.startsWith(from + prefix) || !isKey(next.name.slice(from.length))) continue
        if (last !== null && next.name < last.name) throw new Error('a list out of order')
        if (last !== null && next.name !== last.name) yield* this.#listed(last, after)
        if (last === null || next.name !== last.name || byAge(next, last) < 0) last = next
      }
    } catch (error) {
      throw unreadable('the keys cannot be listed', error)
    }
    if (last !== null) yield* this.#listed(last, after)
  }

  async held(key: string): Promise<Held | null> {
    checkedKey(key)
    return readably(`what holds ${key} cannot be read`, async () => {
      const generations = await this.#versions.of(key)
      const object = await this.#versions.object(key, generations)
      return object === null ? null : heldOf(key, object, generations)
    })
  }

  async extend(key: string, lock: Lock): Promise<Held> {
    checkedKey(key)
    checkWritable(this.#options)
    return this.#changes.extend(key, lock)
  }

  async hold(key: string, on: boolean): Promise<Held> {
    checkedKey(key)
    checkWritable(this.#options)
    return this.#changes.hold(key, on)
  }

  async remove(key: string, nowMs: number): Promise<void> {
    const name = this.#name(key)
    checkWritable(this.#options)
    await durably(`${key} is not known to be removed`, async () => {
      const generations = await this.#versions.of(key)
      if (generations.length === 0) return
      const object = await this.#versions.object(key, generations)
      for (const { lock, legalHold } of generations) {
        if (legalHold) throw new SealtrailError('OBJECT_LOCKED', `${key} is under a legal hold`)
        if (lock !== null && endsAfter(lock, nowMs))
          throw new SealtrailError('OBJECT_LOCKED', `${key} is locked until ${new Date(lock.retainUntilMs).toISOString()}`)
      }
      // The object goes last: dying in between, it is still what the oldest right generation says.
      for (const { generation } of generations.toSorted((one, other) => Number(one === object) - Number(other === object))) {
        await this.#bucket.remove(name, generation).catch((error: unknown) => {
          if (!isLocked(error)) throw error
          throw new SealtrailError('OBJECT_LOCKED', `the store still holds ${key}: ${error.reason}`, { cause: error })
        })
      }
      if ((await this.#versions.of(key)).length > 0) throw new SealtrailError('NOT_DURABLE', `the store says that it removed ${key}, and still shows it`)
    })
  }

  async probe(env: ProbeEnv): Promise<Probe> {
    checkWritable(this.#options)
    const probe = await readably('the lock cannot be probed', () =>
      probeBucket(this.#bucket, `${this.#options.prefix}.probe/`, env, (run) => this.#writes.make(run, isPassing)),
    )
    this.#observed = probe.assurance
    return probe
  }

  async lifecycle(cold: Cold, apply: boolean): Promise<Lifecycle> {
    if (apply) checkWritable(this.#options)
    if (apply && this.#observed === 'none') throw new SealtrailError('STORE_NOT_LOCKED', 'a probe saw that the store locks nothing: no rule before the lock')
    const run = (): Promise<Lifecycle> => applyLifecycle(this.#bucket, this.#options.prefix, cold, apply)
    if (!apply) return readably('the lifecycle rules cannot be read', run)
    return durably('the lifecycle rule is not known to be set', () =>
      this.#writes.make(run, (error) => this.#client.passes('buckets.patch', error) || isConflict(error)),
    )
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  *#listed({ name, size }: Generation, after: string): Generator<{ key: string; size: number }> {
    const key = name.slice(this.#options.prefix.length)
    if (key > after) yield { key, size }
  }

  #name(key: string): string {
    checkedKey(key)
    return this.#versions.name(key)
  }
}

function isKey(name: string): boolean {
  const parsed = parseKey(name)
  return parsed !== null && (parsed.kind !== 'segment' || parseIndexedKey(name, 'segment') !== null)
}
