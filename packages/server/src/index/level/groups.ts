import type { Facets } from '../index.ts'
import type { Group } from '../facets.ts'
import type { Fields } from '../fields.ts'

/** Above this many groups a new one no longer tells tags apart (tags come from senders); above twice as many, nothing. */
const MAX_EXACT_GROUPS = 1_000
const MIXED = 0

/** The groups of one log, as the writer knows them. Number 0 is the group that tells nothing apart. */
export class Groups {
  readonly #numbers = new Map<string, number>()
  readonly #max: number
  #next = MIXED + 1

  constructor(known: Iterable<readonly [number, Group]>, max: number = MAX_EXACT_GROUPS) {
    this.#max = max
    for (const [number, group] of known) {
      this.#numbers.set(nameOf(group.type, group.status, group.tag, group.schema), number)
      this.#next = Math.max(this.#next, number + 1)
    }
  }

  /** The group of a record; when it is new, `made` is told. */
  numberOf(fields: Fields, made: (number: number, group: Group) => void): number {
    const { type, status, tag, schema } = fields
    const found = this.#numbers.get(nameOf(type, status, tag, schema))
    if (found !== undefined) return found
    if (this.#next <= this.#max) return this.#make({ type, status, tag, schema }, made)
    // attacker: a sender may put a new tag into every event; the search by tag then reads more, and stays right.
    const coarse = this.#numbers.get(nameOf(type, status, null, schema))
    if (coarse !== undefined) return coarse
    if (this.#next <= 2 * this.#max) return this.#make({ type, status, tag: null, schema }, made)
    return this.#numbers.get(nameOf(null, null, null, null)) ?? this.#make({ type: null, status: null, tag: null, schema: null }, made)
  }

  #make(group: Group, made: (number: number, group: Group) => void): number {
    const number = group.type === null ? MIXED : this.#next++
    this.#numbers.set(nameOf(group.type, group.status, group.tag, group.schema), number)
    made(number, group)
    return number
  }
}

/** Whether every record of a matching group has these values. */
export function groupDecides(group: Group, facets: Facets): boolean {
  return (['type', 'status', 'tag', 'schema'] as const).every((facet) => facets[facet] === undefined || group[facet] !== null)
}

export function encodeGroup(group: Group): Buffer {
  return Buffer.from(JSON.stringify([group.type, group.status, group.tag, group.schema]))
}

export function decodeGroup(bytes: Uint8Array): Group {
  const [type, status, tag, schema] = JSON.parse(Buffer.from(bytes).toString()) as Array<string | null>
  return { type: type ?? null, status: status ?? null, tag: tag ?? null, schema: schema ?? null }
}

/** Distinct for distinct values: the lengths say where each begins (attacker: a tag may hold any character). */
function nameOf(type: string | null, status: string | null, tag: string | null, schema: string | null): string {
  return `${type?.length ?? '-'},${status?.length ?? '-'},${tag?.length ?? '-'},${schema?.length ?? '-'},${type ?? ''}${status ?? ''}${tag ?? ''}${schema ?? ''}`
}
