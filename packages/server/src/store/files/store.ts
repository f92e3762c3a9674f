import { hash } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, rmSync, rmdirSync, statSync } from 'node:fs'
import { segmentKey } from '@sealtrail/evidence'
import { SealtrailError } from '../../errors.ts'
import { checkedKey, digestNamed, type ObjectKey, parseIndexedKey } from '../key.ts'
import { atLeast, endsAfter } from '../lock.ts'
import type { About, Held, Lock, Probe, ProbeEnv, Store, Stored } from '../store.ts'
import { type Disk, nodeDisk, reason } from './disk.ts'
import type { Damage } from './scan.ts'
import { SegmentSeries } from './series.ts'
import { probeFiles } from './probe.ts'
import { SingleFiles } from './single.ts'
import { isStateName, StateFiles } from './state.ts'

export interface FileStoreOptions {
  /** For reading threads and `verify`: nothing is created, frozen or synced. */
  readonly readOnly?: boolean
  /** Size at which an append file is closed; 64 MiB unless a test says otherwise. */
  readonly maxFileBytes?: number
  /** The operating system; a test lets calls fail. */
  readonly disk?: Disk
}

/** Where a probe works: no log can be called so. */
const SCRATCH = '.probe'
const LEFT_BEHIND_MS = 60 * 60 * 1000

/** Bytes in an append file that are no whole object. */
export interface FileDamage {
  readonly log: string
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly why: Damage['why']
}

/**
 * The write-once store on plain files: segments `<dir>/<log>/segment/<first>.ndjson.zst`, many to a file, everything else
 * one to a file. Retention is *declared* beside each object; nothing but the file mode holds root back. One process
 * writes (a second one writing at the same time corrupts nothing), any number of threads read.
 */
export class FileStore implements Store {
  readonly #disk: Disk
  readonly #directory: string
  readonly #readOnly: boolean
  readonly #maxFileBytes: number
  readonly #series = new Map<string, SegmentSeries>()

  private constructor(directory: string, options: FileStoreOptions) {
    this.#directory = directory
    this.#disk = options.disk ?? nodeDisk
    this.#readOnly = options.readOnly ?? false
    this.#maxFileBytes = options.maxFileBytes ?? 64 * 1024 * 1024
  }

