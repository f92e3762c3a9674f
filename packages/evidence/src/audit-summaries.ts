import { Frontier } from '@sealtrail/tlog'
import type { SummaryClaim } from './summary.ts'
import { encodeHex } from './text.ts'

/** A part of a claim that is yet to come. */
interface Piece {
  readonly from: number
  readonly to: number
  readonly claim: SummaryClaim
}

/**
 * Holds summaries against the leaf hashes of the log they sum up, as these come by, in order. Only interactions that are
 * under way at once are held in memory.
 */
export class SummaryAudit {
  readonly #pieces: Piece[]
  #next = 0
  readonly #open = new Map<SummaryClaim, { frontier: Frontier; left: number }>()
  readonly #wrong: Array<{ readonly claim: SummaryClaim; readonly detail: string }> = []
  #checked = 0
  /** Pieces that go on behind the leaves seen so far. */
  #carried: Piece[] = []

  constructor(claims: readonly SummaryClaim[]) {
    this.#pieces = claims.flatMap((claim) => claim.ranges.map(([from, to]) => ({ from, to, claim }))).sort((a, b) => a.from - b.from)
  }

  /** Summaries whose every leaf came by. */
  get checked(): number {
    return this.#checked
  }

  /** Leaf hashes from `first` on, known to be those that were sealed; each leaf once, in order. Leaves may be left out: what needs them is not checked. */
  add(leaves: Uint8Array, first: number): void {
    const end = first + leaves.length / 32
    const again: Piece[] = []
    const due = this.#carried
    while (this.#next < this.#pieces.length && (this.#pieces[this.#next] as Piece).from < end) due.push(this.#pieces[this.#next++] as Piece)
    for (const { from, to, claim } of due) {
      if (from < first) continue
      const until = Math.min(to, end)
      this.#take(claim, leaves.subarray((from - first) * 32, (until - first) * 32), to - until === 0)
      if (until < to) again.push({ from: until, to, claim })
    }
    this.#carried = again
  }

  /** Summaries that do not fit, once the log is at its end. @param rootAt hex root of the log at a size, or null when it never had that size */
  finish(rootAt: (size: number) => string | null): ReadonlyArray<{ readonly claim: SummaryClaim; readonly detail: string }> {
    const seen = new Set(this.#wrong.map(({ claim }) => claim))
    for (const claim of new Set(this.#pieces.map((piece) => piece.claim))) {
      if (!seen.has(claim) && rootAt(claim.checkpoint.size) !== claim.checkpoint.root) this.#wrong.push({ claim, detail: 'its checkpoint is none of the log' })
    }
    return this.#wrong
  }

  #take(claim: SummaryClaim, leaves: Uint8Array, ends: boolean): void {
    let open = this.#open.get(claim)
    if (open === undefined) this.#open.set(claim, (open = { frontier: new Frontier(), left: claim.ranges.length }))
    open.frontier.append(leaves)
    if (ends) open.left--
    if (open.left > 0) return
    this.#open.delete(claim)
    this.#checked++
    if (encodeHex(open.frontier.root()) !== claim.root) this.#wrong.push({ claim, detail: 'the records lead to another root' })
  }
}
