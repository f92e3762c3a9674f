import type { Lock } from './store.ts'

/** The longer and harder of what there is and what is asked for: a lock is never shortened or weakened. */
export function atLeast(standing: Lock | null, asked: Lock): Lock {
  if (standing === null) return asked
  return {
    mode: standing.mode === 'COMPLIANCE' ? 'COMPLIANCE' : asked.mode,
    retainUntilMs: Math.max(standing.retainUntilMs, asked.retainUntilMs),
  }
}

/** Whether the lock still stands at this time. */
export function endsAfter(lock: Lock, nowMs: number): boolean {
  return lock.retainUntilMs > nowMs
}

/** Whether what the store shows is at least what was asked for; stores keep seconds or milliseconds, so a date up to a second earlier is the same. */
export function isAtLeast(shown: Lock | null, asked: Lock): boolean {
  if (shown === null) return false
  return (shown.mode === 'COMPLIANCE' || asked.mode === 'GOVERNANCE') && shown.retainUntilMs >= asked.retainUntilMs - 1_000
}
