import { Frontier } from '@sealtrail/tlog'
import type { ExpiredRange } from './expiry.ts'
import { PACK_LEAVES } from './hashpack.ts'
import { encodeHex } from './text.ts'

/** Reads leaf hashes [first, first + count), 32 bytes each, or null. */
export type LeafHashes = (first: number, count: number) => Uint8Array | null

/** A part of a hole in the log: expired as the range says, or without a reason (null). */
export interface HolePart {
  readonly from: number
  readonly to: number
  readonly range: ExpiredRange | null
}

/** The hole [from, to) in the parts that the ranges make of it, in order. Where ranges overlap the earliest to begin counts. */
export function partsOf(from: number, to: number, ranges: readonly ExpiredRange[]): HolePart[] {
  const parts: HolePart[] = []
  const sorted = ranges.filter((range) => range.to > from && range.from < to).sort((a, b) => a.from - b.from)
  let at = from
  for (const range of sorted) {
    if (range.to <= at) continue
    if (range.from > at) parts.push({ from: at, to: range.from, range: null })
    const start = Math.max(at, range.from)
    at = Math.min(range.to, to)
    parts.push({ from: start, to: at, range })
  }
  if (at < to) parts.push({ from: at, to, range: null })
  return parts
}

/** Leaf hashes that were led over a hole, and what can be said of the log within it. */
export class Span {
  readonly #hashes: LeafHashes
  /** The right edge at the beginning and at each multiple of 65,536 in between. */
  readonly #edges: ReadonlyArray<{ readonly size: number; readonly edge: Uint8Array }>
  readonly from: number
  readonly to: number

  private constructor(from: number, to: number, hashes: LeafHashes, edges: ReadonlyArray<{ readonly size: number; readonly edge: Uint8Array }>) {
    this.from = from
    this.to = to
    this.#hashes = hashes
    this.#edges = edges
  }

  /**
   * Leads hashes from the frontier over [its size, to); null when they are not all there or lead to another root.
   * In steps of 65,536: a hole may be a hundred million leaves wide.
   */
  static lead(
    start: Frontier,
    to: number,
    root: string,
    hashes: LeafHashes,
  ): { readonly span: Span; readonly frontier: Frontier; readonly last: Leaves } | null {
    const frontier = start.clone()
    const edges = []
    let last: Leaves = { first: Number(start.size), hashes: new Uint8Array(0) }
    for (let at = Number(start.size); at < to;) {
      edges.push({ size: at, edge: frontier.edge() })
      const end = Math.min(to, at - (at % PACK_LEAVES) + PACK_LEAVES)
      const step = hashes(at, end - at)
      if (step === null || step.length !== (end - at) * 32) return null
      frontier.append(step)
      last = { first: at, hashes: step }
      at = end
    }
    if (encodeHex(frontier.root()) !== root) return null
    return { span: new Span(Number(start.size), to, hashes, edges), frontier, last }
  }

  /** Gives the hashes once more, in order, in steps. */
  each(take: (leaves: Uint8Array, first: number) => void): void {
    for (const [at, { size }] of this.#edges.entries()) {
      const step = this.#hashes(size, (this.#edges[at + 1]?.size ?? this.to) - size)
      if (step !== null) take(step, size)
    }
  }

  /** Hex root of the log at a size within the hole, or null when the hashes are not given a second time. */
  rootAt(size: number): string | null {
    const before = this.#edges.findLast((edge) => edge.size <= size)
    if (before === undefined || size > this.to) return null
    const frontier = Frontier.resume(BigInt(before.size), before.edge)
    if (size > before.size) {
      const step = this.#hashes(before.size, size - before.size)
      if (step === null || step.length !== (size - before.size) * 32) return null
      frontier.append(step)
    }
    return encodeHex(frontier.root())
  }
}

/** Leaf hashes from a first index on. */
export interface Leaves {
  readonly first: number
  readonly hashes: Uint8Array
}
