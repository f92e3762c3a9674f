import { checkHashPack, checkHashTail, PACK_LEAVES, parseObjectKey, segmentFacts } from '@sealtrail/evidence'
import type { HashFiles } from '../seal/tiles.ts'
import type { Store } from '../store/store.ts'
import { type Frame, segmentIn } from '../verify/frames.ts'
import { readStored } from '../verify/stored.ts'

/** Records whose segments are gone. */
export interface Hole {
  readonly from: number
  /** The first record behind it. */
  readonly to: number
  /** Whether kept hashes lead over it: then proofs can still be made for these records, and the log can go on. */
  readonly hashesKept: boolean
}

/**
 * Makes a log's hash files beside its audit: leaf hashes from the segments, and over holes from the hash packs, each step
 * held against the root that the next segment names.
 */
export class HashFileMaker {
  readonly #log: string
  readonly #store: Store
  readonly #files: HashFiles
  readonly #holes: Hole[] = []
  #broken = false
  #end: { readonly key: string; readonly size: number; readonly root: string; readonly digest: string } | null = null
  #last = ''

  /** @param files of no leaves */
  constructor(log: string, store: Store, files: HashFiles) {
    this.#log = log
    this.#store = store
    this.#files = files
  }

  /** The last segment, if every leaf hash up to its end is known and leads to its root; else null. */
  get end(): { readonly key: string; readonly size: number; readonly root: string; readonly digest: string } | null {
    return this.#broken ? null : this.#end
  }

  /** Key of the last object taken, damaged or not. */
  get last(): string {
    return this.#last
  }

  get holes(): readonly Hole[] {
    return this.#holes
  }

  /** Hashes known so far, for the audit. */
  read(first: number, count: number): Uint8Array | null {
    return this.#files.size >= first + count ? this.#files.leaves(first, first + count) : null
  }

  /** Takes a frame of the log, in order. @throws SealtrailError DATA_UNWRITABLE, STORE_UNREADABLE */
  async take(frame: Frame): Promise<void> {
    const { key, digest, content } = frame
    this.#last = key
    const segment = segmentIn(frame)
    if (segment === null || 'fault' in content) return
    const { header, trailer } = segment
    // What it calls its place must be what its key does: the audit follows the header too.
    if (parseObjectKey(key).first !== header.first || header.first < (this.#end?.size ?? 0)) return
    const before = this.#end?.size ?? 0
    if (header.first > before) {
      const hashesKept = !this.#broken && (await this.#fill(header.first, header.previous.root))
      this.#holes.push({ from: before, to: header.first, hashesKept })
      this.#broken ||= !hashesKept
    }
    if (!this.#broken && !this.#append((content.facts ?? segmentFacts(segment)).leaves, trailer.root)) {
      // Its records were changed: the packs may have the hashes of those that were sealed.
      const hashesKept = await this.#fill(trailer.size, trailer.root)
      this.#holes.push({ from: header.first, to: trailer.size, hashesKept })
      this.#broken = !hashesKept
    }
    this.#end = { key, size: trailer.size, root: trailer.root, digest }
  }

  #append(leaves: Uint8Array, root: string): boolean {
    const from = this.#files.size
    this.#files.append(leaves)
    if (this.#root() === root) return true
    this.#files.truncate(from)
    return false
  }

  /** Appends the kept hashes up to `to`, if they lead to the root. */
  async #fill(to: number, root: string): Promise<boolean> {
    const from = this.#files.size
    for (let at = from; at < to; at = this.#files.size) {
      const hashes = await this.#from(at)
      if (hashes === null) break
      this.#files.append(hashes.subarray(0, (to - at) * 32))
    }
    if (this.#files.size === to && this.#root() === root) return true
    this.#files.truncate(from)
    return false
  }

  /** Kept leaf hashes from an index on: of its pack, or of a tail. Believed once the root fits. attacker: the store made them. */
  async #from(at: number): Promise<Uint8Array | null> {
    const run = at - (at % PACK_LEAVES)
    const packs = `${this.#log}/hashes/${digits(run)}-`
    for await (const { key } of this.#store.list(packs)) {
      const bytes = await this.#read(key, (pack) => checkHashPack(key, pack).first === run)
      if (bytes !== null) return bytes.subarray((at - run) * 32)
    }
    for await (const { key } of this.#store.list(`${this.#log}/tail/`, `${this.#log}/tail/${digits(run)}`)) {
      const { first } = parseObjectKey(key)
      if (first > at) break
      const bytes = await this.#read(key, (tail) => first + checkHashTail(key, tail).count > at)
      if (bytes !== null) return bytes.subarray((at - first) * 32)
    }
    return null
  }

  async #read(key: string, fits: (bytes: Uint8Array) => boolean): Promise<Uint8Array | null> {
    const bytes = await readStored(this.#store, key)
    try {
      return bytes !== null && fits(bytes) ? bytes : null
    } catch {
      // Damaged: the audit names it.
      return null
    }
  }

  #root(): string {
    return Buffer.from(this.#files.frontier().root()).toString('hex')
  }
}

function digits(first: number): string {
  return String(first).padStart(20, '0')
}
