import type { TimeMatch } from '../index.ts'

/** The time keys of one group; of the database's iterator only these methods are needed. */
export interface Line {
  readonly keys: { nextv(size: number): Promise<Buffer[]>; close(): Promise<void> }
  readonly exact: boolean
}

const FIRST_READ = 16
const LATER_READS = 256

interface Cursor {
  readonly line: Line
  keys: Buffer[]
  at: number
}

/** Several ascending lines of time keys as one, by (time, index). Reads little at first: most callers stop early. Closes the lines. */
export async function* mergeTimelines(lines: readonly Line[]): AsyncIterableIterator<TimeMatch> {
  try {
    const cursors: Cursor[] = []
    for (const line of lines) {
      const keys = await line.keys.nextv(FIRST_READ)
      if (keys.length > 0) cursors.push({ line, keys, at: 0 })
    }
    const heap = new Heap(cursors)
    for (let top = heap.top; top !== undefined; top = heap.top) {
      const key = top.keys[top.at] as Buffer
      yield { timeMs: key.readUIntBE(5, 6), index: key.readUIntBE(11, 6), exact: top.line.exact }
      if (++top.at === top.keys.length) {
        top.keys = await top.line.keys.nextv(LATER_READS)
        top.at = 0
      }
      heap.sinkTop(top.keys.length === 0)
    }
  } finally {
    await Promise.all(lines.map((line) => line.keys.close()))
  }
}

/** A binary heap of cursors, the one with the least (time, index) on top. */
class Heap {
  readonly #items: Cursor[]

  constructor(items: Cursor[]) {
    this.#items = items
    for (let i = items.length >> 1; i >= 0; i--) this.#sink(i)
  }

  get top(): Cursor | undefined {
    return this.#items[0]
  }

  /** Puts the top where it belongs now, or drops it. */
  sinkTop(drop: boolean): void {
    if (drop) {
      const last = this.#items.pop() as Cursor
      if (this.#items.length === 0) return
      this.#items[0] = last
    }
    this.#sink(0)
  }

  #sink(from: number): void {
    const items = this.#items
    for (let at = from; ;) {
      const left = 2 * at + 1
      if (left >= items.length) return
      const right = left + 1
      const least = right < items.length && isBefore(items[right] as Cursor, items[left] as Cursor) ? right : left
      if (!isBefore(items[least] as Cursor, items[at] as Cursor)) return
      const swapped = items[at] as Cursor
      items[at] = items[least] as Cursor
      items[least] = swapped
      at = least
    }
  }
}

function isBefore(a: Cursor, b: Cursor): boolean {
  return (a.keys[a.at] as Buffer).compare(b.keys[b.at] as Buffer, 5, 17, 5, 17) < 0
}
