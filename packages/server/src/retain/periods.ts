import type { RecordFields } from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { FoldPart } from './fold.ts'

/** The retention that the last start sealed: what later configurations are held against. */
export class Periods implements FoldPart {
  readonly name = 'periods'
  readonly version = 1
  readonly types: readonly string[] = ['sealtrail.system.start']
  #last: JsonObject | null = null

  /** `{tenant, trails: {name: {retain}}}` as it was sealed, unchecked; null before the first start. */
  get last(): JsonObject | null {
    return this.#last
  }

  take({ data }: RecordFields): void {
    const { tenant, trails } = (data['config'] ?? {}) as JsonObject
    if (typeof trails !== 'object' || trails === null || Array.isArray(trails)) return
    const kept = Object.entries(trails).map(([name, trail]): [string, JsonValue] => [name, { retain: (trail as JsonObject)['retain'] ?? null }])
    this.#last = { tenant: tenant ?? null, trails: Object.fromEntries(kept) }
  }

  save(): JsonValue {
    return this.#last
  }

  load(saved: JsonValue | null): void {
    this.#last = saved as JsonObject | null
  }
}
