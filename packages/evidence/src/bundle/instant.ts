/** Instants without a clock and without `Date`: days are counted by the civil calendar (Hinnant, days_from_civil). */

/** Milliseconds since 1970 of an RFC 3339 time; null when it is none. A leap second counts as the next second. */
export function parseInstant(text: string): number | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text)
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const offset = match[8] === undefined ? 0 : (match[8] === '-' ? -1 : 1) * (Number(match[9]) * 60 + Number(match[10]))
  const seconds = daysOf(year, month, day) * 86_400 + hour * 3_600 + (minute - offset) * 60 + second
  return seconds * 1_000 + Math.floor(Number(match[7] ?? 0) * 1_000)
}

/** RFC 3339 in UTC of seconds since 1970; beyond the year 9999 the number itself. */
export function formatSeconds(seconds: bigint): string {
  if (seconds > 253_402_300_799n) return `${seconds} s`
  const whole = Number(seconds)
  const [year, month, day] = civil(Math.floor(whole / 86_400))
  const rest = whole % 86_400
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(Math.floor(rest / 3_600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}Z`
}

/** A time in whole seconds, up, that is surely not before `time`, given how far that may be off, in ms; as it is when nothing is to be added. */
export function latestOf(time: string, accuracyMs: number | null): string {
  const ms = parseInstant(time)
  if (ms === null || ((accuracyMs ?? 0) <= 0 && !time.includes('.'))) return time
  // One ms more for what parseInstant leaves out.
  return formatSeconds(BigInt(Math.ceil((ms + Math.max(0, accuracyMs ?? 0) + (/\.\d{4}/.test(time) ? 1 : 0)) / 1_000)))
}

function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function civil(days: number): [number, number, number] {
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1]
}
