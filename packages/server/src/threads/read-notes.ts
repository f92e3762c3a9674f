import type { JsonObject } from '../event/json.ts'
import type { ReadLog, ReadNote } from '../http/ports.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { SystemEvent } from './system-entry.ts'

export interface ReadNotesDeps {
  system(event: SystemEvent): Promise<void>
  /** Unique to this thread of this run. */
  readonly thread: string
  readonly now: () => number
  readonly log: Log
}

/** A system record holds 65,535 bytes at most: so many shown records in one, the rest in the next. */
const MOST_SHOWN = 500
const MOST_WAITING = 10_000

/**
 * Who read what, batched into the system trail: token name, role, purpose, operation, names of parameters, records shown.
 * A crash loses at most the last second's notes, which SECURITY.md says.
 */
export class ReadNotes implements ReadLog {
  readonly #deps: ReadNotesDeps
  #waiting: ReadNote[] = []
  #next = 0
  #lost = 0

  constructor(deps: ReadNotesDeps) {
    this.#deps = deps
  }

  note(read: ReadNote): void {
    // Reads of the system trail are not noted: each note would call for the next.
    const shown = read.shown.filter(({ log }) => log !== 'system')
    if (read.shown.length > 0 && shown.length === 0) return
    if (this.#waiting.length >= MOST_WAITING) this.#lost++
    else this.#waiting.push({ ...read, shown })
  }

  async handOver(): Promise<void> {
    while (this.#waiting.length > 0) {
      const reads: ReadNote[] = []
      let shown = 0
      while (this.#waiting.length > 0 && shown < MOST_SHOWN && reads.length < 100) {
        const read = this.#waiting.shift() as ReadNote
        const [now, later] = [read.shown.slice(0, MOST_SHOWN - shown), read.shown.slice(MOST_SHOWN - shown)]
        if (later.length > 0) this.#waiting.unshift({ ...read, shown: later })
        shown += now.length
        reads.push({ ...read, shown: now })
      }
      const nowMs = this.#deps.now()
      try {
        await this.#deps.system({
          what: 'read',
          subject: `reads/${new Date(nowMs).toISOString().slice(0, 10)}`,
          id: `read/${this.#deps.thread}/${this.#next++}`,
          data: { reads: reads.map(describe), ...(this.#lost > 0 ? { not_noted: this.#lost } : {}) },
        })
        this.#lost = 0
      } catch (error) {
        this.#deps.log.error('reads could not be noted in the system trail yet', errorFields(error))
        this.#waiting.unshift(...reads)
        return
      }
    }
  }
}

function describe({ viewer, operation, parameters, shown, atMs }: ReadNote): JsonObject {
  return {
    at: new Date(atMs).toISOString(),
    operation,
    parameters: [...parameters],
    purpose: viewer.purpose,
    role: viewer.role,
    shown: shown.map(({ log, auditid }) => ({ auditid, log })),
    token: viewer.name,
  }
}
