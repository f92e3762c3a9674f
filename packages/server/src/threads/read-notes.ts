import type { JsonObject, JsonValue } from '../event/json.ts'
import type { ReadLog, ReadNote, Shown } from '../http/ports.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { nameParts } from '../observe/name-parts.ts'
import type { SystemEvent } from './system-entry.ts'

export interface ReadNotesDeps {
  system(event: SystemEvent): Promise<void>
  /** Unique to this thread of this run. */
  readonly thread: string
  readonly now: () => number
  readonly log: Log
}

/** A system record holds 65,535 bytes at most: so much is told in one, the rest in the next. */
const MOST_BYTES = 48_000
const MOST_READS = 100
const MOST_WAITING = 10_000
/** A read without records, and a record shown without fields; upper bounds. */
const READ_BYTES = 600
const SHOWN_BYTES = 200

/**
 * Who read what, batched into the system trail: token name, role, purpose, operation, names of parameters, records shown, and
 * of which of their fields the value was, in clear or masked. A crash loses at most the last second's notes, which SECURITY.md says.
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
    else this.#waiting.push({ ...read, shown: shown.flatMap(inParts) })
  }

  async handOver(): Promise<void> {
    while (this.#waiting.length > 0) {
      const reads: ReadNote[] = []
      let room = MOST_BYTES
      while (this.#waiting.length > 0 && room > 0 && reads.length < MOST_READS) {
        const read = this.#waiting.shift() as ReadNote
        room -= READ_BYTES
        const seen = new Set<string>()
        let now = 0
        while (now < read.shown.length && (now === 0 || room > 0)) room -= bytesOf(read.shown[now++] as Shown, seen)
        if (now < read.shown.length) this.#waiting.unshift({ ...read, shown: read.shown.slice(now) })
        reads.push({ ...read, shown: read.shown.slice(0, now) })
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

/** One record shown as several, where it has more names than fit together. */
function inParts({ log, auditid, disclosed = [], masked = [] }: Shown): Shown[] {
  const [clear, hidden] = [nameParts(disclosed), nameParts(masked)]
  return Array.from({ length: Math.max(1, clear.length, hidden.length) }, (_, i) => ({
    log,
    auditid,
    ...(clear[i] === undefined ? {} : { disclosed: clear[i] }),
    ...(hidden[i] === undefined ? {} : { masked: hidden[i] }),
  }))
}

/** What a record shown adds; the same fields once more add nothing. */
function bytesOf({ disclosed = [], masked = [] }: Shown, seen: Set<string>): number {
  const fields = JSON.stringify([disclosed, masked])
  const known = seen.has(fields)
  seen.add(fields)
  return SHOWN_BYTES + (known ? 0 : Buffer.byteLength(fields))
}

/** `shown[].view` is the place in `views` of what was seen of that record; records without any have none. */
function describe({ viewer, operation, parameters, shown, atMs }: ReadNote): JsonObject {
  const views = new Map<string, number>()
  const list: JsonValue[] = []
  const viewOf = ({ disclosed = [], masked = [] }: Shown): JsonObject => {
    if (disclosed.length + masked.length === 0) return {}
    const key = JSON.stringify([disclosed, masked])
    let at = views.get(key)
    if (at === undefined) {
      views.set(key, (at = list.length))
      list.push({ disclosed: [...disclosed], masked: [...masked] })
    }
    return { view: at }
  }
  const records = shown.map((each) => ({ auditid: each.auditid, log: each.log, ...viewOf(each) }))
  return {
    at: new Date(atMs).toISOString(),
    operation,
    parameters: [...parameters],
    purpose: viewer.purpose,
    role: viewer.role,
    shown: records,
    token: viewer.name,
    ...(list.length === 0 ? {} : { views: list }),
  }
}
