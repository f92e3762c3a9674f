import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv } from 'node:crypto'

/**
 * A wrapped 32-byte key, 73 bytes:
 *
 * ```
 * 0 version (1) | 1..8 wrapping key id | 9..24 salt | 25..56 ciphertext | 57..72 tag
 * ```
 * AES-256-GCM under HMAC-SHA-256(wrapping key, "sealtrail/wrap/1" ‖ hex(salt)), a key of its own for each wrapping, so that
 * the nonce may be zero and the 2^32 messages a random 96-bit nonce allows under one key (SP 800-38D section 8.3) are
 * no bound on how many people and interactions one wrapping key serves. Additional data: version, id, salt and `aad`.
 */
export const WRAPPED_LENGTH = 73

const VERSION = 1
const LABEL = 'sealtrail/wrap/1'
const NONCE = Buffer.alloc(12)

/** HMAC-SHA-256 under a wrapping key, as `keyedHash` makes it: all this file needs of the key. */
export type WrappingHash = (text: string) => string

/** Wraps a 32-byte key. @param id 8 bytes. @param salt 16 random bytes, never used twice. */
export function wrapKey(wrapping: WrappingHash, id: Uint8Array, salt: Uint8Array, key: Uint8Array, aad: string): Uint8Array {
  if (key.length !== 32 || id.length !== 8 || salt.length !== 16) throw new RangeError('a wrapped key has 32 bytes, its id 8, its salt 16')
  const out = new Uint8Array(WRAPPED_LENGTH)
  out[0] = VERSION
  out.set(id, 1)
  out.set(salt, 9)
  const cipher = createCipheriv('aes-256-gcm', own(wrapping, salt), NONCE)
  cipher.setAAD(additional(out, aad))
  out.set(cipher.update(key), 25)
  cipher.final()
  out.set(cipher.getAuthTag(), 57)
  return out
}

/** The id of the wrapping key, 16 hex characters; null when the bytes are no wrapped key. */
export function wrappingId(wrapped: Uint8Array): string | null {
  if (wrapped.length !== WRAPPED_LENGTH || wrapped[0] !== VERSION) return null
  return Buffer.from(wrapped.subarray(1, 9)).toString('hex')
}

/** The wrapped key, or null when bytes or `aad` are not those that were wrapped under this key. */
export function unwrapKey(wrapping: WrappingHash, wrapped: Uint8Array, aad: string): Uint8Array | null {
  if (wrappingId(wrapped) === null) return null
  const decipher = createDecipheriv('aes-256-gcm', own(wrapping, wrapped.subarray(9, 25)), NONCE, { authTagLength: 16 })
  decipher.setAAD(additional(wrapped, aad))
  decipher.setAuthTag(wrapped.subarray(57, 73))
  try {
    const key = new Uint8Array(32)
    key.set(decipher.update(wrapped.subarray(25, 57)))
    decipher.final()
    return key
  } catch {
    return null
  }
}

function own(wrapping: WrappingHash, salt: Uint8Array): Buffer {
  return Buffer.from(wrapping(LABEL + Buffer.from(salt.buffer, salt.byteOffset, salt.length).hexSlice()), 'latin1')
}

function additional(wrapped: Uint8Array, aad: string): Buffer {
  return Buffer.concat([wrapped.subarray(0, 25), Buffer.from(aad, 'utf8')])
}
