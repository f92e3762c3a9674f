import { decodeLatin1, decodeUtf8 } from './text.ts'
import type { JsonProblem } from './ijson.ts'

/**
 * The first grammar error or duplicate key in these bytes, with its byte offset; null when there is none. The slow
 * companion of `parseIJson`, run only on input already known to be bad. JSON.parse's own message quotes the input, so it
 * is never used. A strict reading of RFC 8259 without recursion, UTF-8 included.
 */
export function findProblem(bytes: Uint8Array): JsonProblem | null {
  /** Per open array null, per open object the keys seen. */
  const open: Array<Set<string> | null> = []
  let duplicate: JsonProblem | null = null
  let at = 0
  /** What may come: a value, a value or the end of an array, a key, a key or the end of an object, or what follows a value. */
  let want: 'value' | 'first' | 'key' | 'firstKey' | 'after' = 'value'

  const broken = (what: string): JsonProblem => ({ code: 'NOT_JSON', message: `${what} at byte ${at}` })

  for (;;) {
    at = skipSpace(bytes, at)
    const byte = bytes[at]
    if (want === 'after') {
      if (open.length === 0) return byte === undefined ? duplicate : broken('text after the value')
      const keys = open[open.length - 1] as Set<string> | null
      if (byte === 0x2c) {
        want = keys === null ? 'value' : 'key'
        at++
      } else if (byte === (keys === null ? 0x5d : 0x7d)) {
        open.pop()
        at++
      } else return broken(byte === undefined ? 'the text ends early' : 'unexpected byte')
      continue
    }
    if (byte === undefined) return broken('the text ends early')
    if (want === 'key' || want === 'firstKey') {
      if (byte === 0x7d && want === 'firstKey') {
        open.pop()
        at++
        want = 'after'
        continue
      }
      const end = byte === 0x22 ? stringEnd(bytes, at) : -1
      if (end < 0) return broken('no key')
      const key = readString(bytes, at, end)
      if (key === null) return broken('not UTF-8 in the string')
      const keys = open[open.length - 1] as Set<string>
      if (keys.has(key)) duplicate ??= { code: 'NOT_I_JSON', message: `duplicate key at byte ${at}` }
      keys.add(key)
      at = skipSpace(bytes, end)
      if (bytes[at] !== 0x3a) return broken('no colon')
      at++
      want = 'value'
      continue
    }
    if (byte === 0x5d && want === 'first') {
      open.pop()
      at++
      want = 'after'
    } else if (byte === 0x7b || byte === 0x5b) {
      open.push(byte === 0x7b ? new Set() : null)
      want = byte === 0x7b ? 'firstKey' : 'first'
      at++
    } else {
      const end = byte === 0x22 ? stringEnd(bytes, at) : literalEnd(bytes, at)
      if (end < 0) return broken(byte === 0x22 ? 'malformed string' : 'no JSON value')
      if (byte === 0x22 && readString(bytes, at, end) === null) return broken('not UTF-8 in the string')
      at = end
      want = 'after'
    }
  }
}

function skipSpace(bytes: Uint8Array, at: number): number {
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++
  return at
}

/** Offset behind the closing quote, or -1 when the string is malformed. */
function stringEnd(bytes: Uint8Array, at: number): number {
  for (let i = at + 1; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte === 0x22) return i + 1
    if (byte < 0x20) return -1
    if (byte === 0x5c) i++
  }
  return -1
}

function readString(bytes: Uint8Array, at: number, end: number): string | null {
  const text = decodeUtf8(bytes.subarray(at, end))
  if (text === null) return null
  try {
    return JSON.parse(text) as string
  } catch {
    return null
  }
}

/** Offset behind a number, true, false or null; -1 when there is none. */
function literalEnd(bytes: Uint8Array, at: number): number {
  let end = at
  while (end < bytes.length && isWordByte(bytes[end] as number)) end++
  const word = decodeLatin1(bytes.subarray(at, end))
  return /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?)$/.test(word) ? end : -1
}

function isWordByte(byte: number): boolean {
  const lower = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x7a) || byte === 0x2b || byte === 0x2d || byte === 0x2e
}
