import type { Probe, Store } from './store.ts'

/** When objects move to a colder class of storage, and to which; the platform's own name for it (GLACIER_IR, COOL, NEARLINE). */
export interface Cold {
  readonly afterMs: number
  readonly storageClass: string
}

/** The rule as the platform keeps it. */
export interface Lifecycle {
  /** Its id in the platform's list, ours alone. */
  readonly id: string
  /** The rule in the platform's own form, for people to read. */
  readonly rule: string
  /** Whether the platform says that this very rule stands. */
  readonly standing: boolean
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Platforms count whole days; the longer of the two, never less than one. */
export function coldDays({ afterMs }: Cold): number {
  return Math.max(1, Math.ceil(afterMs / DAY_MS))
}

/** One rule for each server of a bucket: its id names the prefix. Letters, digits and dashes only. @param prefix '' or ends with `/` */
export function coldRuleId(prefix: string): string {
  return `sealtrail-cold${prefix === '' ? '' : `-${prefix.slice(0, -1).replaceAll(/[^A-Za-z0-9]/g, '-')}`}`
}

/** What became of the wish for a colder class: the rule as it stands, or why there is none. */
export type ColdOutcome = { readonly rule: Lifecycle } | { readonly why: string }

/**
 * Has the platform move objects to the colder class, and only once a probe has seen the lock enforced: what anyone can
 * delete is not put where it is looked at least.
 * @throws SealtrailError STORE_UNREADABLE, NOT_DURABLE
 */
export async function applyCold(store: Pick<Store, 'lifecycle'>, cold: Cold, probe: Pick<Probe, 'assurance'>): Promise<ColdOutcome> {
  if (store.lifecycle === undefined) return { why: 'the store has no classes of storage' }
  if (probe.assurance !== 'store-enforced') return { why: `the lock was not seen enforced (${probe.assurance}): no rule before it is` }
  return { rule: await store.lifecycle(cold, true) }
}
