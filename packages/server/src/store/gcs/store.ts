import { hash } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import type { Traffic } from '../counted.ts'
import { checkedKey, digestNamed, parseKey } from '../key.ts'
import { atLeast, endsAfter, isAtLeast } from '../lock.ts'
import { checkWritable, PATIENCE, Requests } from '../remote.ts'
import type { Patience, RemoteOptions } from '../remote.ts'
import type { About, Assurance, Held, Lock, Probe, ProbeEnv, Store, Stored } from '../store.ts'
import { metadataOf } from './about.ts'
import { openAccount } from './account.ts'
import { Bucket, type Description, MAX_OBJECT } from './bucket.ts'
import { Client, isPassing, Refused } from './client.ts'
import { byAge, type Generation, retentionOf } from './generation.ts'
import { probeBucket } from './probe.ts'

export interface GcsOptions extends RemoteOptions {
  readonly bucket: string
  /** '' or ends with `/`. */
  readonly prefix: string
  /** Null: Google's own. */
  readonly endpoint: string | null
  /** A service account's JSON; null: Google's usual chain. */
  readonly credentialsFile: string | null
  readonly patience?: Patience
  readonly traffic?: Traffic
}

/** More generations of one name are somebody's attack, and nothing of ours. */
const MAX_GENERATIONS = 1_000
/** Generations of one name whose bytes are looked at for the right ones. */
const MAX_TRIED = 16

/**
 * The write-once store on Google Cloud Storage: each object `<prefix><key>`, locked by its own retention (mode Locked for
 * COMPLIANCE, Unlocked for GOVERNANCE), legal holds as temporary holds. A name may have many generations: the oldest with the bytes
 * that the key names is the object. `ifGenerationMatch=0` only spares generations: it looks at live ones alone, and nothing rests on it.
 */
export class GcsStore implements Store {
  readonly #options: GcsOptions
  readonly #client: Client
  readonly #bucket: Bucket
  /** Writes as a whole, beside the single requests they are made of. */
  readonly #writes: Requests
  #observed: Assurance = 'declared'

