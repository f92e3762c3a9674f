import type { Journalled } from '../event/entry.ts'
import type { Numbered } from '../event/numbered.ts'
import { arrange } from './arrange.ts'
import { place, NO_RECORDS } from './subject.ts'
import type { SubjectState } from './subject.ts'

/** A numbered entry with the state of its subject after it: what the ledger stores once this record is sealed. */
export interface Sequel extends Numbered {
  readonly state: SubjectState
}

interface Active {
  /** null while the ledger is asked. */
  state: SubjectState | null
  /** Calls of `number` to come, and records numbered that the ledger has not yet: while any, the ledger's state is stale. */
  uses: number
}

/**
 * Decides number, place and lateness of each record of one log. Does no I/O: it says which subjects it must know, is told,
 * and numbers. What was numbered is sealed in the order returned, or the process ends.
 */
export class Sequencer {
  readonly #active = new Map<string, Active>()

  /** Subjects being numbered, or with records that are not in the ledger yet; for metrics. */
  get active(): number {
    return this.#active.size
  }

  /**
   * Announces one call of `number` per token given. Returns those whose state must come from the ledger (`load`) first, each once.
   */
  reserve(tokens: Iterable<string>): string[] {
    const missing = new Set<string>()
    for (const token of tokens) {
      const active = this.#active.get(token)
      if (active === undefined) this.#active.set(token, { state: null, uses: 1 })
      else active.uses++
      if (active === undefined || active.state === null) missing.add(token)
    }
    return [...missing]
  }

  /** Takes the ledger's answers; a state that is at hand already is as new or newer, and stays. */
  load(tokens: readonly string[], states: readonly (SubjectState | null)[]): void {
    tokens.forEach((token, i) => {
      const active = this.#active.get(token)
      if (active !== undefined) active.state ??= states[i] ?? NO_RECORDS
    })
  }

  /** The newest state of a subject, sealed or about to be, if it is at hand. */
  state(token: string): SubjectState | undefined {
    return this.#active.get(token)?.state ?? undefined
  }

  /**
   * Numbers entries of one subject that are released together, in their logical order. Entries that are not held are
   * numbered one by one, in order of arrival.
   */
  number(released: readonly Journalled[]): Sequel[] {
    const token = released[0]?.entry.subjectToken
    const active = token === undefined ? undefined : this.#active.get(token)
    if (active === undefined || active.state === null) throw new Error('a subject must be reserved and loaded before it is numbered')
    let current = active.state
    const numbered = arrange(released, ({ entry }) => entry, current.sessions).map(({ entry, position, batch }) => {
      const { state, late } = place(current, entry)
      current = state
      return { entry, position, batch, late, sequence: state.count, state }
    })
    active.state = current
    active.uses += numbered.length - 1
    return numbered
  }

  /** The ledger has these records; one token per record. */
  written(tokens: Iterable<string>): void {
    for (const token of tokens) {
      const active = this.#active.get(token)
      if (active !== undefined && --active.uses <= 0) this.#active.delete(token)
    }
  }

  /** Takes a reservation back: `number` will not be called for it. */
  release(token: string): void {
    this.written([token])
  }
}
