import { Buffer } from 'node:buffer'
import { aliasTokens, interactionTokens } from '../event/alias.ts'
import type { KeyedHashes, RenewableHashes } from '../keys/keys.ts'
import { holdsCard } from './detect.ts'

/** What protect needs from outside: randomness and keyed hashes, both behind small pools. One per thread and tenant. */
export interface ProtectEnv {
  /** 16 fresh random bytes as 22 characters of base64url; never the same twice. */
  salt(): string
  /**
   * Tokens (16 bytes, latin1) of an alias in any of its spellings, under every token key, the current one first: an owner is
   * found by any of them, what is searched for is written under the first. None for a text that is empty or holds a card number.
   */
  alias(kind: string, value: string): readonly string[]
  /** Tokens of an interaction's own key, in the same order. */
  interaction(subject: string): readonly string[]
  /** Drops the aliases and tokens it remembers. */
  forget(): void
}

const POOL_SALTS = 512
const TOKENS_KEPT = 16_384
const NONE: readonly string[] = []

/** @param random as `crypto.randomBytes`. */
export function protectEnv(
  tenant: string,
  hashes: Pick<KeyedHashes, 'tokens'> & Partial<Pick<RenewableHashes, 'tokenKeys'>>,
  random: (bytes: number) => Uint8Array,
): ProtectEnv {
  let pool: Buffer = Buffer.alloc(0)
  let used = 0
  const kinds = new Map<string, Map<string, readonly string[]>>()
  let lastSubject = ''
  let last: readonly string[] = []
  let tokenKeys = hashes.tokenKeys
  const forgetAfterRotation = (): void => {
    if (tokenKeys === hashes.tokenKeys) return
    tokenKeys = hashes.tokenKeys
    kinds.clear()
    last = []
  }
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
      forgetAfterRotation()
      let tokens = kinds.get(kind)
      if (tokens === undefined) kinds.set(kind, (tokens = new Map()))
      const known = tokens.get(value)
      if (known !== undefined) return known
      if (tokens.size >= TOKENS_KEPT) tokens.clear()
      const made = value === '' || holdsCard(value) ? NONE : aliasTokens(hashes, tenant, kind, value)
      tokens.set(value, made)
      return made
    },
    interaction(subject) {
      forgetAfterRotation()
      if (subject !== lastSubject || last.length === 0) {
        last = interactionTokens(hashes, tenant, subject)
        lastSubject = subject
      }
      return last
    },
    forget() {
      kinds.clear()
      lastSubject = ''
      last = NONE
    },
  }
}
