/**
 * The RFC 6962 Merkle tree over SHA-256 (§2.1): leaf = SHA-256(00 ‖ entry), node = SHA-256(01 ‖ left ‖ right), the
 * empty tree's root = SHA-256 of nothing; a tree of n leaves splits at the largest power of two below n.
 *
 * Sizes and indexes are `bigint` in everything public: C2SP lets them reach 2^63-1, JavaScript's bit operators cut a
 * `number` to 32 bits without a word, and a size that came out of a checkpoint is an attacker's. Only the inner loops of
 * `Frontier` count with `number`, bounded to 2^53-1 where they start.
 */
import { sha256, sha256Into } from '#sha256'
import { TlogError } from './errors.ts'

/** Bytes in a hash. */
export const HASH_SIZE = 32
/** The largest tree: 2^63-1 leaves (C2SP tlog-checkpoint). */
export const MAX_TREE_SIZE: bigint = 2n ** 63n - 1n

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

/**
 * Writes the hash of the inner node whose children are the 64 bytes of `children` at `from` into `out` at `offset`:
 * the path without an allocation, for loops over many nodes.
 */
export function nodeHashInto(children: Uint8Array, from: number, out: Uint8Array, offset: number): void {
  for (let i = 0; i < 2 * HASH_SIZE; i++) nodeInput[1 + i] = children[from + i]!
  sha256Into(nodeInput, out, offset)
}

/**
 * Writes the leaf hash of `entry` into `out` at `offset`: SHA-256(00 ‖ entry), the entry without its bundle length prefix.
 * @throws TlogError INVALID_ARGUMENT when `out` has no room for 32 bytes at `offset`
 */
export function leafHashInto(entry: Uint8Array, out: Uint8Array, offset: number): void {
  if (!(offset >= 0 && offset + HASH_SIZE <= out.length)) throw new TlogError('INVALID_ARGUMENT', 'no room for a hash')
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

/** The hash of an inner node: SHA-256(01 ‖ left ‖ right), 32 bytes (RFC 6962 §2.1). @throws TlogError HASH_LENGTH */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  assertHash(left)
  assertHash(right)
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
