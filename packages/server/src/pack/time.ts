import type { JsonValue } from '../event/json.ts'

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/
/** The years 0000-9999, which RFC 3339 can write. */
const MIN = -62_167_219_200_000
const MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

export interface EventTime {
  /** ms since the epoch, NaN for none. */
  readonly ms: number
  /** RFC 3339 in UTC with ms, null for none. */
  readonly text: string | null
}

const NONE: EventTime = { ms: Number.NaN, text: null }

/** Reads epoch milliseconds or RFC 3339 text; null is no time. @returns null when the value is neither. */
export function readTime(value: JsonValue): EventTime | null {
  if (value === null) return NONE
  let ms: number
  if (typeof value === 'number') ms = Math.trunc(value)
  else if (typeof value === 'string' && RFC3339.test(value)) ms = Date.parse(value.replace(' ', 'T'))
  else return null
  if (!(ms >= MIN && ms <= MAX)) return null
  return { ms, text: new Date(ms).toISOString() }
}
