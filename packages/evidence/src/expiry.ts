import type { JsonObject, JsonValue } from './json.ts'

/** A range of records of one log whose segments were removed because their time was over. */
export interface ExpiredRange {
  readonly log: string
  /** Index of its first record. */
  readonly from: number
  /** Behind its last record. */
  readonly to: number
  /** Retention class it expired under. */
  readonly class: string
  /** RFC 3339: when the expiry was sealed, before anything was removed. */
  readonly on: string
  /** Names (`<first>-<32 hex>`) of the objects that keep records of it; their keys are `<log>/kept/<name>`. */
  readonly kept: readonly string[]
}

/** CloudEvents type of the record in the log `system` that names what is about to be removed, sealed first. */
export const EXPIRY_TYPE = 'sealtrail.system.expiry'

const CLASS = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const KEPT = /^\d{20}-[0-9a-f]{32}$/
const MAX_KEPT = 1000

/** The data of such a record. */
export function expiryData({ log, from, to, class: name, kept }: Omit<ExpiredRange, 'on'>): JsonObject {
  return { class: name, from, kept: [...kept], log, to }
}

/** What such a record says, or null when it is none. attacker: whoever can write to the log `system`; checked here is the form only. */
export function readExpiry(record: { readonly type: string; readonly time: string | null; readonly data: JsonValue }): ExpiredRange | null {
  const { type, time, data } = record
  if (type !== EXPIRY_TYPE || time === null || typeof data !== 'object' || data === null || Array.isArray(data)) return null
  const { log, from, to, class: name, kept } = data
  if (typeof log !== 'string' || typeof name !== 'string' || !CLASS.test(name)) return null
  if (!isIndex(from) || !isIndex(to) || from >= to || !Array.isArray(kept) || kept.length > MAX_KEPT) return null
  const names: string[] = []
  for (const each of kept) {
    if (typeof each !== 'string' || !KEPT.test(each)) return null
    names.push(each)
  }
  return { log, from, to, class: name, on: time, kept: names }
}

function isIndex(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
