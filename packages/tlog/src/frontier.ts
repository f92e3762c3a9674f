import { TlogError } from './errors.ts'
import { assertTreeSize, emptyRoot, HASH_SIZE, nodeHash, nodeHashInto } from './tree.ts'

/** 64 levels of hashes hold any tree. */
const LEVELS = 64

/** The inner nodes that an append completed, from level 1 upward. */
export interface Completed {
  /** Tree size before the append: the first node of `levels[k]` has index `from >> (k+1)`. */
  readonly from: bigint
  /** `levels[k]`: hashes of level k+1, in order of index, 32 bytes each. */
  readonly levels: readonly Uint8Array[]
}

/**
 * The right edge of a growing tree: enough to extend it and to know its root, 32 bytes a level. Appending costs one
 * node hash a leaf; `append` takes any number of leaf hashes at once and works level by level.
 */
export class Frontier {
  #size = 0
  /** Slot k: the root of the perfect subtree of 2^k leaves on the right edge, in use when bit k of the size is set. */
  readonly #edge: Uint8Array = new Uint8Array(LEVELS * HASH_SIZE)

  /**
   * The frontier of a tree already built: `edge` = roots of its perfect subtrees, largest first, as {@link Frontier.edge} gives them.
   * @throws TlogError SIZE_OUT_OF_RANGE beyond 2^53-1 leaves; HASH_LENGTH when `edge` has not 32 bytes for each set bit of `size`.
   */
  static resume(size: bigint, edge: Uint8Array): Frontier {
    assertTreeSize(size)
    const frontier = new Frontier()
    frontier.#setSize(Number(size))
    let offset = 0
    for (let level = LEVELS - 1; level >= 0; level--) {
      if (((size >> BigInt(level)) & 1n) === 0n) continue
      frontier.#edge.set(edge.subarray(offset, offset + HASH_SIZE), level * HASH_SIZE)
      offset += HASH_SIZE
    }
    if (offset !== edge.length) throw new TlogError('HASH_LENGTH', 'the edge has one hash for each perfect subtree of the size')
    return frontier
  }

  /** Number of leaves. */
  get size(): bigint {
    return BigInt(this.#size)
  }

  /** Roots of the perfect subtrees, largest (leftmost) first: 32 bytes for each set bit of the size. */
  edge(): Uint8Array {
    const out: number[] = []
    for (const level of this.#levels().toReversed()) out.push(...this.#edge.subarray(level * HASH_SIZE, (level + 1) * HASH_SIZE))
    return Uint8Array.from(out)
  }

  /** An independent copy: try an extension on it without touching this one. */
  clone(): Frontier {
    return Frontier.resume(this.size, this.edge())
  }

  /**
   * Appends leaf hashes, 32 bytes each, and returns the inner nodes they completed.
   * @throws TlogError HASH_LENGTH when the length is no multiple of 32; SIZE_OUT_OF_RANGE beyond 2^53-1 leaves. Nothing is appended then.
   */
  append(leafHashes: Uint8Array): Completed {
    if (leafHashes.length % HASH_SIZE !== 0) throw new TlogError('HASH_LENGTH', 'leaf hashes are 32 bytes each')
    const from = this.#size
    this.#setSize(from + leafHashes.length / HASH_SIZE)
    const levels: Uint8Array[] = []
    let nodes = leafHashes
    let index = from
    for (let level = 0; nodes.length > 0; level++) {
      nodes = this.#combine(level, index % 2 === 1, nodes)
      index = Math.floor(index / 2)
      if (nodes.length > 0) levels.push(nodes)
    }
    return { from: BigInt(from), levels }
  }

  /** The RFC 6962 root of all leaves so far, 32 bytes. */
  root(): Uint8Array {
    const levels = this.#levels()
    const lowest = levels[0]
    if (lowest === undefined) return emptyRoot()
    let root: Uint8Array = this.#edge.slice(lowest * HASH_SIZE, (lowest + 1) * HASH_SIZE)
    for (const level of levels.slice(1)) root = nodeHash(this.#edge.subarray(level * HASH_SIZE, (level + 1) * HASH_SIZE), root)
    return root
  }

  /** Pairs up the new nodes of one level, the waiting left sibling first; keeps an odd one waiting; returns the parents. */
  #combine(level: number, waiting: boolean, nodes: Uint8Array): Uint8Array {
    const count = nodes.length / HASH_SIZE + (waiting ? 1 : 0)
    const parents = new Uint8Array(Math.floor(count / 2) * HASH_SIZE)
    const slot = level * HASH_SIZE
    let read = 0
    let write = 0
    if (waiting) {
      parents.set(nodeHash(this.#edge.subarray(slot, slot + HASH_SIZE), nodes.subarray(0, HASH_SIZE)))
      read = HASH_SIZE
      write = HASH_SIZE
    }
    for (; write < parents.length; write += HASH_SIZE, read += 2 * HASH_SIZE) nodeHashInto(nodes, read, parents, write)
    if (read < nodes.length) this.#edge.set(nodes.subarray(read, read + HASH_SIZE), slot)
    return parents
  }

  /** Levels of the perfect subtrees on the edge, smallest first. */
  #levels(): number[] {
    const levels: number[] = []
    for (let rest = this.#size, level = 0; rest > 0; rest = Math.floor(rest / 2), level++) if (rest % 2 === 1) levels.push(level)
    return levels
  }

  #setSize(size: number): void {
    if (!Number.isSafeInteger(size)) throw new TlogError('SIZE_OUT_OF_RANGE', 'a frontier holds at most 2^53-1 leaves')
    this.#size = size
  }
}

/** The root of the tree over these leaf hashes (32 bytes each); of the empty tree when there are none. @throws TlogError HASH_LENGTH */
export function rootOf(leafHashes: Uint8Array): Uint8Array {
  const frontier = new Frontier()
  frontier.append(leafHashes)
  return frontier.root()
}
