import { Buffer } from 'node:buffer'
import { createSecretKey, hkdfSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { DataKey } from './vault.ts'

/** A data key ready for use. */
export interface DerivedKey {
  readonly encrypt: KeyObject
  /** 32 bytes that only this key gives: AES-GCM alone would let one ciphertext open under two keys. */
  readonly commitment: Buffer
}

const INFO = 'sealtrail/vault/1'

/** HKDF-SHA-256 (RFC 5869) of a data key, its id as salt: 32 bytes of AES-256 key, 32 bytes of commitment. */
export function deriveKey(key: DataKey): DerivedKey {
  const okm = Buffer.from(hkdfSync('sha256', key.key, key.id, INFO, 64))
  return { encrypt: createSecretKey(okm.subarray(0, 32)), commitment: okm.subarray(32) }
}

/** Derives each key once as long as it is in use: at least `size` and at most twice as many are remembered. */
export function derivedKeys(size = 4096): (key: DataKey) => DerivedKey {
  let young = new Map<string, DerivedKey>()
  let old = new Map<string, DerivedKey>()
  return (key) => {
    const id = Buffer.from(key.id.buffer, key.id.byteOffset, 16).latin1Slice() + Buffer.from(key.key.buffer, key.key.byteOffset, 32).latin1Slice()
    const known = young.get(id)
    if (known !== undefined) return known
    const derived = old.get(id) ?? deriveKey(key)
    if (young.size >= size) {
      old = young
      young = new Map()
    }
    young.set(id, derived)
    return derived
  }
}
