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
