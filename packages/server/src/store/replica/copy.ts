import { hash } from 'node:crypto'
import { digestNamed } from '../key.ts'
import { endsAfter } from '../lock.ts'
import type { About, Lock, Store } from '../store.ts'

/** `gone`: there is nothing to copy any more. `expired`: its lock has ended, it may be removed any time. `damaged`: not the bytes its key names. */
export type Copied = 'copied' | 'gone' | 'expired' | 'damaged'

/** Where nothing holds the original (a store without lock that the operator lets go on), so long holds the copy. */
const UNLOCKED_MS = 24 * 60 * 60 * 1000

/**
 * Copies one object with what holds it. Copying what is there already only makes its lock as long and hard.
 * attacker: one of the two stores may be in other hands; what does not have the digest its key names is not spread.
 * @throws as `get`, `held` and `put` of the two
 */
export async function copyObject(from: Store, to: Store, key: string, nowMs: number, about?: About): Promise<Copied> {
  const held = await from.held(key)
  if (held === null) return 'gone'
  const { lock, legalHold } = held
  if (lock !== null && !endsAfter(lock, nowMs) && !legalHold) return 'expired'
  const bytes = await from.get(key)
  if (bytes === null) return 'gone'
  if (!hash('sha256', bytes, 'hex').startsWith(digestNamed(key))) return 'damaged'
  // A hold outlives the date; what it holds is locked a day longer, since no store takes a date that has passed.
  const wanted: Lock = lock !== null && endsAfter(lock, nowMs) ? lock : { mode: 'GOVERNANCE', retainUntilMs: nowMs + UNLOCKED_MS }
  await to.put(key, bytes, wanted, about)
  if (legalHold) await to.hold(key, true)
  return 'copied'
}
