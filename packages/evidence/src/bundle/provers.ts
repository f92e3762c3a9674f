import { checkInclusion, decodeBase64, equalBytes, leafHash, TILE_WIDTH, TlogError } from '@sealtrail/tlog'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { BundleBroken } from './broken.ts'
import type { Lines } from './lines.ts'
import type { RangeTiles } from './range-tiles.ts'
import { readShape } from './shape.ts'

/** Where a record stands, and whether its bytes lead to the checkpoint. */
export interface Placed {
  /** Null when the bundle does not say. */
  readonly index: number | null
  readonly proven: boolean
}

/** Proves the records of one log in the order of the file. */
export interface RecordProver {
  place(record: Uint8Array, at: string): Promise<Placed>
  /** Behind the last record. */
  end(): Promise<void>
}

/** By an inclusion proof a record: `proofs.ndjson`. */
export class ProofProver implements RecordProver {
  readonly #lines: Lines
  readonly #size: bigint
  readonly #root: Uint8Array | null
  readonly #report: (problem: Problem) => void
  #before = -1
  #over = false

  /** @param root null: the checkpoint cannot be read, nothing is proven */
  constructor(lines: Lines, size: bigint, root: Uint8Array | null, report: (problem: Problem) => void) {
    this.#lines = lines
    this.#size = size
    this.#root = root
    this.#report = report
  }

  async place(record: Uint8Array, at: string): Promise<Placed> {
    const line = this.#over ? null : await this.#lines.next()
    if (line === null) {
      this.#over = true
      this.#report(problemOf('RECORD_PROOF', at, null, 'there is no proof for it'))
      return { index: null, proven: false }
    }
    const fail = (detail: string): BundleBroken => new BundleBroken('BUNDLE_FILE_FORMAT', this.#lines.place, detail)
    const shape = readShape(line, fail).only('index', 'proof')
    const index = shape.count('index')
    const proof = shape.texts('proof')
    if (index <= this.#before) this.#report(problemOf('RECORD_ORDER', at, index, `index ${index} after ${this.#before}`))
    this.#before = Math.max(this.#before, index)
    if (this.#root === null) return { index, proven: false }
    try {
      checkInclusion(
        BigInt(index),
        this.#size,
        leafHash(record),
        proof.map((hash) => decodeBase64(hash)),
        this.#root,
      )
      return { index, proven: true }
    } catch (error) {
      if (!(error instanceof TlogError)) throw error
      this.#report(problemOf('RECORD_PROOF', at, index, error.message))
      return { index, proven: false }
    }
  }

  async end(): Promise<void> {
    if (this.#over || (await this.#lines.next()) === null) return
    this.#report(problemOf('RECORD_MISSING', this.#lines.place, null, 'a proof without its record'))
  }
}

/** By tiles: every leaf of a range. Records that are not there, or stand elsewhere, are told from changed ones. */
export class RangeProver implements RecordProver {
  readonly #tiles: RangeTiles | null
  readonly #object: string
  readonly #to: number
  readonly #from: number
  readonly #report: (problem: Problem) => void
  #next: number

  /** @param tiles null: the checkpoint or its right edge cannot be had, nothing is proven */
  constructor(tiles: RangeTiles | null, range: { from: number; to: number }, object: string, report: (problem: Problem) => void) {
    this.#tiles = tiles
    this.#from = range.from
    this.#to = range.to
    this.#next = range.from
    this.#object = object
    this.#report = report
  }

  async place(record: Uint8Array, at: string): Promise<Placed> {
    const index = this.#next
    if (index >= this.#to) {
      this.#report(problemOf('RECORD_ORDER', at, null, 'behind the end of the range'))
      return { index: null, proven: false }
    }
    if (this.#tiles === null) {
      this.#next++
      return { index, proven: false }
    }
    const leaf = leafHash(record)
    const wanted = await this.#tiles.leaf(index)
    if (wanted !== null && equalBytes(wanted, leaf)) {
      this.#next++
      return { index, proven: true }
    }
    if (wanted === null) {
      this.#next++
      return { index, proven: false }
    }
    const found = await this.#find(leaf)
    if (found === null) {
      this.#report(problemOf('RECORD_CHANGED', at, index))
      this.#next++
      return { index, proven: false }
    }
    if (found < index) {
      this.#report(problemOf('RECORD_ORDER', at, found, `number ${found} stands where ${index} belongs`))
      return { index: null, proven: false }
    }
    this.#missing(index, found)
    this.#next = found + 1
    return { index: found, proven: true }
  }

  end(): Promise<void> {
    if (this.#next < this.#to) this.#missing(this.#next, this.#to)
    return Promise.resolve()
  }

  #missing(from: number, to: number): void {
    this.#report(problemOf('RECORD_MISSING', this.#object, from, to === from + 1 ? `number ${from}` : `numbers ${from} to ${to - 1}`))
  }

  /** Where in the tile of the next index the hash stands; further on it would cost more than the word is worth. */
  async #find(leaf: Uint8Array): Promise<number | null> {
    const start = Math.floor(this.#next / TILE_WIDTH) * TILE_WIDTH
    for (let index = Math.max(start, this.#from); index < Math.min(start + TILE_WIDTH, this.#to); index++) {
      const hash = await (this.#tiles as RangeTiles).leaf(index)
      if (hash !== null && equalBytes(hash, leaf)) return index
    }
    return null
  }
}
