import type { RecordFields } from '@sealtrail/evidence'
import type { JsonValue } from '../event/json.ts'
import type { FoldPart } from '../retain/fold.ts'

/** An export as it was sealed before it could be fetched. */
export interface HandedOut {
  readonly id: string
  /** RFC 3339. */
  readonly at: string
  /** Name of the token it was made for. */
  readonly to: string
  readonly purpose: string | null
  /** Records in it: log, from, up to and without. */
  readonly runs: ReadonlyArray<readonly [log: string, from: number, to: number]>
}

/** Exports ever made, with the records they hold: copies that no erasure reaches. */
export class ExportsMade implements FoldPart {
  readonly name = 'exports'
  readonly version = 1
  readonly types: readonly string[] = ['sealtrail.system.export']
  readonly #exports = new Map<string, HandedOut>()

  take({ subject, data }: RecordFields): void {
    const id = subject.startsWith('export/') ? subject.slice('export/'.length) : ''
    const { at, token, purpose, runs } = data
    if (id === '' || typeof at !== 'string' || typeof token !== 'string' || !Array.isArray(runs)) return
    const known = this.#exports.get(id)?.runs ?? []
    const more = (runs as Array<{ log?: unknown; from?: unknown; to?: unknown }>).flatMap(({ log, from, to }): Array<[string, number, number]> =>
      typeof log === 'string' && typeof from === 'number' && typeof to === 'number' ? [[log, from, to]] : [],
    )
    // Of a large export each record names a part.
    this.#exports.set(id, { id, at, to: token, purpose: typeof purpose === 'string' ? purpose : null, runs: [...known, ...more] })
  }

  /** Those that hold one of the records, oldest first. */
  holding(records: ReadonlyArray<{ readonly log: string; readonly index: number }>): HandedOut[] {
    const indexes = new Map<string, number[]>()
    for (const { log, index } of records) {
      const list = indexes.get(log)
      if (list === undefined) indexes.set(log, [index])
      else list.push(index)
    }
    for (const list of indexes.values()) list.sort((a, b) => a - b)
    return [...this.#exports.values()].filter(({ runs }) =>
      runs.some(([log, from, to]) => {
        const list = indexes.get(log) ?? []
        return (list[firstAtLeast(list, from)] ?? Number.POSITIVE_INFINITY) < to
      }),
    )
  }

  save(): JsonValue {
    return [...this.#exports.values()] as unknown as JsonValue
  }

  load(saved: JsonValue | null): void {
    this.#exports.clear()
    for (const made of (saved ?? []) as unknown as HandedOut[]) this.#exports.set(made.id, made)
  }
}

/** Where in an ascending list the first number from `least` on is. */
function firstAtLeast(list: readonly number[], least: number): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as number) < least) low = middle + 1
    else high = middle
  }
  return low
}
