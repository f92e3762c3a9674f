/**
 * Which hashes a proof is made of, as ranges of leaves; and which perfect subtrees ("nodes") those ranges are made of.
 * Proofs are planned here on numbers alone, so that reading the nodes may be synchronous, asynchronous, from tiles or from memory.
 */
import { TlogError } from './errors.ts'
import { assertHash, assertTreeSize, emptyRoot, HASH_SIZE, nodeHash } from './tree.ts'

/** A perfect subtree: the leaves [index·2^level, (index+1)·2^level). Level 0 nodes are leaf hashes. */
export interface TreeNode {
  /** 0..63. */
  readonly level: number
  readonly index: bigint
}

/**
 * Reads hashes of perfect subtrees, in the order asked, 32 bytes each. It is asked only for nodes that are complete in
 * the tree being proved. It may answer with wrong bytes: a proof made of them then fails its check.
 */
export type NodeReader = (nodes: readonly TreeNode[]) => readonly Uint8Array[]

/** Leaves [start, end) of a tree, whose hash is one element of a proof. */
export interface LeafRange {
  readonly start: bigint
  readonly end: bigint
}

/** The largest power of two strictly below n; n >= 2 (RFC 6962 §2.1). */
function splitPoint(n: bigint): bigint {
  return 1n << BigInt((n - 1n).toString(2).length - 1)
}

/** The audit path of a leaf, its sibling first, the root's child last (RFC 6962 §2.1.1). */
export function inclusionRanges(index: bigint, size: bigint): LeafRange[] {
  const ranges: LeafRange[] = []
  let start = 0n
  let end = size
  while (end - start > 1n) {
    const middle = start + splitPoint(end - start)
    if (index < middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  return ranges.reverse()
}

/**
 * The ranges proving that the subtree [start, end) is part of the tree of `size` leaves; with start = 0 this is the
 * consistency proof of RFC 6962 §2.1.2. The subtree must be valid: start a multiple of the power of two not below end-start.
 */
export function subtreeRanges(start: bigint, end: bigint, size: bigint): LeafRange[] {
  const ranges: LeafRange[] = []
  let from = 0n
  let to = size
  let known = true
  let [s, e] = [start, end]
  while (s !== from || e !== to) {
    const middle = from + splitPoint(to - from)
    if (e <= middle) {
      ranges.push({ start: middle, end: to })
      to = middle
    } else {
      ranges.push({ start: from, end: middle })
      if (s < middle) {
        // The subtree reaches over the split: its left part is a whole child, so the verifier's own root no longer stands for the rest.
        s = middle
        known = false
      }
      from = middle
    }
  }
  if (!known) ranges.push({ start: from, end: to })
  return ranges.reverse()
}

/** The perfect subtrees a range is made of, largest first. The range must be a subtree of RFC 6962's tree, or start at 0. */
export function nodesOfRange(range: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = []
  let start = range.start
  while (start < range.end) {
    const level = (range.end - start).toString(2).length - 1
    nodes.push({ level, index: start >> BigInt(level) })
    start += 1n << BigInt(level)
  }
  return nodes
}

/** The perfect subtrees of all ranges, one after the other. */
export function nodesOfRanges(ranges: readonly LeafRange[]): TreeNode[] {
  return ranges.flatMap(nodesOfRange)
}

/** The hash of each range, from the hashes of {@link nodesOfRanges}. @throws TlogError HASH_LENGTH when a reader gave too few or misshapen hashes. */
export function foldRanges(ranges: readonly LeafRange[], hashes: readonly Uint8Array[]): Uint8Array[] {
  if (nodesOfRanges(ranges).length !== hashes.length) throw new TlogError('HASH_LENGTH', 'the reader gave another number of hashes than asked')
  hashes.forEach(assertHash)
  let next = 0
  return ranges.map((range) => hashes.slice(next, (next += nodesOfRange(range).length)).reduceRight((right, left) => nodeHash(left, right)))
}

/** The root of the tree of `size` leaves, from the hashes of its perfect subtrees. @throws TlogError SIZE_OUT_OF_RANGE, HASH_LENGTH */
export function rootFromNodes(size: bigint, read: NodeReader): Uint8Array {
  assertTreeSize(size)
  if (size === 0n) return emptyRoot()
  const ranges = [{ start: 0n, end: size }]
  return foldRanges(ranges, read(nodesOfRanges(ranges)))[0]!
}

/** A reader over a tree held in memory: leaf hashes, 32 bytes each; hashes every inner node once, at once. @throws TlogError HASH_LENGTH */
export function nodesInMemory(leafHashes: Uint8Array): NodeReader {
  if (leafHashes.length % HASH_SIZE !== 0) throw new TlogError('HASH_LENGTH', 'leaf hashes are 32 bytes each')
  const levels = [leafHashes]
  for (let below = leafHashes; below.length >= 2 * HASH_SIZE;) {
    const parents = new Uint8Array(Math.floor(below.length / (2 * HASH_SIZE)) * HASH_SIZE)
    for (let i = 0; i < parents.length; i += HASH_SIZE) {
      parents.set(nodeHash(below.subarray(2 * i, 2 * i + HASH_SIZE), below.subarray(2 * i + HASH_SIZE, 2 * i + 2 * HASH_SIZE)), i)
    }
    levels.push(parents)
    below = parents
  }
  return (nodes) =>
    nodes.map(({ level, index }) => {
      const at = Number(index) * HASH_SIZE
      const hash = levels[level]?.subarray(at, at + HASH_SIZE)
      if (hash?.length !== HASH_SIZE) throw new TlogError('SIZE_OUT_OF_RANGE', 'the tree in memory has no such node')
      return hash
    })
}
