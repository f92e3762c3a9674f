import { HASH_SIZE, nodeHash } from '@sealtrail/tlog'

const WIDTH = 256

/**
 * One tile with the inner nodes of its perfect subtrees, growing from the left: row 0 its hashes, row k the nodes over
 * 2^k of them. Each inner node is hashed once, when its right half is complete.
 */
export class TileNodes {
  /** Rows one after the other: 256, 128, … 1 hashes. */
  readonly #nodes = new Uint8Array((2 * WIDTH - 1) * HASH_SIZE)
  #width = 0

  /** Hashes so far, 0..256. */
  get width(): number {
    return this.#width
  }

  /** Adds hashes, 32 bytes each; at most 256 in all. */
  push(hashes: Uint8Array): void {
    const before = this.#width
    this.#nodes.set(hashes, before * HASH_SIZE)
    this.#width += hashes.length / HASH_SIZE
    for (let row = 1; row <= 8; row++) {
      const to = this.#width >> row
      for (let i = before >> row; i < to; i++) this.#nodes.set(nodeHash(this.node(row - 1, 2 * i), this.node(row - 1, 2 * i + 1)), offset(row, i))
    }
  }

  /** The node over hashes [i·2^row, (i+1)·2^row), 32 bytes; they must have been pushed. */
  node(row: number, i: number): Uint8Array {
    const at = offset(row, i)
    return this.#nodes.subarray(at, at + HASH_SIZE)
  }

  /** The hash this full tile has in the level above. */
  root(): Uint8Array {
    return this.node(8, 0)
  }
}

function offset(row: number, i: number): number {
  // Rows before this one hold 256 + 128 + … = 512 - 512/2^row hashes.
  return (2 * WIDTH - ((2 * WIDTH) >> row) + i) * HASH_SIZE
}
