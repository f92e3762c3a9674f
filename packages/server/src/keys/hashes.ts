import { Buffer } from 'node:buffer'
import { createHmac, createSecretKey, hash } from 'node:crypto'
import { types } from 'node:util'
import type { IngestKeys, KeyedHashes } from './keys.ts'

const BLOCK = 64

/**
 * The three keyed hashes, for whichever thread computes them. All state is scratch memory of the calling thread.
 * Hot path: about 1 µs a hash, see `keyedHash`.
 */
export function keyedHashes(keys: IngestKeys): KeyedHashes {
  const name = keyedHash(keys.naming)
  const token = keyedHash(keys.token)
  const fingerprint = keyedHash(keys.fingerprint)
  return {
    name: (text) => name(text),
    token: (text) => token(text).slice(0, 16),
    fingerprint: (text) => fingerprint(text).slice(0, 16),
  }
}

/**
 * HMAC-SHA-256 (RFC 2104) under one key, as 32 characters of code 0..255.
 *
 * Two one-shot hashes over memory that already holds the padded key, because node:crypto is twice as fast when it
 * returns strings and makes no Hmac object (measured); long inputs go to `createHmac`, which does not copy.
 * @throws RangeError unless the key has 32 bytes.
 */
export function keyedHash(key: Uint8Array): (text: string | Uint8Array) => string {
  if (key.length !== 32) throw new RangeError('a hash key has 32 bytes')
  const long = createSecretKey(key)
  const room = 8192
  const inner = Buffer.alloc(BLOCK + room, 0x36)
  const outer = Buffer.alloc(BLOCK + 32, 0x5c)
  for (let i = 0; i < key.length; i++) {
    inner[i] = (key[i] as number) ^ 0x36
    outer[i] = (key[i] as number) ^ 0x5c
  }
  return (text) => {
    let length: number
    if (typeof text === 'string') {
      if (text.length * 3 > room) return createHmac('sha256', long).update(text, 'utf8').digest('binary')
      length = inner.utf8Write(text, BLOCK)
    } else {
      if (!types.isUint8Array(text)) throw new TypeError('neither text nor bytes')
      if (text.length > room) return createHmac('sha256', long).update(text).digest('binary')
      inner.set(text, BLOCK)
      length = text.length
    }
    outer.latin1Write(hash('sha256', inner.subarray(0, BLOCK + length), 'binary'), BLOCK, 32)
    return hash('sha256', outer, 'binary')
  }
}
