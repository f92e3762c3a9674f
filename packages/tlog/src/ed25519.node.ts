import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { isUsablePublicKey } from './ed25519.ts'

// DER around a raw key (RFC 8410): SubjectPublicKeyInfo and OneAsymmetricKey with the Ed25519 identifier 1.3.101.112.
const SPKI = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
const PKCS8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]

/** True when `signature` (64 bytes) is Ed25519 of `message` under the raw 32-byte key (RFC 8032 §5.1.7, without cofactor). Never throws. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isUsablePublicKey(publicKey) || signature.length !== 64) return false
  try {
    const key = createPublicKey({ key: Uint8Array.from([...SPKI, ...publicKey]), format: 'der', type: 'spki' })
    return verify(null, message, key, signature)
  } catch {
    return false
  }
}

/** The Ed25519 signature (64 bytes, deterministic) of `message` with the 32-byte seed of RFC 8032 §5.1.5. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, privateKey(seed)))
}

/** The raw 32-byte public key of a 32-byte seed (RFC 8032 §5.1.5). */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return new Uint8Array(createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' }).slice(SPKI.length))
}

function privateKey(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed is 32 bytes')
  return createPrivateKey({ key: Uint8Array.from([...PKCS8, ...seed]), format: 'der', type: 'pkcs8' })
}
