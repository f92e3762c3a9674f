import type { Assurance, Probe, ProbeCheck } from './store.ts'

/**
 * What follows from what a probe saw. One broken decisive check and the lock protects nothing: `none`, unless the store
 * makes no claim to enforce anything (`claims: 'declared'`) and kept what it was told.
 */
export function probeOf(checks: readonly ProbeCheck[], observedMs: number, claims: Assurance = 'store-enforced'): Probe {
  const decisive = checks.filter((check) => check.decisive)
  const held = decisive.length > 0 && decisive.every(({ result }) => result === 'held')
  return { assurance: held ? claims : 'none', observedMs, checks }
}
