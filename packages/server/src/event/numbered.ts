import type { Journalled } from './entry.ts'

/** An entry the sequencer has placed: ready to be sealed. */
export interface Numbered extends Journalled {
  /** Belongs before a record of its subject sealed earlier. */
  readonly late: boolean
  /** Gapless per subject, from 1. */
  readonly sequence: number
}
