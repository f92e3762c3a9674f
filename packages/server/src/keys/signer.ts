import { Buffer } from 'node:buffer'
import { createHash, createHmac, createPrivateKey, createPublicKey, createSecretKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SealtrailError } from '../errors.ts'
import type { Signer } from './kms.ts'
import type { RingKey } from './ring.ts'

/** PKCS #8 of an Ed25519 seed (RFC 8410 section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The private key that a seed stands for. */
export function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
}

/** Signs with a seed in memory, or where the key is held. @throws SealtrailError KEY_UNKNOWN of a key that was destroyed */
export function signerOf(key: RingKey): Signer {
  if (key.held !== undefined) return key.held
  const secret = privateKey(secretOf(key))
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' })
  return { publicKey: Uint8Array.from(spki.subarray(-32)), sign: (message) => sign(null, message, secret) }
}

/** @throws SealtrailError KEY_UNKNOWN of a key that is held elsewhere or destroyed */
export function secretOf(key: RingKey): Uint8Array {
  if (key.secret !== null) return key.secret
  throw new SealtrailError('KEY_UNKNOWN', `the ${key.purpose} key ${key.id} is ${key.ended?.state === 'destroyed' ? 'destroyed' : 'not in this ring'}`)
}

/** 16 hex characters, the same for whoever holds the same key: of the public key, or of a keyed hash. */
export function fingerprintOf(key: RingKey, publicKey: Uint8Array | null): string {
  if (key.ended !== undefined) return key.ended.fingerprint
  const digest =
    publicKey === null
      ? createHmac('sha256', createSecretKey(secretOf(key)))
          .update('sealtrail/key-fingerprint/1')
          .digest('hex')
      : createHash('sha256').update(publicKey).digest('hex')
  return digest.slice(0, 16)
}
