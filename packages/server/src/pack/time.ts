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
  return { ms, text: isoText(ms) }
}

const TWO = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))
let lastDay = Number.NaN
let date = ''

/** As `Date.toISOString`, 4 times faster where times are mostly of one day (measured: it was 15 % of mapping). */
export function isoText(ms: number): string {
  const day = Math.floor(ms / 86_400_000)
  if (day !== lastDay) {
    date = new Date(day * 86_400_000).toISOString().slice(0, 11)
    lastDay = day
  }
  const rest = ms - day * 86_400_000
  const thousandths = rest % 1000
  const seconds = (rest - thousandths) / 1000
  const minutes = Math.floor(seconds / 60)
  return `${date}${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}.${thousandths < 100 ? (thousandths < 10 ? '00' : '0') : ''}${thousandths}Z`
}
