/**
 * The segments of one log, ordered by (first index, digest), in flat arrays: 40 bytes each, because a quiet log makes a
 * segment per event. The same key may stand twice (written again after a failed write); losers of a raced commit stand
 * beside the winner.
 */
export class SegmentTable {
  #first = new Float64Array(64)
  #digest = new Uint8Array(64 * 16)
  #size = new Float64Array(64)
  #place = new Float64Array(64)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Adds a segment; `place` is the owner's own (file number and offset packed into one number). */
  add(first: number, digest: string, size: number, place: number): void {
    if (this.#length === this.#first.length) this.#grow()
    const bytes = Buffer.from(digest, 'hex')
    let at = this.#length
    // Nearly always the last place: commits come in order.
    if (at > 0 && this.#compare(at - 1, first, bytes) > 0) at = this.#upper(first, bytes)
    if (at < this.#length) {
      this.#first.copyWithin(at + 1, at, this.#length)
      this.#size.copyWithin(at + 1, at, this.#length)
      this.#place.copyWithin(at + 1, at, this.#length)
      this.#digest.copyWithin((at + 1) * 16, at * 16, this.#length * 16)
    }
    this.#first[at] = first
    this.#size[at] = size
    this.#place[at] = place
    this.#digest.set(bytes, at * 16)
    this.#length++
  }

  first(at: number): number {
    return this.#first[at]!
  }

  digest(at: number): string {
    return Buffer.from(this.#digest.buffer, at * 16, 16).toString('hex')
  }

  size(at: number): number {
    return this.#size[at]!
  }

  place(at: number): number {
    return this.#place[at]!
  }

  /** The position of the first segment whose first index is at least `first`; `length` if none. */
  lower(first: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#first[middle]! < first) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Positions of every copy of this key. */
  find(first: number, digest: string): number[] {
    const found: number[] = []
    for (let at = this.lower(first); at < this.#length && this.#first[at] === first; at++) if (this.digest(at) === digest) found.push(at)
    return found
  }

  #upper(first: number, digest: Buffer): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(middle, first, digest) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #compare(at: number, first: number, digest: Buffer): number {
    const mine = this.#first[at]!
    if (mine !== first) return mine - first
    return digest.compare(this.#digest, at * 16, at * 16 + 16) * -1
  }

  #grow(): void {
    const capacity = this.#first.length * 2
    const grown = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(capacity)
      next.set(old)
      return next
    }
    this.#first = grown(this.#first)
    this.#size = grown(this.#size)
    this.#place = grown(this.#place)
    const digest = new Uint8Array(capacity * 16)
    digest.set(this.#digest)
    this.#digest = digest
  }
}
