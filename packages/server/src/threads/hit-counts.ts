import type { JsonObject } from '../event/json.ts'
import type { Counter, Metrics } from '../observe/metrics.ts'
import type { Detected } from '../protect/detect.ts'
import type { Hit } from '../protect/walk.ts'
import { Tally } from './tally.ts'

/** How often detection found a kind of personal value in a field that a pack calls plain: what to correct in the pack. */
export interface HitCount {
  readonly trail: string
  /** `name@version`. */
  readonly pack: string
  /** Its path as the pack names it; `*` where the sender chose the name, `…` for fields beyond the first hundreds. */
  readonly field: string
  readonly kind: Detected
  readonly hits: number
}

/** Attacker: names nobody has listed are `*`, but nested as deep as the sender likes. */
const MAX_FIELD = 200
const MAX_FIELDS = 500
const OTHER = '…'

/** Hits of detection on one thread: a metric at once, and handed over for the hourly counts and the list of packs. Never a value. */
export class HitCounts {
  readonly #metric: Counter
  readonly #tally = new Tally()
  readonly #fields = new Set<string>()

  constructor(metrics: Metrics) {
    this.#metric = metrics.counter('sealtrail_detected_total', 'Personal values found in fields a pack calls plain, by field.', ['trail', 'path', 'kind'])
  }

  add(trail: string, pack: string, hits: readonly Hit[]): void {
    for (const { path, kind } of hits) {
      const field = this.#bounded(path)
      this.#metric.add(1, trail, field, kind)
      this.#tally.add(1, trail, pack, field, kind)
    }
  }

  handOver(take: (counts: HitCount[]) => Promise<void>): Promise<void> {
    return this.#tally.handOver(
      (hits, [trail, pack, field, kind]) => ({ trail: trail as string, pack: pack as string, field: field as string, kind: kind as Detected, hits }),
      take,
    )
  }

  #bounded(path: string): string {
    if (this.#fields.has(path)) return path
    if (path.length > MAX_FIELD || path.includes('\n') || this.#fields.size >= MAX_FIELDS) return OTHER
    this.#fields.add(path)
    return path
  }
}

/** The sum of counts, in the order of trail, pack, field and kind. */
export class HitTotals {
  readonly #all = new Map<string, { -readonly [K in keyof HitCount]: HitCount[K] }>()

  add(counts: readonly HitCount[]): void {
    for (const count of counts) {
      const key = [count.trail, count.pack, count.field, count.kind].join('\n')
      const known = this.#all.get(key)
      if (known === undefined) this.#all.set(key, { ...count })
      else known.hits += count.hits
    }
  }

  list(): HitCount[] {
    return [...this.#all.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => ({ ...count }))
  }
}

/** As a record and an answer show it. */
export function shownHit({ field, hits, kind }: HitCount): JsonObject {
  return { field, hits, kind }
}
