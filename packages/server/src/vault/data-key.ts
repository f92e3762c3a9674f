import { Buffer } from 'node:buffer'
import { createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { hmacOnce } from '../keys/hashes.ts'
import type { DataKey } from './vault.ts'

/** A data key ready for use. */
export interface DerivedKey {
  readonly encrypt: KeyObject
  /** 32 bytes that only this key gives: AES-GCM alone would let one ciphertext open under two keys. */
  readonly commitment: Buffer
}

const INFO = 'sealtrail/vault/1'

/**
 * HKDF-Expand with SHA-256 (RFC 5869 section 2.3; the key is uniform, so Extract is not needed, section 3.3): info is
 * "sealtrail/vault/1" ‖ key id, giving 32 bytes of AES-256 key, then 32 bytes of commitment.
 */
export function deriveKey(key: DataKey): DerivedKey {
  const { encrypt, commitment } = expand(Buffer.from(key.id.buffer, key.id.byteOffset, key.id.length).latin1Slice(), key.key)
  return { encrypt: createSecretKey(encrypt, 'latin1'), commitment: Buffer.from(commitment, 'latin1') }
}

/** Only the commitment of `deriveKey`. @param id latin1. */
export function keyCommitment(id: string, key: Uint8Array): Buffer {
  return Buffer.from(expand(id, key).commitment, 'latin1')
}

function expand(id: string, key: Uint8Array): { encrypt: string; commitment: string } {
  const info = INFO + id
  const encrypt = hmacOnce(key, info + '\x01')
  return { encrypt, commitment: hmacOnce(key, encrypt + info + '\x02') }
}

/**
 * Derives each key once for as long as its object lives: whoever hands out data keys gives the same object for the same key.
 */
export function derivedKeys(): (key: DataKey) => DerivedKey {
  const derived = new WeakMap<DataKey, DerivedKey>()
  return (key) => {
    let known = derived.get(key)
    if (known === undefined) derived.set(key, (known = deriveKey(key)))
    return known
  }
}
