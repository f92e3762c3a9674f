import { hash } from 'node:crypto'
import { SealtrailError } from '../errors.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { applyCold, type Cold } from '../store/lifecycle.ts'
import type { Probe, Store } from '../store/store.ts'
import type { SystemEvent } from './system-entry.ts'

export interface ColdRuleDeps {
  /** What the configuration asks for, or null. */
  readonly cold: Cold | null
  readonly store: Pick<Store, 'lifecycle'>
  readonly log: Log
  system(event: SystemEvent): Promise<void>
}

/** Keeps the rule for the colder class in place: looked at after every probe, since others may take it out of the bucket. */
export class ColdRule {
  readonly #deps: ColdRuleDeps
  #note: string | null = null
  #underWay: Promise<void> = Promise.resolve()

  constructor(deps: ColdRuleDeps) {
    this.#deps = deps
  }

  /** Looks at the rule beside everything else. */
  begin(probe: Probe): void {
    this.#underWay = this.#underWay.then(() => this.after(probe))
  }

  /** Resolves when nothing is under way. */
  done(): Promise<void> {
    return this.#underWay
  }

  /** Never throws: where the rule cannot be written evidence stays where it is, dearer and as well kept. */
  async after(probe: Probe): Promise<void> {
    const { cold, store, log, system } = this.#deps
    if (cold === null) return
    try {
      const outcome = await applyCold(store, cold, probe)
      if ('why' in outcome) {
        this.#note = `store.cold: ${outcome.why}`
        return
      }
      const { id, rule, standing } = outcome.rule
      // Some platforms let only the owner of the account write it.
      this.#note = standing ? null : `store.cold: the rule ${id} does not stand; its owner adds it (sealtrail doctor prints it)`
      if (!standing) return
      // One record for each rule there ever was: the same id again is the same record.
      await system({
        what: 'lifecycle',
        subject: 'store/lifecycle',
        id: `lifecycle/${id}/${hash('sha256', rule, 'hex')}`,
        data: { after_ms: cold.afterMs, id, rule, storage_class: cold.storageClass },
      })
    } catch (error) {
      this.#note = `store.cold: the lifecycle rule could not be written (${error instanceof SealtrailError ? error.code : 'INTERNAL'})`
      log.warn('the lifecycle rule could not be written', errorFields(error))
    }
  }

  /** What is degraded and keeps no event out. */
  notes(): readonly string[] {
    return this.#note === null ? [] : [this.#note]
  }
}
