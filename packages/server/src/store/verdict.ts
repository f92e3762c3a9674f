import type { Assurance, Probe, ProbeCheck } from './store.ts'

/**
 * What follows from what a probe saw. One broken decisive check and the lock protects nothing: `none`, unless the store
 * makes no claim to enforce anything (`claims: 'declared'`) and kept what it was told. One that could not be tried, for want
 * of a right or of such a call: nobody saw it enforced, `declared`.
 */
export function probeOf(checks: readonly ProbeCheck[], observedMs: number, claims: Assurance = 'store-enforced'): Probe {
  const decisive = checks.filter((check) => check.decisive)
  const broken = decisive.length === 0 || decisive.some(({ result }) => result === 'broken')
  const tried = decisive.every(({ result }) => result === 'held')
  return { assurance: broken ? 'none' : tried ? claims : 'declared', observedMs, checks }
}

/** How one store stands, for `/readyz`: its kind, never its address, since nobody needs a token there. */
export interface StoreState {
  readonly store: string
  readonly assurance: Assurance | 'unknown'
  readonly promised: Assurance
  /** RFC 3339, or null: not observed yet. */
  readonly observed: string | null
  /** No probe has succeeded for two intervals. */
  readonly old: boolean
  /** Names of decisive checks that did not hold. */
  readonly broken: readonly string[]
  /** Whether events are refused for it. */
  readonly stops: boolean
}
