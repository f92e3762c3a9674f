import { Buffer } from 'node:buffer'
import { aliasToken, interactionToken } from '../event/alias.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import { holdsCard } from './detect.ts'

/** What protect needs from outside: randomness and keyed hashes, both behind small pools. One per thread and tenant. */
export interface ProtectEnv {
  /** 16 fresh random bytes as 22 characters of base64url; never the same twice. */
  salt(): string
  /** Token (16 bytes, latin1) of an alias in any of its spellings; null for a text that is empty or holds a card number: no token is made of one. */
  alias(kind: string, value: string): string | null
  /** Token of an interaction's own key. */
  interaction(subject: string): string
}

const POOL_SALTS = 512
const TOKENS_KEPT = 16_384

/** @param random as `crypto.randomBytes`. */
export function protectEnv(tenant: string, hashes: Pick<KeyedHashes, 'token'>, random: (bytes: number) => Uint8Array): ProtectEnv {
  let pool: Buffer = Buffer.alloc(0)
  let used = 0
  const kinds = new Map<string, Map<string, string | null>>()
  let lastSubject = ''
  let lastToken = ''
  return {
    salt() {
      if (used === pool.length) {
        const fresh = random(POOL_SALTS * 16)
        pool = Buffer.from(fresh.buffer, fresh.byteOffset, fresh.length)
        used = 0
      }
      used += 16
      return pool.base64urlSlice(used - 16, used)
    },
    alias(kind, value) {
      let tokens = kinds.get(kind)
      if (tokens === undefined) kinds.set(kind, (tokens = new Map()))
      const known = tokens.get(value)
      if (known !== undefined) return known
      if (tokens.size >= TOKENS_KEPT) tokens.clear()
      const token = value === '' || holdsCard(value) ? null : aliasToken(hashes, tenant, kind, value)
      tokens.set(value, token)
      return token
    },
    interaction(subject) {
      if (subject !== lastSubject || lastToken === '') {
        lastToken = interactionToken(hashes, tenant, subject)
        lastSubject = subject
      }
      return lastToken
    },
  }
}