  /**
   * Opens the store in `directory` (made when missing, unless read-only). For writing, every object found is synced first.
   * @throws SealtrailError DATA_UNWRITABLE
   */
  static async open(directory: string, options: FileStoreOptions = {}): Promise<FileStore> {
    const store = new FileStore(directory, options)
    if (store.#readOnly) return store
    try {
      store.#disk.makeDirectory(directory)
      accessSync(directory, constants.W_OK | constants.X_OK)
      for (const log of store.#logs()) if (existsSync(`${directory}/${log}/segment`)) await store.#writable(log)
    } catch (error) {
      throw new SealtrailError('DATA_UNWRITABLE', `the store cannot be opened for writing: ${reason(error)}`, { cause: error })
    }
    return store
  }

  /** What an object is about is said by its key and its first line here: `about` is not kept. */
  async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    try {
      const stored = await this.#put(key, bytes, lock)
      // Dying before this line: the object stands without its hold, and nobody was told that it stands.
      if (about?.legalHold === true) await this.hold(key, true)
      return stored
    } catch (error) {
      if (error instanceof SealtrailError) throw error
      throw new SealtrailError('NOT_DURABLE', `object not stored: ${reason(error)}`, { cause: error })
    }
  }

  async get(key: string): Promise<Uint8Array | null> {
    checked(key)
    let copies: Uint8Array[]
    try {
      copies = this.#copies(key)
    } catch (error) {
      throw new SealtrailError('DATA_CORRUPT', `${key} cannot be read: ${reason(error)}`, { cause: error })
    }
    // The same object may have been written twice, the first time badly.
    if (copies.length > 1) return copies.find((copy) => hash('sha256', copy, 'hex').startsWith(digestNamed(key))) ?? copies[0]!
    return copies[0] ?? null
  }

  async #put(key: string, bytes: Uint8Array, lock: Lock): Promise<Stored> {
    if (this.#readOnly) throw new SealtrailError('DATA_UNWRITABLE', 'the store is open for reading only')
    const { log, kind, name } = checked(key)
    if (bytes.length === 0) throw new SealtrailError('INTERNAL', 'an object of no bytes')
    const stored: Stored = { key, size: bytes.length, assurance: 'declared', version: null }
    const sha256 = hash('sha256', bytes, 'hex')
    const before = this.#copies(key, { known: true })
    if (before.some((copy) => Buffer.compare(copy, bytes) === 0)) {
      await this.extend(key, lock)
      return stored
    }
    // A damaged segment may be written again, beside the damaged copy; whole objects stay what they are.
    const whole = before.some((copy) => hash('sha256', copy, 'hex').startsWith(digestNamed(key)))
    if (whole || (before.length > 0 && kind !== 'segment')) throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`)
    if (!sha256.startsWith(digestNamed(key))) throw new SealtrailError('INTERNAL', `the bytes are not those ${key} names`)
    if (kind === 'segment') await (await this.#writable(log)).append(key, bytes, sha256, lock)
    else await new SingleFiles(this.#disk, this.#folder(log, kind)).write(name, key, bytes, sha256, lock)
    return stored
  }

  async *list(prefix: string, after = ''): AsyncGenerator<{ key: string; size: number }> {
    for (const log of this.#logs()) {
      const kinds = subfolders(`${this.#directory}/${log}`)
      for (const kind of kinds) {
        const start = `${log}/${kind}/`
        if (!start.startsWith(prefix) && !prefix.startsWith(start)) continue
        if (kind === 'segment') yield* this.#listSegments(log, prefix, after)
        else {
          for (const { name, size } of new SingleFiles(this.#disk, this.#folder(log, kind)).list()) {
            const key = start + name
            if (key.startsWith(prefix) && key > after) yield { key, size }
          }
        }
      }
    }
  }

  async held(key: string): Promise<Held | null> {
    try {
      return this.#held(key)
    } catch (error) {
      if (error instanceof SealtrailError) throw error
      throw new SealtrailError('STORE_UNREADABLE', `what holds ${key} cannot be read: ${reason(error)}`, { cause: error })
    }
  }

  async extend(key: string, lock: Lock): Promise<Held> {
    const held = await this.#known(key)
    const wanted = atLeast(held.lock, lock)
    if (held.lock !== null && held.lock.mode === wanted.mode && held.lock.retainUntilMs === wanted.retainUntilMs) return held
    return this.#declare(key, wanted, held.legalHold)
  }

  async hold(key: string, on: boolean): Promise<Held> {
    const held = await this.#known(key)
    return held.legalHold === on ? held : this.#declare(key, held.lock, on)
  }

  async remove(key: string, nowMs: number): Promise<void> {
    const held = await this.held(key)
    if (held === null) return
    if (held.legalHold) throw new SealtrailError('OBJECT_LOCKED', `${key} is under a legal hold`)
    if (held.lock === null) throw new SealtrailError('OBJECT_LOCKED', `the lock of ${key} cannot be read: it stays`)
    if (endsAfter(held.lock, nowMs)) throw new SealtrailError('OBJECT_LOCKED', `${key} is locked until ${new Date(held.lock.retainUntilMs).toISOString()}`)
    const { log, kind, name } = checked(key)
    const indexed = parseIndexedKey(key, 'segment')
    if (indexed !== null) await (await this.#writable(log)).remove(indexed.first, indexed.digest)
    else new SingleFiles(this.#disk, this.#folder(log, kind)).remove(name)
    // Dying here leaves a declaration of nothing.
    new StateFiles(this.#disk, this.#folder(log, kind)).remove(name)
  }

  async probe(env: ProbeEnv): Promise<Probe> {
    const folder = `${this.#directory}/${SCRATCH}`
    // Another one may be under way beside this: a server's and the doctor's.
    const scratch = `${folder}/${Buffer.from(env.random(8)).toString('hex')}`
    try {
      return await probeFiles(await FileStore.open(scratch, { disk: this.#disk }), env)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
      sweep(folder, env.now())
    }
  }

  async #known(key: string): Promise<Held> {
    const held = await this.held(key)
    if (held === null) throw new SealtrailError('NOT_FOUND', `the store has no ${key}`)
    return held
  }

  #held(key: string): Held | null {
    const { log, kind, name } = checked(key)
    const indexed = parseIndexedKey(key, 'segment')
    if (indexed !== null) this.#open(log).refresh()
    const declared =
      indexed !== null ? this.#open(log).declared(indexed.first, indexed.digest) : new SingleFiles(this.#disk, this.#folder(log, kind)).declared(name)
    if (declared === null) return null
    const later = new StateFiles(this.#disk, this.#folder(log, kind)).read(name)
    const lock = later?.lock == null ? declared.lock : atLeast(declared.lock, later.lock)
    return { key, size: declared.size, version: null, lock, legalHold: later?.legalHold ?? false, others: 0 }
  }

  async #declare(key: string, lock: Lock | null, legalHold: boolean): Promise<Held> {
    const { log, kind, name } = checked(key)
    if (this.#readOnly) throw new SealtrailError('DATA_UNWRITABLE', 'the store is open for reading only')
    try {
      await new StateFiles(this.#disk, this.#folder(log, kind)).write(name, { lock, legalHold })
    } catch (error) {
      throw new SealtrailError('NOT_DURABLE', `the lock of ${key} could not be declared: ${reason(error)}`, { cause: error })
    }
    return this.#known(key)
  }

  /** Every stretch of bytes in append files that is no whole object: torn writes and damage, for `verify` and `doctor`. */
  damage(): FileDamage[] {
    return this.#logs().flatMap((log) => {
      if (!existsSync(this.#folder(log, 'segment'))) return []
      const series = this.#open(log)
      series.refresh()
      return series.damage().map((damage) => ({ log, ...damage }))
    })
  }

  async close(): Promise<void> {
    for (const series of this.#series.values()) series.close()
    this.#series.clear()
  }

  *#listSegments(log: string, prefix: string, after: string): Generator<{ key: string; size: number }> {
    const series = this.#open(log)
    series.refresh()
    const { table } = series
    const from = parseFrom(after, `${log}/segment/`)
    let last = ''
    for (let at = from === null ? 0 : table.lower(from); at < table.length; at++) {
      const key = segmentKey(log, table.first(at), table.digest(at))
      // A second copy has the same key.
      if (key === last || key <= after || !key.startsWith(prefix) || series.isRemoved(at)) continue
      last = key
      yield { key, size: table.size(at) }
    }
  }

  /** @param known only what this instance has seen: before a write, that nobody else wrote the very same frame need not be looked up in every file. */
  #copies(key: string, { known }: { known: boolean } = { known: false }): Uint8Array[] {
    const indexed = parseIndexedKey(key, 'segment')
    if (indexed !== null) {
      const series = this.#open(indexed.log)
      return known ? series.known(indexed.first, indexed.digest) : series.copies(indexed.first, indexed.digest)
    }
    const { log, kind, name } = checked(key)
    const bytes = new SingleFiles(this.#disk, this.#folder(log, kind)).read(name)
    return bytes === null ? [] : [bytes]
  }

  #open(log: string): SegmentSeries {
    let series = this.#series.get(log)
    if (series === undefined) {
      series = new SegmentSeries(this.#disk, this.#folder(log, 'segment'), log, this.#maxFileBytes)
      this.#series.set(log, series)
    }
    return series
  }

  async #writable(log: string): Promise<SegmentSeries> {
    const series = this.#open(log)
    await series.openForAppend()
    return series
  }

  #logs(): string[] {
    return existsSync(this.#directory) ? subfolders(this.#directory).filter((name) => name !== SCRATCH) : []
  }

  #folder(log: string, kind: string): string {
    return `${this.#directory}/${log}/${kind}`
  }
}

/** Removes what probes that were killed left behind, and the folder once it is empty. */
function sweep(folder: string, nowMs: number): void {
  try {
    for (const name of readdirSync(folder)) {
      const path = `${folder}/${name}`
      if (nowMs - statSync(path).mtimeMs > LEFT_BEHIND_MS) rmSync(path, { recursive: true, force: true })
    }
    rmdirSync(folder)
  } catch {
    // Another probe is at work there; the next one sweeps.
  }
}

/** Ascending as their keys will be: `a/` before `a-b/` is wrong, since `-` comes before `/`. */
function subfolders(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${entry.name}/`)
    .sort()
    .map((name) => name.slice(0, -1))
}

function checked(key: string): ObjectKey {
  const parsed = checkedKey(key)
  // Names that would be read as something else by this folder layout.
  if (parsed.name.endsWith('.lock') || isStateName(parsed.name)) throw new SealtrailError('INTERNAL', 'not a store key')
  return parsed
}

function parseFrom(after: string, start: string): number | null {
  const match = after.startsWith(start) ? /^\d{20}/.exec(after.slice(start.length)) : null
  return match === null ? null : Number(match[0])
}