  private constructor(options: GcsOptions) {
    const patience = options.patience ?? PATIENCE
    this.#options = options
    this.#client = new Client(openAccount(options), {
      timeoutMs: options.timeoutMs,
      patience,
      ...(options.traffic === undefined ? {} : { traffic: options.traffic }),
    })
    this.#bucket = new Bucket(this.#client, options.bucket)
    this.#writes = new Requests(patience)
  }

  /** Asks nothing of the store yet. @throws SealtrailError CONFIG_INVALID */
  static async open(options: GcsOptions): Promise<GcsStore> {
    return new GcsStore(options)
  }

  async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    const name = this.#name(key)
    checkWritable(this.#options)
    if (bytes.length === 0 || bytes.length > MAX_OBJECT) throw new SealtrailError('INTERNAL', `an object of ${bytes.length} bytes`)
    return durably(`${key} is not known to be stored`, async () => {
      const digest = digestNamed(key)
      if (!hash('sha256', bytes, 'hex').startsWith(digest)) {
        if ((await this.#generations(name)).length > 0) throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`)
        throw new SealtrailError('INTERNAL', `the bytes are not those ${key} names`)
      }
      // Where nothing in the key tells which bytes are meant, the oldest generation is the object: it must not be another.
      if (digest === '') await this.#standing(key, bytes)
      const hold = about?.legalHold === true
      const written = await this.#write(key, bytes, {
        retention: retentionOf(lock),
        ...(hold ? { temporaryHold: true } : {}),
        metadata: metadataOf(about),
      })
      // Dying from here on: the object stands, locked, and is found when it is put again.
      const standing = await this.#standing(key, bytes, written)
      if (standing === null) throw new SealtrailError('NOT_DURABLE', `${key} cannot be read back as it was written`)
      const asWritten = isAtLeast(standing.lock, lock) && (!hold || standing.legalHold)
      return {
        key,
        size: bytes.length,
        assurance: asWritten ? this.#observed : await this.#harden(key, standing, written, lock, hold),
        version: standing.generation,
      }
    })
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
      const generations = await this.#generations(name)
      const right = await this.#right(key, generations)
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
        if (!next.name.startsWith(from + prefix) || parseKey(next.name.slice(from.length)) === null) continue
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
    const name = this.#name(key)
    return readably(`what holds ${key} cannot be read`, async () => {
      const generations = await this.#generations(name)
      const object = await this.#object(key, generations)
      return object === null ? null : heldOf(key, object, generations)
    })
  }

  async extend(key: string, lock: Lock): Promise<Held> {
    return this.#change(key, (standing) => {
      const wanted = atLeast(standing.lock, lock)
      return isAtLeast(standing.lock, wanted) ? null : { retention: retentionOf(wanted) }
    })
  }

  async hold(key: string, on: boolean): Promise<Held> {
    return this.#change(key, (standing) => (standing.legalHold === on ? null : { temporaryHold: on }))
  }

  async remove(key: string, nowMs: number): Promise<void> {
    const name = this.#name(key)
    checkWritable(this.#options)
    await durably(`${key} is not known to be removed`, async () => {
      const generations = await this.#generations(name)
      if (generations.length === 0) return
      const object = await this.#object(key, generations)
      if (object?.lock === null && this.#options.requireLock) throw new SealtrailError('OBJECT_LOCKED', `the store shows no lock on ${key}: it stays`)
      for (const { lock, legalHold } of generations) {
        if (legalHold) throw new SealtrailError('OBJECT_LOCKED', `${key} is under a legal hold`)
        if (lock !== null && endsAfter(lock, nowMs))
          throw new SealtrailError('OBJECT_LOCKED', `${key} is locked until ${new Date(lock.retainUntilMs).toISOString()}`)
      }
      // The object goes last: dying in between, it is still what the oldest right generation says.
      const others = generations.filter((each) => each !== object).toReversed()
      for (const { generation } of object === null ? others : [...others, object]) {
        await this.#bucket.remove(name, generation).catch((error: unknown) => {
          if (!isLocked(error)) throw error
          throw new SealtrailError('OBJECT_LOCKED', `the store still holds ${key}: ${error.reason}`, { cause: error })
        })
      }
      if ((await this.#generations(name)).length > 0) throw new SealtrailError('NOT_DURABLE', `the store says that it removed ${key}, and still shows it`)
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

  async close(): Promise<void> {
    this.#client.close()
  }

  /** Uploads until it is known to be there; null when it already is. Every try after the first looks first: the answer alone may have been lost. */
  async #write(key: string, bytes: Uint8Array, description: Description): Promise<Generation | null> {
    let tried = false
    let onlyIfNew = true
    const attempt = async (): Promise<Generation | null> => {
      if (tried && (await this.#standing(key, bytes)) !== null) return null
      tried = true
      try {
        return await this.#bucket.upload(this.#name(key), bytes, description, onlyIfNew)
      } catch (error) {
        if (!(error instanceof Refused && error.status === 412 && onlyIfNew)) throw error
        // Something is live there. Not these bytes: they are put beside it, and are the object.
        onlyIfNew = false
        return attempt()
      }
    }
    try {
      return await this.#writes.make(attempt, (error) => this.#client.passes('objects.insert', error))
    } catch (error) {
      if (isPassing(error) && (await this.#standing(key, bytes)) !== null) return null
      if (!(error instanceof Refused) || isPassing(error)) throw error
      const { retention, ...rest } = description
      if (this.#options.requireLock || retention === undefined) throw refusedLock(key, error)
      // The operator has said that it may go on without: a bucket without object retention refuses what asks for it.
      return this.#write(key, bytes, rest)
    }
  }

  /** What stands is locked less than asked: of our own upload the store kept the bytes alone; an older one is hardened. */
  async #harden(key: string, standing: Generation, written: Generation | null, lock: Lock, hold: boolean): Promise<Assurance> {
    try {
      if (standing.generation === written?.generation)
        throw new SealtrailError('STORE_NOT_LOCKED', `the store took ${key} and does not show the lock it was given`)
      await this.extend(key, lock)
      if (hold) await this.hold(key, true)
      return this.#observed
    } catch (error) {
      if (this.#options.requireLock || (error instanceof SealtrailError && error.code === 'NOT_DURABLE' && isPassing(error.cause))) throw error
      return 'none'
    }
  }

  /**
   * Changes what is said of the object until it says what is wanted, never by writing over a change of somebody else.
   * @param wanted null when nothing is wanting
   */
  async #change(key: string, wanted: (standing: Generation) => Description | null): Promise<Held> {
    const name = this.#name(key)
    checkWritable(this.#options)
    let changed = false
    const attempt = async (): Promise<Held> => {
      const generations = await this.#generations(name)
      const object = await this.#object(key, generations)
      if (object === null) throw new SealtrailError('NOT_FOUND', `the store has no ${key}`)
      const description = wanted(object)
      if (description === null) return heldOf(key, object, generations)
      if (changed) throw new SealtrailError('STORE_NOT_LOCKED', `the store took a change of what holds ${key} and does not show it`)
      // Only from Unlocked to Locked takes the override, and cannot shorten: it goes for this very state alone.
      const hardens = description.retention?.mode === 'Locked' && object.lock?.mode === 'GOVERNANCE'
      await this.#bucket.change(object, description, hardens)
      changed = true
      return attempt()
    }
    return durably(`what holds ${key} is not known to be changed`, () =>
      this.#writes.make(attempt, (error) => this.#client.passes('objects.patch', error) || (error instanceof Refused && error.status === 412)),
    )
  }

  /** The object with exactly these bytes, or null. @param written read back whatever the list says of it @throws SealtrailError ALREADY_WRITTEN */
  async #standing(key: string, bytes: Uint8Array, written: Generation | null = null): Promise<Generation | null> {
    const name = this.#name(key)
    const [generations, back] = await Promise.all([
      this.#generations(name),
      written === null ? null : this.#bucket.bytes(name, written.generation, bytes.length),
    ])
    const candidates = digestNamed(key) === '' ? generations.slice(0, 1) : generations.filter(({ size }) => size === bytes.length).slice(0, MAX_TRIED)
    for (const each of candidates) {
      const got =
        each.generation === written?.generation ? back : each.size === bytes.length ? await this.#bucket.bytes(name, each.generation, bytes.length) : null
      if (got !== null && got.equals(bytes)) return each
      if (digestNamed(key) === '') throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`)
    }
    return null
  }

  /** The oldest generation with the bytes that the key names. */
  async #right(key: string, generations: readonly Generation[]): Promise<{ generation: Generation; bytes: Buffer } | null> {
    const digest = digestNamed(key)
    for (const generation of generations.slice(0, MAX_TRIED)) {
      const bytes = await this.#bucket.bytes(generation.name, generation.generation)
      if (bytes !== null && hash('sha256', bytes, 'hex').startsWith(digest)) return { generation, bytes }
    }
    return null
  }

  /** Which generation is the object. A single one is not read: there is nothing to tell apart, and who needs its bytes checks them. */
  async #object(key: string, generations: readonly Generation[]): Promise<Generation | null> {
    if (generations.length < 2 || digestNamed(key) === '') return generations[0] ?? null
    return (await this.#right(key, generations))?.generation ?? generations[0]!
  }

  /** Oldest first. */
  async #generations(name: string): Promise<Generation[]> {
    const found: Generation[] = []
    for await (const each of this.#bucket.generations(name)) {
      if (each.name !== name) break
      found.push(each)
      if (found.length > MAX_GENERATIONS) throw new Error(`more than ${MAX_GENERATIONS} generations of one object`)
    }
    return found.sort(byAge)
  }

  *#listed({ name, size }: Generation, after: string): Generator<{ key: string; size: number }> {
    const key = name.slice(this.#options.prefix.length)
    if (key > after) yield { key, size }
  }

  #name(key: string): string {
    checkedKey(key)
    return this.#options.prefix + key
  }
}

function heldOf(key: string, object: Generation, generations: readonly Generation[]): Held {
  // A deleted object leaves no mark of its own here: nothing is live any more.
  const deleted = generations.every(({ live }) => !live) ? 1 : 0
  const { generation: version, size, lock, legalHold } = object
  return { key, size, version, lock, legalHold, others: generations.length - 1 + deleted }
}

/** How the service refuses what a retention or hold forbids; 403 without a right says another reason. */
function isLocked(error: unknown): error is Refused {
  return (
    error instanceof Refused &&
    error.status === 403 &&
    (error.reason === 'retentionPolicyNotMet' || error.reason === 'objectUnderActiveHold' || /retention|hold/i.test(error.words))
  )
}

function refusedLock(key: string, error: Refused): Error {
  if (!/retention/i.test(error.words)) return error
  return new SealtrailError('STORE_NOT_LOCKED', `the store refuses the lock of ${key}: ${error.message}; is object retention enabled on the bucket?`, {
    cause: error,
  })
}

async function durably<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof SealtrailError) throw error
    throw new SealtrailError('NOT_DURABLE', `${what}: ${reasonOf(error)}`, { cause: error })
  }
}

async function readably<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw unreadable(what, error)
  }
}

function unreadable(what: string, error: unknown): Error {
  return error instanceof SealtrailError ? error : new SealtrailError('STORE_UNREADABLE', `${what}: ${reasonOf(error)}`, { cause: error })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
