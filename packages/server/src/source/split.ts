/** A run of bytes [from, to) within a body. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** 1 quote, 2 opens, 3 closes, 4 comma. */
const KIND = new Uint8Array(256)
for (const [byte, kind] of [
  [0x22, 1],
  [0x5b, 2],
  [0x7b, 2],
  [0x5d, 3],
  [0x7d, 3],
  [0x2c, 4],
] as const) {
  KIND[byte] = kind
}

/**
 * Where the elements of a JSON array lie, without reading them: quotes, brackets and commas are enough, so a broken
 * element leaves its neighbours unharmed. Null when the bytes are no closed array; stops early at `most` + 1 elements.
 */
export function splitArray(body: Uint8Array, most: number): Span[] | null {
  let at = skipSpace(body, 0)
  if (body[at] !== 0x5b) return null
  const spans: Span[] = []
  let from = ++at
  let depth = 1
  const end = body.length
  for (; at < end; at++) {
    const kind = KIND[body[at] as number]
    if (kind === 0) continue
    if (kind === 1) {
      for (at++; at < end; at++) {
        const byte = body[at]
        if (byte === 0x22) break
        if (byte === 0x5c) at++
      }
    } else if (kind === 2) depth++
    else if (kind === 3) {
      if (--depth > 0) continue
      if (body[at] !== 0x5d || skipSpace(body, at + 1) !== end) return null
      const last = trim(body, from, at)
      if (last.to > last.from || spans.length > 0) spans.push(last)
      return spans
    } else if (depth === 1) {
      spans.push(trim(body, from, at))
      if (spans.length > most) return spans
      from = at + 1
    }
  }
  return null
}

/** The lines that are not blank, without their ends (LF or CR LF); stops early at `most` + 1. */
export function splitLines(body: Buffer, most: number): Span[] {
  const spans: Span[] = []
  for (let from = 0; from < body.length;) {
    const found = body.indexOf(0x0a, from)
    const to = found < 0 ? body.length : found
    const span = trim(body, from, to)
    if (span.to > span.from) spans.push(span)
    if (spans.length > most) break
    from = to + 1
  }
  return spans
}

/** The first offset from `at` that holds no JSON white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let i = at
  while (isSpace(bytes[i])) i++
  return i
}

function trim(bytes: Uint8Array, from: number, to: number): Span {
  let start = from
  let end = to
  while (start < end && isSpace(bytes[start])) start++
  while (end > start && isSpace(bytes[end - 1])) end--
  return { from: start, to: end }
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
