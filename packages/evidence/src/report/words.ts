/** 12345678 as `12,345,678`. */
export function count(n: number | bigint): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 record`, `3 records`. */
export function some(n: number, one: string, many: string = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** `a`, `a and b`, `a, b and c`; beyond `most`: `a, b and 7 more`. */
export function list(items: readonly string[], most = 4): string {
  const shown = items.length > most ? [...items.slice(0, most - 1), `${count(items.length - most + 1)} more`] : [...items]
  const last = shown.pop()
  if (last === undefined) return ''
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']

/** An RFC 3339 time as `1 March 2026, 09:01:05 UTC`; any other text as it is. Offsets are kept as they stand. */
export function moment(rfc3339: string): string {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(rfc3339)
  if (parts === null) return rfc3339
  const [, year, month, day, time, zone] = parts
  return `${Number(day)} ${MONTHS[Number(month) - 1] ?? month} ${year}, ${time} ${zone === 'Z' ? 'UTC' : `UTC${zone}`}`
}

/**
 * attacker: texts of records and names in keys. What could redraw a terminal or turn the order of a line around is shown as an escape.
 * @param lines the text is laid out: tabs and line feeds stay
 */
export function printable(text: string, lines = false): string {
  return text.replace(UNSHOWN, (c) => (lines && (c === '\t' || c === '\n') ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))
}

// eslint-disable-next-line no-control-regex -- they are what is looked for
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
