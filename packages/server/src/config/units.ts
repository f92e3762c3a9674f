const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
}

const ISO = /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/
const ISO_DAYS = [366, 31, 7, 1]
const ISO_MS = [DURATION_MS['h'] as number, DURATION_MS['m'] as number, DURATION_MS['s'] as number]

/**
 * Milliseconds of `500ms`, `30s`, `5m`, `12h`, `7d`, or an ISO 8601 duration such as `P30D` or `PT1H30M`; null when it is
 * neither. A year counts 366 days and a month 31: a period of retention is never shorter than the calendar's.
 */
export function parseDuration(text: string): number | null {
  const short = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (short !== null) return whole(Number(short[1]) * (DURATION_MS[short[2] as string] as number))
  const iso = ISO.exec(text)
  if (iso === null) return null
  let ms = 0
  ISO_DAYS.forEach((days, i) => (ms += Number(iso[i + 1] ?? 0) * days * (DURATION_MS['d'] as number)))
  ISO_MS.forEach((unit, i) => (ms += Number(iso[i + 5] ?? 0) * unit))
  return whole(ms)
}

/** Bytes of `64MiB`, `500kB`, `1024`; null when it is no size. */
export function parseSize(text: string): number | null {
  const parts = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|kB|MB|GB|)$/.exec(text)
  return parts === null ? null : whole(Number(parts[1]) * (SIZE_BYTES[parts[2] as string] as number))
}

function whole(value: number): number | null {
  const rounded = Math.round(value)
  return Number.isSafeInteger(rounded) ? rounded : null
}
