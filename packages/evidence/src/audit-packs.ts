import { sha256Hex } from '#platform'
import { EvidenceError } from './errors.ts'
import { PACK_BYTES, PACK_LEAVES, checkHashPack, checkHashTail } from './hashpack.ts'
import type { ProblemCode } from './problem.ts'
import { firstOf } from './segment-key.ts'

type Report = (code: ProblemCode, object: string, index: number | null, detail?: string) => void

/** Compares hash packs with the leaf hashes of the records: remembers one digest for each full run of 65,536 leaves. */
export class PackAudit {
  readonly #start: number
  readonly #report: Report
  /** Grows with what is in it, to one run at most: most logs audited are far shorter than a run. */
  #window = new Uint8Array(0)
  /** Leaf up to which the current window is filled without a hole; -1 when its beginning is not known. */
  #filled: number
  readonly #expected = new Map<number, string>()
  readonly #seen = new Set<number>()
  /** Tails there are, by the run of 65,536 they stand in; their digests by key once the leaves were seen. */
  readonly #tails = new Map<number, Array<{ readonly object: string; readonly first: number; readonly to: number }>>()
  readonly #tailDigests = new Map<string, string>()

  constructor(start: number, report: Report) {
    this.#start = start
    this.#report = report
    this.#filled = start % PACK_LEAVES === 0 ? start : -1
  }

  /** Leaf hashes from `first` on, 32 bytes each, known to be those that were sealed. */
  add(leaves: Uint8Array, first: number): void {
    const end = first + leaves.length / 32
    for (let from = first; from < end;) {
      const at = from % PACK_LEAVES
      const to = Math.min(end, from - at + PACK_LEAVES)
      if (at === 0) this.#filled = from
      if (this.#filled === from) {
        this.#reach((at + to - from) * 32)
        this.#window.set(leaves.subarray((from - first) * 32, (to - first) * 32), at * 32)
        this.#filled = to
        this.#digestTails(from, to)
        if (to % PACK_LEAVES === 0) this.#expected.set(to - PACK_LEAVES, sha256Hex(this.#window))
      }
      from = to
    }
  }

  #reach(bytes: number): void {
    if (bytes <= this.#window.length) return
    const larger = new Uint8Array(Math.min(PACK_BYTES, Math.max(bytes, this.#window.length * 2, 4_096)))
    larger.set(this.#window)
    this.#window = larger
  }

  /** Says, before any leaves, that there is a tail: what its digest must be is then remembered. @param bytes its length */
  expectTail(object: string, bytes: number): void {
    const first = firstOf(object)
    if (first === null || bytes % 32 !== 0) return
    const run = first - (first % PACK_LEAVES)
    this.#tails.set(run, [...(this.#tails.get(run) ?? []), { object, first, to: first + bytes / 32 }])
  }

  #digestTails(from: number, to: number): void {
    const run = from - (from % PACK_LEAVES)
    for (const tail of this.#tails.get(run) ?? []) {
      if (tail.to > from && tail.to <= to) this.#tailDigests.set(tail.object, sha256Hex(this.#window.subarray((tail.first - run) * 32, (tail.to - run) * 32)))
    }
  }

  /** A tail as the store gave it. @param size leaves of the log. */
  tail(object: string, bytes: Uint8Array, size: number): void {
    try {
      const { first, count, sha256 } = checkHashTail(object, bytes)
      const expected = this.#tailDigests.get(object)
      if (first + count > size) this.#report('HASH_PACK', object, first, 'beyond the records')
      else if (expected !== undefined && expected !== sha256) this.#report('HASH_PACK', object, first, 'other hashes than those of the records')
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error
      this.#report('HASH_PACK', object, firstOf(object), error.message)
    }
  }

  /** A pack as the store gave it. @param size leaves of the log. */
  pack(object: string, bytes: Uint8Array, size: number): void {
    let pack: { readonly first: number; readonly sha256: string }
    try {
      pack = checkHashPack(object, bytes)
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error
      return this.#report('HASH_PACK', object, firstOf(object), error.message)
    }
    const expected = this.#expected.get(pack.first)
    if (pack.first + PACK_LEAVES > size) return this.#report('HASH_PACK', object, pack.first, 'beyond the records')
    if (expected !== undefined && expected !== pack.sha256) return this.#report('HASH_PACK', object, pack.first, 'other hashes than those of the records')
    this.#seen.add(pack.first)
  }

  /** Reports each run of 65,536 leaves below `before` that had no good pack. */
  expectAll(log: string, before: number): void {
    for (let first = this.#start - (this.#start % PACK_LEAVES); first + PACK_LEAVES <= before; first += PACK_LEAVES) {
      if (!this.#seen.has(first)) this.#report('HASH_PACK_MISSING', `${log}/hashes/${String(first).padStart(20, '0')}`, first)
    }
  }
}
