import { sha256Hex } from '#platform'
import { EvidenceError } from './errors.ts'
import { hashPackKey, parseObjectKey, tailKey } from './segment-key.ts'

/**
 * A hash pack: the leaf hashes of 65,536 consecutive records, 32 bytes each, nothing else; the first index is a multiple
 * of 65,536 and stands in the key. Packs outlive the segments, so that proofs can be made when records have expired.
 */
export const PACK_LEAVES = 65_536
export const PACK_BYTES: number = PACK_LEAVES * 32

/** The pack's store key. @param first multiple of 65,536. @throws EvidenceError HASH_PACK_FORMAT */
export function hashPackKeyOf(log: string, first: number, bytes: Uint8Array): string {
  assertPack(first, bytes)
  return hashPackKey(log, first, sha256Hex(bytes))
}

/** A pack's first index, once length and digest fit its key. @throws EvidenceError KEY_FORMAT, HASH_PACK_FORMAT */
export function checkHashPack(key: string, bytes: Uint8Array): { readonly first: number; readonly sha256: string } {
  const { kind, first, digest } = parseObjectKey(key)
  if (kind !== 'hashes') throw new EvidenceError('KEY_FORMAT', 'not the key of a hash pack')
  assertPack(first, bytes)
  const sha256 = sha256Hex(bytes)
  if (!sha256.startsWith(digest)) throw new EvidenceError('HASH_PACK_FORMAT', 'the bytes are not those the key names')
  return { first, sha256 }
}

/**
 * A tail: the leaf hashes of fewer consecutive records than a pack holds, within one run of 65,536, the first index in the
 * key. Kept for leaves whose segments expire before their pack is full; the first tail of a run begins where the run does,
 * each further one where the one before it ends.
 */
export interface HashTail {
  readonly first: number
  /** Leaves, 1..65,535. */
  readonly count: number
  readonly sha256: string
}

/** The tail's store key. @throws EvidenceError HASH_PACK_FORMAT */
export function hashTailKeyOf(log: string, first: number, bytes: Uint8Array): string {
  assertTail(first, bytes)
  return tailKey(log, first, sha256Hex(bytes))
}

/** What a tail holds, once length and digest fit its key. @throws EvidenceError KEY_FORMAT, HASH_PACK_FORMAT */
export function checkHashTail(key: string, bytes: Uint8Array): HashTail {
  const { kind, first, digest } = parseObjectKey(key)
  if (kind !== 'tail') throw new EvidenceError('KEY_FORMAT', 'not the key of a tail')
  assertTail(first, bytes)
  const sha256 = sha256Hex(bytes)
  if (!sha256.startsWith(digest)) throw new EvidenceError('HASH_PACK_FORMAT', 'the bytes are not those the key names')
  return { first, count: bytes.length / 32, sha256 }
}

function assertTail(first: number, bytes: Uint8Array): void {
  const count = bytes.length / 32
  const fits = Number.isSafeInteger(first) && first >= 0 && Number.isInteger(count) && count > 0 && (first % PACK_LEAVES) + count <= PACK_LEAVES
  if (!fits) throw new EvidenceError('HASH_PACK_FORMAT', 'a tail holds whole leaf hashes within one run of 65,536')
}

function assertPack(first: number, bytes: Uint8Array): void {
  if (!Number.isSafeInteger(first) || first < 0 || first % PACK_LEAVES !== 0)
    throw new EvidenceError('HASH_PACK_FORMAT', 'a hash pack begins at a multiple of 65,536')
  if (bytes.length !== PACK_BYTES) throw new EvidenceError('HASH_PACK_FORMAT', `a hash pack has ${PACK_BYTES} bytes, this one ${bytes.length}`)
}
