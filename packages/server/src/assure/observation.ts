import type { Assurance, Probe, ProbeCheck } from '../store/store.ts'

/** What was seen of one store's lock, and when: a verdict is never without its date. */
export interface Observation extends Probe {
  /** The store as one would write it in an address; without secrets. */
  readonly store: string
}

/** What the configuration promises of a store: files keep what they are told, every other store is to enforce it. */
export function promisedOf(type: string): Assurance {
  return type === 'files' ? 'declared' : 'store-enforced'
}

const MOST_CHECKS = 40
const MOST_SEEN = 300
const NAME = /^[a-z][a-z0-9-]{0,39}$/
const UNPRINTABLE = /[^\x20-\x7e]/g

/** attacker: what a store answers ends up in the log, in `system` and on a terminal: so much of it, and in printable ASCII. */
export function observationOf(store: string, { assurance, observedMs, checks }: Probe): Observation {
  return {
    store,
    assurance,
    observedMs,
    checks: checks.slice(0, MOST_CHECKS).map(({ name, result, seen, decisive }) => ({
      name: NAME.test(name) ? name : 'unnamed',
      result,
      seen: seen.replaceAll('’', "'").replace(UNPRINTABLE, '?').slice(0, MOST_SEEN),
      decisive,
    })),
  }
}

/** What an object that was taken without the lock it was given says of the store, without a probe. */
export function unlockedObject(store: string, operation: 'put' | 'extend', observedMs: number): Observation {
  const seen = operation === 'put' ? 'an object was put with a lock, and read back without it' : 'a lock was made longer, and read back as it was'
  return { store, assurance: 'none', observedMs, checks: [{ name: operation, result: 'broken', seen, decisive: true }] }
}

/** Names of the decisive checks that did not hold. */
export function brokenIn({ checks }: Pick<Probe, 'checks'>): string[] {
  return checks.filter(({ decisive, result }) => decisive && result !== 'held').map(({ name }) => name)
}

/** Whether the two saw the same: dates and words of answers apart. */
export function sawTheSame(a: Observation, b: Observation): boolean {
  const gist = ({ store, assurance, checks }: Observation): string => JSON.stringify([store, assurance, checks.map(({ name, result }) => [name, result])])
  return gist(a) === gist(b)
}

/** `store-enforced, observed on 2027-01-31T12:00:00Z`. */
export function told({ assurance, observedMs }: Probe): string {
  return `${assurance}, observed on ${new Date(observedMs).toISOString().replace(/\.\d+Z$/, 'Z')}`
}

/** An observation read from a file or message, or null when it is none. attacker: whoever can write the data directory. */
export function asObservation(value: unknown): Observation | null {
  if (typeof value !== 'object' || value === null) return null
  const { store, assurance, observedMs, checks } = value as Record<string, unknown>
  if (typeof store !== 'string' || store.length > 2_000 || typeof observedMs !== 'number' || !Number.isSafeInteger(observedMs)) return null
  if (assurance !== 'store-enforced' && assurance !== 'declared' && assurance !== 'none') return null
  if (!Array.isArray(checks) || !checks.every(isCheck)) return null
  if (Number.isNaN(new Date(observedMs).getTime())) return null
  return observationOf(store, { assurance, observedMs, checks })
}

function isCheck(value: unknown): value is ProbeCheck {
  if (typeof value !== 'object' || value === null) return false
  const { name, result, seen, decisive } = value as Record<string, unknown>
  return typeof name === 'string' && typeof seen === 'string' && typeof decisive === 'boolean' && ['held', 'broken', 'skipped'].includes(result as string)
}
