import { Buffer } from 'node:buffer'
import { createHmac, createSecretKey, hash } from 'node:crypto'
import type { IngestKeys, RenewableHashes } from './keys.ts'

const BLOCK = 64
const ROOM = 8192

/**
 * The three keyed hashes, for whichever thread computes them. All state is scratch memory of the calling thread.
 * Hot path: about 1 µs a hash, see `keyedHash`.
 */
export function keyedHashes(keys: IngestKeys): RenewableHashes {
  const name = keyedHash(keys.naming)
  let token = keyedHash(keys.token)
  let older = (keys.olderTokens ?? []).map(keyedHash)
  const fingerprint = keyedHash(keys.fingerprint)
  return {
    name: (text) => name(text),
    token: (text) => token(text).slice(0, 16),
    tokens(text) {
      const current = token(text).slice(0, 16)
      return older.length === 0 ? [current] : [current, ...older.map((each) => each(text).slice(0, 16))]
    },
    fingerprint: (text) => fingerprint(text).slice(0, 16),
    get tokenKeys() {
      return older.length + 1
    },
    renew(next) {
      token = keyedHash(next.token)
      older = (next.olderTokens ?? []).map(keyedHash)
    },
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
  const long = createSecretKey(key)
  const scratch = makeScratch(ROOM)
  setKey(scratch, key)
  return (text) => {
    if (typeof text === 'string') {
      if (text.length * 3 > ROOM) return createHmac('sha256', long).update(text, 'utf8').digest('binary')
      return hashTwice(scratch, scratch.inner.utf8Write(text, BLOCK))
    }
    if (text.length > ROOM) return createHmac('sha256', long).update(text).digest('binary')
    scratch.inner.set(text, BLOCK)
    return hashTwice(scratch, text.length)
  }
}

const once = makeScratch(256)

/** HMAC-SHA-256 under a 32-byte key used once or seldom, over at most 256 characters of latin1. @throws RangeError. */
export function hmacOnce(key: Uint8Array, latin1: string): string {
  if (latin1.length > 256) throw new RangeError('more than 256 bytes')
  setKey(once, key)
  const digest = hashTwice(once, once.inner.latin1Write(latin1, BLOCK))
  once.inner.fill(0x36, 0, 32)
  once.outer.fill(0x5c, 0, 32)
  return digest
}

interface Scratch {
  readonly inner: Buffer
  readonly outer: Buffer
}

function makeScratch(room: number): Scratch {
  return { inner: Buffer.alloc(BLOCK + room, 0x36), outer: Buffer.alloc(BLOCK + 32, 0x5c) }
}

function setKey({ inner, outer }: Scratch, key: Uint8Array): void {
  if (key.length !== 32) throw new RangeError('a hash key has 32 bytes')
  for (let i = 0; i < 32; i++) {
    inner[i] = (key[i] as number) ^ 0x36
    outer[i] = (key[i] as number) ^ 0x5c
  }
}

function hashTwice({ inner, outer }: Scratch, length: number): string {
  outer.latin1Write(hash('sha256', inner.subarray(0, BLOCK + length), 'binary'), BLOCK, 32)
  return hash('sha256', outer, 'binary')
}
