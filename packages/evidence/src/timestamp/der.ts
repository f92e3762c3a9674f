import { EvidenceError } from '../errors.ts'

/**
 * One element of DER (ITU-T X.690): identifier octet, length, content.
 * attacker: everything read here comes from whoever made the token; lengths are checked before anything is sliced.
 */
export interface Der {
  /** Identifier octet: class, constructed bit and number (below 31; others are refused). */
  readonly tag: number
  /** The whole element. */
  readonly whole: Uint8Array
  readonly body: Uint8Array
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Context tag [n]: `0xa0 + n` constructed, `0x80 + n` primitive. */
export const explicitTag = (n: number): number => 0xa0 + n
export const implicitTag = (n: number): number => 0x80 + n

export function derError(what: string): EvidenceError {
  return new EvidenceError('DER_FORMAT', what)
}

/** The one element the bytes consist of. @throws EvidenceError DER_FORMAT, also for bytes behind it. */
export function readDer(bytes: Uint8Array, tag?: number): Der {
  const cursor = new Cursor(bytes)
  const der = cursor.next(tag)
  cursor.end()
  return der
}

/** The elements inside a SEQUENCE, or inside an element of the tag given. @throws EvidenceError DER_FORMAT */
export function inside(der: Der, tag: number = TAG.sequence): Cursor {
  if (der.tag !== tag || (tag & 0x20) === 0) throw derError('a constructed element of another type is needed')
  return new Cursor(der.body)
}

/** Reads elements that follow one another; every method throws EvidenceError DER_FORMAT. */
export class Cursor {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  next(tag?: number): Der {
    const { bytes, start, bodyStart, end } = header(this.#bytes, this.#at)
    const found = bytes[start] as number
    if (tag !== undefined && found !== tag) throw derError('an element of another type is needed')
    this.#at = end
    return { tag: found, whole: bytes.subarray(start, end), body: bytes.subarray(bodyStart, end) }
  }

  /** The next element if it has this tag, else null. */
  optional(tag: number): Der | null {
    return !this.done && this.#bytes[this.#at] === tag ? this.next(tag) : null
  }

  /** All that is left, at most `most`. */
  rest(most: number): Der[] {
    const all: Der[] = []
    while (!this.done) {
      if (all.length === most) throw derError('too many elements')
      all.push(this.next())
    }
    return all
  }

  end(): void {
    if (!this.done) throw derError('there is more than expected')
  }
}

function header(bytes: Uint8Array, start: number): { bytes: Uint8Array; start: number; bodyStart: number; end: number } {
  const { bodyStart, length } = lengthAt(bytes, start)
  // Indefinite lengths are no DER; `toDefinite` takes them away where CMS allows them.
  if (length === null) throw derError('indefinite length')
  const end = bodyStart + length
  if (end > bytes.length) throw derError('cut off')
  return { bytes, start, bodyStart, end }
}

function lengthAt(bytes: Uint8Array, start: number): { bodyStart: number; length: number | null } {
  if (start + 2 > bytes.length) throw derError('cut off')
  if (((bytes[start] as number) & 0x1f) === 0x1f) throw derError('long tags do not occur here')
  const first = bytes[start + 1] as number
  if (first < 0x80) return { bodyStart: start + 2, length: first }
  if (first === 0x80) return { bodyStart: start + 2, length: null }
  const count = first & 0x7f
  if (count > 4 || start + 2 + count > bytes.length) throw derError('length')
  let length = 0
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + 2 + i] as number)
  // X.690 10.1: the length takes the fewest octets.
  if (length < 0x80 || length < 256 ** (count - 1)) throw derError('length not in its shortest form')
  return { bodyStart: start + 2 + count, length }
}

const MAX_DEPTH = 24
const MAX_ELEMENTS = 20_000

/**
 * The same element with definite lengths and whole octet strings. CMS may be BER (RFC 5652 section 2): some authorities
 * stream their tokens. Bytes that are definite throughout come back as they are, so what is signed keeps its bytes.
 * @throws EvidenceError DER_FORMAT, also beyond 24 levels or 20,000 elements
 */
export function toDefinite(bytes: Uint8Array): Uint8Array {
  const left = { elements: MAX_ELEMENTS }
  const { whole, end } = definite(bytes, 0, 0, left)
  if (end !== bytes.length) throw derError('there is more than expected')
  return whole
}

function definite(bytes: Uint8Array, start: number, depth: number, left: { elements: number }): { whole: Uint8Array; end: number } {
  if (depth > MAX_DEPTH || left.elements-- === 0) throw derError('nested too deeply, or too many elements')
  const { bodyStart, length } = lengthAt(bytes, start)
  const tag = bytes[start] as number
  if ((tag & 0x20) === 0) {
    if (length === null) throw derError('indefinite length')
    if (bodyStart + length > bytes.length) throw derError('cut off')
    return { whole: bytes.subarray(start, bodyStart + length), end: bodyStart + length }
  }
  const limit = length === null ? bytes.length : bodyStart + length
  if (limit > bytes.length) throw derError('cut off')
  const parts: Uint8Array[] = []
  let at = bodyStart
  let changed = length === null || tag === (TAG.octets | 0x20)
  for (;;) {
    if (length === null) {
      if (at + 2 > limit) throw derError('cut off')
      if (bytes[at] === 0 && bytes[at + 1] === 0) break
    } else if (at === limit) break
    const part = definite(bytes.subarray(0, limit), at, depth + 1, left)
    changed ||= part.whole.length !== part.end - at
    parts.push(part.whole)
    at = part.end
  }
  const end = length === null ? at + 2 : limit
  if (!changed) return { whole: bytes.subarray(start, end), end }
  if (tag === (TAG.octets | 0x20)) return { whole: encodeDer(TAG.octets, ...parts.map((part) => readDer(part, TAG.octets).body)), end }
  return { whole: encodeDer(tag, ...parts), end }
}

/** An element with these bytes as content, one after another. */
export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const octets: number[] = []
  for (let left = length; left > 0 && length >= 0x80; left = Math.floor(left / 256)) octets.unshift(left % 256)
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets]
  const whole = new Uint8Array(head.length + length)
  whole.set(head)
  let at = head.length
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
