import { canonicalize } from '@sealtrail/evidence'
import type { KeyedHashes } from '../keys/keys.ts'
import type { MappedEvent } from './mapped.ts'

/** Length of a fingerprint, in bytes, and of the parts in which two are compared. */
const BYTES = 16
const WORD = 4
const UNSTATED = '\0'.repeat(WORD)
/** So many values a pack's `agree` may have: what is left of the fingerprint is for `compare`. */
export const MAX_AGREE: number = BYTES / WORD - 1

/**
 * What tells a resend from another content under the same identity: 16 bytes (latin1) under a key, of values before anything
 * is taken out of them. Where the pack says what routes must `agree` on, each such value has a word of its own, made with the
 * id so that equal values of two events do not show, zero when it is not stated; the rest is one hash over `compared`.
 * @throws EvidenceError NOT_I_JSON as `canonicalize`.
 */
export function fingerprintOf({ id, agree, compared }: Pick<MappedEvent, 'id' | 'agree' | 'compared'>, hashes: Pick<KeyedHashes, 'fingerprint'>): string {
  if (agree === null) return hashes.fingerprint(canonicalize(compared))
  let words = ''
  for (let i = 0; i < agree.length; i++) {
    const value = agree[i]
    words += value === null || value === undefined ? UNSTATED : stated(hashes.fingerprint(`${i}\n${id}\n${canonicalize(value)}`).slice(0, WORD))
  }
  const left = BYTES - words.length
  return words + (isEmpty(compared) ? '\0'.repeat(left) : stated(hashes.fingerprint(canonicalize(compared)).slice(0, left)))
}

/**
 * Whether two deliveries of one identity say the same: in each word that both state. Of whole hashes (no `agree`) all words
 * are stated but for one in 2^32, so for them it is equality. '' is a fingerprint nobody knows any more.
 */
export function sameContent(a: string, b: string): boolean {
  if (a === b || a === '' || b === '') return true
  for (let at = 0; at < BYTES; at += WORD) {
    const x = a.slice(at, at + WORD)
    const y = b.slice(at, at + WORD)
    if (x !== y && x !== UNSTATED && y !== UNSTATED) return false
  }
  return true
}

/** A hash that happens to be zero would read as not stated. */
function stated(word: string): string {
  return word.startsWith(UNSTATED) ? '\x01' + word.slice(1) : word
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}
