/** Date and time of RFC 3339 section 5.6, its offset required. */
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

/** Milliseconds since the epoch of a time somebody asks for, or null when it is no RFC 3339 time. */
export function instantOf(text: string): number | null {
  const ms = RFC3339.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}
