import type { Entry } from '../event/entry.ts'
import { subjectToken } from '../event/subject-token.ts'
import type { Ledger } from './ledger.ts'

/** What is known of the retention classes of the trails. */
export interface ClassRules {
  /** The logs of the trail this one belongs to, always in the same order; null where it has no other. */
  logsWith(log: string): readonly string[] | null
  /** Whether what is in `asked` stays longer, or harder, than what is in `standing`. */
  isStricter(asked: string, standing: string): boolean
}

interface Home {
  readonly log: string
  /** Events under way that stand upon it. */
  events: number
}

/**
 * In which log of its trail a subject is. The first event's tag decides, once: all of a subject's records are in one log,
 * numbered without a gap. What is sealed the ledger knows; of what is under way it is remembered here, decided before
 * anything is written, so that a journal replayed finds every entry where it belongs.
 */
export class SubjectLogs {
  readonly #rules: ClassRules
  readonly #ledger: Pick<Ledger, 'subjects'>
  readonly #homes = new Map<string, Home>()

  constructor(rules: ClassRules, ledger: Pick<Ledger, 'subjects'>) {
    this.#rules = rules
    this.#ledger = ledger
  }

  /** Subjects remembered; those with nothing under way are not. */
  get size(): number {
    return this.#homes.size
  }

  /** Where subjects of these entries stand as the ledger has it, for `decide`; those of trails with one log are not asked for. */
  async sealed(entries: readonly Entry[]): Promise<ReadonlyMap<string, string>> {
    const asked = new Map<string, readonly string[]>()
    const tokens: string[] = []
    for (const { log, subject } of entries) {
      const logs = this.#rules.logsWith(log)
      if (logs === null) continue
      const key = keyOf(logs, subject)
      if (asked.has(key) || this.#homes.has(key)) continue
      asked.set(key, logs)
      for (const each of logs) tokens.push(subjectToken(each, subject))
    }
    const found = new Map<string, string>()
    if (tokens.length === 0) return found
    const states = await this.#ledger.subjects(tokens)
    let at = 0
    for (const [key, logs] of asked) {
      const log = logs.find((_, i) => (states[at + i] ?? null) !== null)
      if (log !== undefined) found.set(key, log)
      at += logs.length
    }
    return found
  }

  /** The log the entry goes to, whatever its own tag asks for. Counts it as under way until `forget`; null for a trail with one log. */
  decide(entry: Pick<Entry, 'log' | 'subject'>, sealed: ReadonlyMap<string, string>): { readonly log: string; readonly key: string } | null {
    const logs = this.#rules.logsWith(entry.log)
    if (logs === null) return null
    const key = keyOf(logs, entry.subject)
    let home = this.#homes.get(key)
    if (home === undefined) this.#homes.set(key, (home = { log: sealed.get(key) ?? entry.log, events: 0 }))
    home.events++
    return { log: home.log, key }
  }

  /** An event that `decide` counted is in the ledger, or was turned away. */
  forget(key: string): void {
    const home = this.#homes.get(key)
    if (home !== undefined && --home.events <= 0) this.#homes.delete(key)
  }

  logsWith(log: string): readonly string[] | null {
    return this.#rules.logsWith(log)
  }

  isStricter(asked: string, standing: string): boolean {
    return asked !== standing && this.#rules.isStricter(asked, standing)
  }
}

/** A subject of a trail: the first of the trail's logs names it. */
function keyOf(logs: readonly string[], subject: string): string {
  return `${logs[0]}\n${subject}`
}
