import { BundleBroken } from './broken.ts'

/** Longest line of a bundle: what is said of every field of one record whose data has 16 MiB. */
export const MAX_LINE_BYTES: number = 64 * 2 ** 20

/**
 * The lines of a file without their newlines, one at a time: `next()` is the n-th line, null behind the last. A last line
 * without its newline, an empty line and one that is too long are refused.
 */
export class Lines {
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>
  readonly #name: string
  readonly #most: number
  /** What is read and not given out yet: `#held` joined in front of `#piece` from `#at`. */
  #held: Uint8Array[] = []
  #heldBytes = 0
  #piece: Uint8Array = new Uint8Array(0)
  #at = 0
  #line = 0

  constructor(pieces: AsyncGenerator<Uint8Array, void, undefined>, name: string, most: number = MAX_LINE_BYTES) {
    this.#pieces = pieces
    this.#name = name
    this.#most = most
  }

  /** Where the line given last stands: `<path>:<number from 1>`. */
  get place(): string {
    return `${this.#name}:${this.#line}`
  }

  /** @throws BundleBroken BUNDLE_FILE_FORMAT, and what reading throws */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const end = this.#piece.indexOf(0x0a, this.#at)
      const found = this.#piece.subarray(this.#at, end < 0 ? undefined : end)
      if (this.#heldBytes + found.length > this.#most) throw this.#wrong('a line is too long')
      if (end >= 0) {
        this.#at = end + 1
        this.#line++
        const line = this.#heldBytes === 0 ? found : this.#join(found)
        if (line.length === 0) throw this.#wrong('a line is empty')
        return line
      }
      if (found.length > 0) {
        this.#held.push(found)
        this.#heldBytes += found.length
      }
      const { done, value } = await this.#pieces.next()
      this.#piece = done === true ? new Uint8Array(0) : value
      this.#at = 0
      if (done !== true) continue
      if (this.#heldBytes > 0) throw this.#wrong('the last line has no newline')
      return null
    }
  }

  #join(last: Uint8Array): Uint8Array {
    const line = new Uint8Array(this.#heldBytes + last.length)
    let at = 0
    for (const part of [...this.#held, last]) {
      line.set(part, at)
      at += part.length
    }
    this.#held = []
    this.#heldBytes = 0
    return line
  }

  #wrong(detail: string): BundleBroken {
    return new BundleBroken('BUNDLE_FILE_FORMAT', `${this.#name}:${this.#line + 1}`, detail)
  }
}
