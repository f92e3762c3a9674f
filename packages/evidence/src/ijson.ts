import { isReservedKey } from './commitment.ts'
import { findProblem } from './ijson-problem.ts'
import type { JsonValue } from './json.ts'
import { decodeUtf8 } from './text.ts'

/**
 * Reading I-JSON (RFC 7493) from bytes a stranger sent.
 *
 * JSON.parse is the grammar. What it does not see is found beside it: one pass over the bytes (`scanJson`) checks numbers,
 * surrogates and depth and counts the colons outside strings, which are the members written; the parsed value shows how
 * many members survived. Fewer means that a key came twice, however it was spelled – a count is exact and keeps no keys.
 *
 * Numbers. A record must mean to every reader what the sender wrote, so what a double would silently change is no I-JSON here:
 *  - any number of magnitude above 2^53-1, whatever its spelling (RFC 7493 section 2.2: integers beyond are not exact);
 *  - more than 17 significant digits: no double ever printed them, so digits would be lost (`0.1` as `0.10000000000000001` passes);
 *  - a nonzero number that becomes 0.
 */
export interface JsonLimits {
  readonly maxBytes: number
  /** Greatest nesting of arrays and objects; 1 allows `[]` but not `[[]]`. */
  readonly maxDepth: number
}

export type JsonProblemCode = 'NOT_JSON' | 'NOT_I_JSON' | 'TOO_LARGE' | 'TOO_DEEP'

/** Names kind and byte offset, never content. */
export interface JsonProblem {
  readonly code: JsonProblemCode
  readonly message: string
}

export type JsonScan =
  /** `members` counts the members written in all objects; `ascii` says that no byte is above 0x7F. */
  { readonly ok: true; readonly ascii: boolean; readonly members: number } | { readonly ok: false; readonly problem: JsonProblem }

export type ParsedJson =
  /** `reserved` says that some object has a key of commitments (`...`, `_sd`, `_sd_alg`). */
  { readonly value: JsonValue; readonly reserved: boolean } | { readonly problem: JsonProblem }

/** 1 quote, 2 colon, 3 opens, 4 closes, 5 may start a number. */
const KIND = new Uint8Array(256)
for (const [text, kind] of [
  ['"', 1],
  [':', 2],
  ['[{', 3],
  [']}', 4],
  ['-0123456789', 5],
] as const) {
  for (const char of text) KIND[char.charCodeAt(0)] = kind
}
/** 1: a quote, a backslash or a byte beyond ASCII; everything else inside a string is passed over. */
const ENDS_RUN = new Uint8Array(256)
ENDS_RUN[0x22] = 1
ENDS_RUN[0x5c] = 1
ENDS_RUN.fill(1, 0x80)

/**
 * One pass over the bytes for what JSON.parse does not see: surrogates, numbers, depth, size. It does not check grammar
 * or UTF-8; for bytes that are no JSON its answer means nothing but "no problem of these kinds found".
 */
export function scanJson(bytes: Uint8Array, limits: JsonLimits): JsonScan {
  const end = bytes.length
  if (end > limits.maxBytes) return problem('TOO_LARGE', `${end} bytes; the most is ${limits.maxBytes}`)
  let members = 0
  let depth = 0
  let high = 0
  for (let i = 0; i < end; i++) {
    const byte = bytes[i] as number
    switch (KIND[byte]) {
      case 0:
        high |= byte
        break
      case 1: {
        // A string: run to its closing quote.
        for (i++; i < end; i++) {
          const inner = bytes[i] as number
          if (ENDS_RUN[inner] === 0) continue
          if (inner === 0x22) break
          if (inner !== 0x5c) {
            high |= inner
            continue
          }
          i++
          if (bytes[i] !== 0x75) continue
          const unit = hex4(bytes, i + 1)
          if (unit < 0xd800 || unit > 0xdfff) continue
          const low = bytes[i + 5] === 0x5c && bytes[i + 6] === 0x75 ? hex4(bytes, i + 7) : -1
          if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) return problem('NOT_I_JSON', `lone surrogate at byte ${i - 1}`)
          i += 10
        }
        break
      }
      case 2:
        members++
        break
      case 3:
        if (++depth > limits.maxDepth) return problem('TOO_DEEP', `nested deeper than ${limits.maxDepth} levels at byte ${i}`)
        break
      case 4:
        depth--
        break
      default: {
        const start = i
        while (i + 1 < end && isNumberByte(bytes[i + 1] as number)) i++
        // 15 bytes hold at most 15 digits; without exponent, such a number is exact or as near as a double comes.
        if (i - start >= 15 || hasExponent(bytes, start, i)) {
          const wrong = numberProblem(bytes, start, i + 1)
          if (wrong !== null) return problem('NOT_I_JSON', `${wrong} at byte ${start}`)
        }
      }
    }
  }
  return { ok: true, ascii: high < 0x80, members }
}

/** The value in these bytes, or what keeps them from being I-JSON within the limits. Never throws. */
export function parseIJson(bytes: Uint8Array, limits: JsonLimits): ParsedJson {
  const scan = scanJson(bytes, limits)
  if (!scan.ok) {
    // What the scan found may lie in bytes that are no JSON at all; then that is the problem to name.
    if (scan.problem.code !== 'NOT_I_JSON') return { problem: scan.problem }
    return { problem: findProblem(bytes) ?? scan.problem }
  }
  const text = decodeUtf8(bytes)
  if (text === null) return { problem: findProblem(bytes) ?? { code: 'NOT_JSON', message: 'not UTF-8' } }
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return { problem: findProblem(bytes) ?? { code: 'NOT_JSON', message: 'not JSON' } }
  }
  reserved = false
  if (countMembers(value) !== scan.members) {
    return { problem: findProblem(bytes) ?? { code: 'NOT_I_JSON', message: 'duplicate key' } }
  }
  return { value, reserved }
}

let reserved = false

/** Members of all objects within the value; notes on the way whether a key is reserved. */
function countMembers(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as JsonValue
      if (typeof item === 'object') count += countMembers(item)
    }
    return count
  }
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    count++
    const first = key.charCodeAt(0)
    if ((first === 0x5f || first === 0x2e) && isReservedKey(key)) reserved = true
    const member = value[key] as JsonValue
    if (typeof member === 'object') count += countMembers(member)
  }
  return count
}

function hasExponent(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i <= to; i++) if (((bytes[i] as number) | 0x20) === 0x65) return true
  return false
}

function isNumberByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2e || byte === 0x2b || byte === 0x2d || (byte | 0x20) === 0x65
}

/** What is wrong with the number in these bytes, or null. Bytes that are no number are left to JSON.parse. */
function numberProblem(bytes: Uint8Array, from: number, to: number): string | null {
  if (to - from > 1100) return 'number with too many digits'
  let text = ''
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number)
  const value = Number(text)
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return 'number beyond 2^53-1'
  if (value !== 0 && text.length <= 17) return null // attacker: a megabyte of `1e1,` must not cost a regular expression each
  const mantissa = text
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
  if (value === 0 && mantissa !== '') return 'number too small for a double'
  if (mantissa.replace(/0+$/, '').length > 17) return 'number with more digits than a double holds'
  return null
}

function hex4(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] ?? 0
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66 ? (byte | 0x20) - 0x57 : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

function problem(code: JsonProblemCode, message: string): { readonly ok: false; readonly problem: JsonProblem } {
  return { ok: false, problem: { code, message } }
}
