import { sha256Hex } from '#platform'
import { EvidenceError } from './errors.ts'
import { hashPackKey, parseObjectKey } from './segment-key.ts'

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

function assertPack(first: number, bytes: Uint8Array): void {
  if (!Number.isSafeInteger(first) || first < 0 || first % PACK_LEAVES !== 0)
    throw new EvidenceError('HASH_PACK_FORMAT', 'a hash pack begins at a multiple of 65,536')
  if (bytes.length !== PACK_BYTES) throw new EvidenceError('HASH_PACK_FORMAT', `a hash pack has ${PACK_BYTES} bytes, this one ${bytes.length}`)
}
