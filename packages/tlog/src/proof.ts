import { TlogError } from './errors.ts'
import { foldRanges, inclusionRanges, nodesOfRanges, subtreeRanges, type NodeReader } from './path.ts'
import { assertHash, assertLeafIndex, assertTreeSize, emptyRoot, equalBytes, nodeHash } from './tree.ts'

/** No tree of up to 2^63-1 leaves needs a longer inclusion proof. */
export const MAX_INCLUSION_HASHES = 63
/** A consistency proof may carry one hash more than there are levels. */
export const MAX_CONSISTENCY_HASHES = 64

/**
 * The inclusion proof of leaf `index` in the tree of `size` leaves: the leaf's sibling first, the root's child last (RFC 6962 §2.1.1).
 * @throws TlogError SIZE_OUT_OF_RANGE unless index < size; HASH_LENGTH when the reader misbehaves.
 */
export function proveInclusion(index: bigint, size: bigint, read: NodeReader): Uint8Array[] {
  assertLeafIndex(index, size)
  const ranges = inclusionRanges(index, size)
  return foldRanges(ranges, read(nodesOfRanges(ranges)))
}

/**
 * The root that leaf, index, size and proof lead to (RFC 9162 §2.1.3.2, without its last comparison). It proves nothing
 * until compared with a root that a trusted key signed *together with this size*.
 * @throws TlogError SIZE_OUT_OF_RANGE, HASH_LENGTH; PROOF_MALFORMED when the proof is too short or too long for index and size.
 */
export function rootFromInclusion(index: bigint, size: bigint, leaf: Uint8Array, proof: readonly Uint8Array[]): Uint8Array {
  assertLeafIndex(index, size)
  assertHash(leaf)
  assertProof(proof, MAX_INCLUSION_HASHES)
  let fn = index
  let sn = size - 1n
  let root = leaf
  for (const hash of proof) {
    if (sn === 0n) throw new TlogError('PROOF_MALFORMED', 'the inclusion proof has too many hashes')
    if ((fn & 1n) === 1n || fn === sn) {
      root = nodeHash(hash, root)
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n
        sn >>= 1n
      }
    } else {
      root = nodeHash(root, hash)
    }
    fn >>= 1n
    sn >>= 1n
  }
  if (sn !== 0n) throw new TlogError('PROOF_MALFORMED', 'the inclusion proof has too few hashes')
  return root
}

/**
 * Returns only if the leaf hash stands at `index` in the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
 * attacker: index, size and proof may come from anywhere; only `root` with `size` must come from a verified checkpoint.
 * @throws TlogError PROOF_MISMATCH, PROOF_MALFORMED, SIZE_OUT_OF_RANGE, HASH_LENGTH
 */
export function checkInclusion(index: bigint, size: bigint, leaf: Uint8Array, proof: readonly Uint8Array[], root: Uint8Array): void {
  assertHash(root)
  if (!equalBytes(rootFromInclusion(index, size, leaf, proof), root)) {
    throw new TlogError('PROOF_MISMATCH', 'the inclusion proof leads to another root')
  }
}

/**
 * The proof that the tree of `oldSize` leaves is a prefix of the tree of `size` leaves (RFC 6962 §2.1.2); empty when
 * oldSize is 0 (C2SP tlog-witness) or equals size.
 * @throws TlogError SIZE_OUT_OF_RANGE unless oldSize <= size; HASH_LENGTH when the reader misbehaves.
 */
export function proveConsistency(oldSize: bigint, size: bigint, read: NodeReader): Uint8Array[] {
  assertOrder(oldSize, size)
  if (oldSize === 0n || oldSize === size) return []
  const ranges = subtreeRanges(0n, oldSize, size)
  return foldRanges(ranges, read(nodesOfRanges(ranges)))
}

/**
 * Returns only if the tree (oldSize, oldRoot) is a prefix of the tree (size, root) (RFC 9162 §2.1.4.2): nothing was
 * changed, dropped, reordered or inserted among the old leaves. With oldSize 0 it says nothing about `root`.
 * @throws TlogError PROOF_MISMATCH, PROOF_MALFORMED, SIZE_OUT_OF_RANGE, HASH_LENGTH
 */
export function checkConsistency(oldSize: bigint, oldRoot: Uint8Array, size: bigint, root: Uint8Array, proof: readonly Uint8Array[]): void {
  assertOrder(oldSize, size)
  assertHash(oldRoot)
  assertHash(root)
  assertProof(proof, MAX_CONSISTENCY_HASHES)
  if (oldSize === 0n || oldSize === size) {
    if (proof.length > 0) throw new TlogError('PROOF_MALFORMED', 'this consistency proof must be empty')
    const expected = oldSize === 0n ? emptyRoot() : root
    if (!equalBytes(oldRoot, expected) || (size === 0n && !equalBytes(root, expected))) {
      throw new TlogError('PROOF_MISMATCH', 'the same size with another root')
    }
    return
  }
  const { first, second } = rootsFromConsistency(oldSize, oldRoot, size, proof)
  if (!equalBytes(first, oldRoot)) throw new TlogError('PROOF_MISMATCH', 'the consistency proof leads to another old root')
  if (!equalBytes(second, root)) throw new TlogError('PROOF_MISMATCH', 'the consistency proof leads to another root')
}

/** Both roots a consistency proof leads to; 0 < oldSize < size. */
function rootsFromConsistency(oldSize: bigint, oldRoot: Uint8Array, size: bigint, proof: readonly Uint8Array[]): { first: Uint8Array; second: Uint8Array } {
  // §2.1.4.2 step 2: an old tree that is one perfect subtree is not repeated in the proof; its root stands first.
  const path = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...proof] : [...proof]
  let fn = oldSize - 1n
  let sn = size - 1n
  while ((fn & 1n) === 1n) {
    fn >>= 1n
    sn >>= 1n
  }
  const seed = path.shift()
  if (seed === undefined) throw new TlogError('PROOF_MALFORMED', 'the consistency proof has too few hashes')
  let first = seed
  let second = seed
  for (const hash of path) {
    if (sn === 0n) throw new TlogError('PROOF_MALFORMED', 'the consistency proof has too many hashes')
    if ((fn & 1n) === 1n || fn === sn) {
      first = nodeHash(hash, first)
      second = nodeHash(hash, second)
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n
        sn >>= 1n
      }
    } else {
      second = nodeHash(second, hash)
    }
    fn >>= 1n
    sn >>= 1n
  }
  if (sn !== 0n) throw new TlogError('PROOF_MALFORMED', 'the consistency proof has too few hashes')
  return { first, second }
}

function assertOrder(oldSize: bigint, size: bigint): void {
  assertTreeSize(oldSize)
  assertTreeSize(size)
  if (oldSize > size) throw new TlogError('SIZE_OUT_OF_RANGE', 'the old tree is larger than the new one')
}

/** Bounds the work an attacker's proof can cause; the hashes' own length is checked where they are hashed. */
function assertProof(proof: readonly Uint8Array[], most: number): void {
  if (!Array.isArray(proof) || proof.length > most) throw new TlogError('PROOF_MALFORMED', `a proof is at most ${most} hashes`)
}
