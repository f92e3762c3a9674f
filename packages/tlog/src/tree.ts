/**
 * The RFC 6962 Merkle tree over SHA-256 (§2.1): leaf = SHA-256(00 ‖ entry), node = SHA-256(01 ‖ left ‖ right), the
 * empty tree's root = SHA-256 of nothing; a tree of n leaves splits at the largest power of two below n.
 *
 * Sizes and indexes are `bigint` in everything public: C2SP lets them reach 2^63-1, JavaScript's bit operators cut a
 * `number` to 32 bits without a word, and a size that came out of a checkpoint is an attacker's. Only the inner loop of
 * {@link Frontier} counts with `number`, bounded to 2^53-1 where it starts.
 */
import { sha256, sha256Into } from '#sha256'
import { TlogError } from './errors.ts'

/** Bytes in a hash. */
export const HASH_SIZE = 32
/** The largest tree: 2^63-1 leaves (C2SP tlog-checkpoint). */
export const MAX_TREE_SIZE: bigint = 2n ** 63n - 1n
/** 64 levels of hashes hold any tree. */
const LEVELS = 64

/** @throws TlogError SIZE_OUT_OF_RANGE unless `size` is a bigint in 0..2^63-1. */
export function assertTreeSize(size: bigint): void {
  if (typeof size !== 'bigint' || size < 0n || size > MAX_TREE_SIZE) {
    throw new TlogError('SIZE_OUT_OF_RANGE', 'a tree size is a bigint in 0..2^63-1')
  }
}

/** @throws TlogError SIZE_OUT_OF_RANGE unless 0 <= index < size. */
export function assertLeafIndex(index: bigint, size: bigint): void {
  assertTreeSize(size)
  if (typeof index !== 'bigint' || index < 0n || index >= size) {
    throw new TlogError('SIZE_OUT_OF_RANGE', 'a leaf index is a bigint in 0..size-1')
  }
}

/** @throws TlogError HASH_LENGTH unless `hash` is 32 bytes. */
export function assertHash(hash: Uint8Array): void {
  if (!(hash instanceof Uint8Array) || hash.length !== HASH_SIZE) throw new TlogError('HASH_LENGTH', 'a hash is 32 bytes')
}

/** True when both are the same bytes. Not constant-time: roots and hashes are public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

// Reused input buffers; safe because hashing is synchronous and never re-enters.
const leafInput = new Uint8Array(1 + 65535)
const nodeInput = new Uint8Array(1 + 2 * HASH_SIZE)
nodeInput[0] = 1

/** Writes the leaf hash of `entry` into `out` at `offset`: SHA-256(00 ‖ entry), the entry without its bundle length prefix. */
export function leafHashInto(entry: Uint8Array, out: Uint8Array, offset: number): void {
  const input = entry.length < leafInput.length ? leafInput : new Uint8Array(entry.length + 1)
  input.set(entry, 1)
  sha256Into(input.subarray(0, entry.length + 1), out, offset)
}

/** The leaf hash of an entry: SHA-256(00 ‖ entry), 32 bytes (RFC 6962 §2.1). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const out = new Uint8Array(HASH_SIZE)
  leafHashInto(entry, out, 0)
  return out
}

/** The hash of an inner node: SHA-256(01 ‖ left ‖ right), 32 bytes (RFC 6962 §2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const out = new Uint8Array(HASH_SIZE)
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + HASH_SIZE)
  sha256Into(nodeInput, out, 0)
  return out
}

/** The root of the empty tree: SHA-256 of no bytes. A fresh copy each time. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0))
}

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
      for (let i = 0; i < HASH_SIZE; i++) {
        nodeInput[1 + i] = this.#edge[slot + i]!
        nodeInput[33 + i] = nodes[i]!
      }
      sha256Into(nodeInput, parents, 0)
      read = HASH_SIZE
      write = HASH_SIZE
    }
    for (; write < parents.length; write += HASH_SIZE, read += 2 * HASH_SIZE) {
      for (let i = 0; i < 2 * HASH_SIZE; i++) nodeInput[1 + i] = nodes[read + i]!
      sha256Into(nodeInput, parents, write)
    }
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
