import type { Pattern } from './work-file.ts'

/** Shortest pattern that is searched for: by chance 8 bytes turn up once in 10^19. */
export const LEAST_PATTERN = 8
const BLOCK = 3

/**
 * Finds any of many byte patterns in one pass (Wu and Manber, 1994): a table of three-byte blocks says how far the window may
 * go on, mostly nearly its whole length. Memory: 1 to 16 MiB whatever the patterns; time: linear in the text, and for each
 * place where a pattern's block ends as many comparisons as patterns end in it.
 */
export class PatternSearch {
  readonly count: number
  readonly longest: number
  readonly #bits: number
  readonly #window: number
  readonly #shift: Uint8Array
  readonly #ending = new Map<number, Pattern[]>()

  /** @throws RangeError when one is shorter than `LEAST_PATTERN` */
  constructor(patterns: readonly Pattern[]) {
    this.count = patterns.length
    this.longest = patterns.reduce((most, { bytes }) => Math.max(most, bytes.length), 0)
    this.#window = Math.min(255, ...patterns.map(({ bytes }) => bytes.length))
    if (this.#window < LEAST_PATTERN) throw new RangeError(`a pattern shorter than ${LEAST_PATTERN} bytes`)
    // About sixteen places for each block, so that a text of other bytes hardly ever stops.
    this.#bits = Math.min(24, Math.max(20, Math.ceil(Math.log2(16 * this.#window * (patterns.length + 1)))))
    this.#shift = new Uint8Array(2 ** this.#bits).fill(this.#window - BLOCK + 1)
    for (const pattern of patterns) {
      const { bytes } = pattern
      for (let end = BLOCK; end <= this.#window; end++) {
        const at = this.#place(bytes, end)
        this.#shift[at] = Math.min(this.#shift[at] as number, this.#window - end)
      }
      const last = this.#place(bytes, this.#window)
      const same = this.#ending.get(last)
      if (same === undefined) this.#ending.set(last, [pattern])
      else same.push(pattern)
    }
  }

  /** What of them stands in the bytes, each place of each once, in order. */
  *in(bytes: Uint8Array): Generator<{ readonly at: number; readonly pattern: Pattern }> {
    if (this.count === 0) return
    const window = this.#window
    const shift = this.#shift
    const drop = 32 - this.#bits
    for (let end = window; end <= bytes.length;) {
      const block = ((bytes[end - 3] as number) | ((bytes[end - 2] as number) << 8) | ((bytes[end - 1] as number) << 16)) >>> 0
      const step = shift[Math.imul(block, GOLDEN) >>> drop] as number
      if (step > 0) {
        end += step
        continue
      }
      const at = end - window
      for (const pattern of this.#ending.get(Math.imul(block, GOLDEN) >>> drop) ?? []) if (stands(pattern.bytes, bytes, at)) yield { at, pattern }
      end++
    }
  }

  #place(bytes: Uint8Array, end: number): number {
    const block = ((bytes[end - 3] as number) | ((bytes[end - 2] as number) << 8) | ((bytes[end - 1] as number) << 16)) >>> 0
    return Math.imul(block, GOLDEN) >>> (32 - this.#bits)
  }
}

const GOLDEN = 0x9e37_79b1

function stands(pattern: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at + pattern.length > bytes.length) return false
  for (let i = 0; i < pattern.length; i++) if (bytes[at + i] !== pattern[i]) return false
  return true
}
