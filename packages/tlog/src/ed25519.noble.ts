import { etc, getPublicKey, hashes, Point, sign, verify } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { isUsablePublicKey } from './ed25519.ts'

hashes.sha512 = sha512

/** True when `signature` (64 bytes) is Ed25519 of `message` under the raw 32-byte key (RFC 8032 §5.1.7, without cofactor). Never throws. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isUsablePublicKey(publicKey) || signature.length !== 64) return false
  try {
    return verify(signature, message, publicKey, { zip215: false }) && holdsWithoutCofactor(publicKey, message, signature)
  } catch {
    return false
  }
}

/**
 * attacker: the owner of a key can make signatures that only the equation multiplied by the cofactor accepts. The library
 * multiplies, Node does not; asking for both keeps one verdict everywhere: encode([S]B − [k]A) must be R, byte for byte.
 */
function holdsWithoutCofactor(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const r = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const k = littleEndian(sha512(etc.concatBytes(r, publicKey, message))) % Point.CURVE().n
  const right = Point.fromBytes(publicKey, false).negate().multiply(k, false)
  const encoded = Point.BASE.multiply(s, false).add(right).toBytes()
  return encoded.every((byte, i) => byte === r[i])
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

/** The Ed25519 signature (64 bytes, deterministic) of `message` with the 32-byte seed of RFC 8032 §5.1.5. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return sign(message, seed)
}

/** The raw 32-byte public key of a 32-byte seed (RFC 8032 §5.1.5). */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return getPublicKey(seed)
}
