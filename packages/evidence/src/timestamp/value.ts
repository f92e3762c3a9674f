import { decodeLatin1, decodeUtf8 } from '../text.ts'
import { derError, encodeDer, inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'

// Values of DER elements. Every function throws EvidenceError DER_FORMAT for what is none.

/** Content of a non-empty INTEGER in its shortest form (X.690 8.3.2), two's complement. */
export function integerBytes(der: Der): Uint8Array {
  const { body } = der
  if (der.tag !== TAG.integer || body.length === 0) throw derError('an integer is needed')
  if (body.length > 1 && (body[0] === 0 ? (body[1] as number) < 0x80 : body[0] === 0xff && (body[1] as number) >= 0x80))
    throw derError('integer not in its shortest form')
  return body
}

/** Magnitude of an INTEGER that is not negative, without leading zeros. */
export function unsignedBytes(der: Der): Uint8Array {
  const bytes = integerBytes(der)
  if ((bytes[0] as number) >= 0x80) throw derError('a negative number')
  return withoutZeros(bytes)
}

/** A small number, 0..2^31-1. */
export function smallNumber(der: Der): number {
  return numberOf(unsignedBytes(der))
}

export function numberOf(bytes: Uint8Array): number {
  if (bytes.length > 4 || (bytes.length === 4 && (bytes[0] as number) >= 0x80)) throw derError('the number is too large')
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

export function withoutZeros(bytes: Uint8Array): Uint8Array {
  let from = 0
  while (from < bytes.length && bytes[from] === 0) from++
  return bytes.subarray(from)
}

/** X.690 11.1: DER knows one true. DEFAULT FALSE must not be written, and a written one is refused. */
export function booleanOf(der: Der): boolean {
  if (der.body.length !== 1 || (der.body[0] !== 0xff && der.body[0] !== 0)) throw derError('a boolean is needed')
  return der.body[0] === 0xff
}

/** Dotted OID. */
export function oidOf(der: Der): string {
  const { body } = der
  if (der.tag !== TAG.oid || body.length === 0 || body.length > 64 || (body.at(-1) as number) >= 0x80) throw derError('an object identifier is needed')
  const arcs: bigint[] = []
  let arc = 0n
  let fresh = true
  for (const byte of body) {
    if (fresh && byte === 0x80) throw derError('object identifier not in its shortest form')
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    fresh = byte < 0x80
    if (!fresh) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first, ...rest] = arcs as [bigint, ...bigint[]]
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n
  return [top, first - top * 40n, ...rest].join('.')
}

/** The OBJECT IDENTIFIER element of a dotted OID. @throws EvidenceError DER_FORMAT */
export function encodeOid(dotted: string): Uint8Array<ArrayBuffer> {
  if (!/^[0-2](?:\.(?:0|[1-9]\d{0,18}))+$/.test(dotted)) throw derError('not a dotted object identifier')
  const [top, second, ...rest] = dotted.split('.').map(BigInt) as [bigint, bigint, ...bigint[]]
  if (top < 2n && second > 39n) throw derError('not a dotted object identifier')
  const bytes = [top * 40n + second, ...rest].flatMap((arc) => {
    const groups = [Number(arc & 0x7fn)]
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80)
    return groups
  })
  return encodeDer(TAG.oid, Uint8Array.from(bytes))
}

/** The bytes of a BIT STRING of whole octets (keys, signatures). */
export function octetsOfBits(der: Der): Uint8Array {
  if (der.tag !== TAG.bits || der.body[0] !== 0) throw derError('a bit string of whole octets is needed')
  return der.body.subarray(1)
}

/** Numbers of the bits that are set in a named BIT STRING (key usage, failure info); at most 256 bits are looked at. */
export function namedBits(der: Der): number[] {
  if (der.tag !== TAG.bits || der.body.length === 0 || der.body.length > 33 || (der.body[0] as number) > 7) throw derError('a bit string is needed')
  const set: number[] = []
  der.body.subarray(1).forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (0x80 >> bit)) set.push(i * 8 + bit)
  })
  return set
}

/** What RFC 5280 signs: SEQUENCE { what is signed, the algorithm, the signature }; certificates and revocation lists are such. */
export function readSigned(bytes: Uint8Array): { readonly signed: Der; readonly algorithm: Der; readonly signature: Uint8Array } {
  const outer = inside(readDer(bytes, TAG.sequence))
  const signed = outer.next(TAG.sequence)
  const algorithm = outer.next(TAG.sequence)
  const signature = octetsOfBits(outer.next())
  outer.end()
  return { signed, algorithm, signature }
}

/** Algorithm and parameters; null when there are none or NULL stands in their place. */
export interface Algorithm {
  readonly oid: string
  readonly parameters: Der | null
}

export function algorithmOf(der: Der): Algorithm {
  const cursor = inside(der)
  if (der.tag !== TAG.sequence) throw derError('an algorithm is needed')
  const oid = oidOf(cursor.next())
  const parameters = cursor.done ? null : cursor.next()
  cursor.end()
  if (parameters?.tag === TAG.null && parameters.body.length > 0) throw derError('NULL has no content')
  return { oid, parameters: parameters?.tag === TAG.null ? null : parameters }
}

/** A point in time as DER writes it: ms since the epoch, and RFC 3339 text with the fraction as it stands. */
export interface Instant {
  readonly ms: number
  readonly text: string
}

/** Validity and revocation times: UTCTime, or GeneralizedTime without a fraction (RFC 5280 section 4.1.2.5). */
export function timeOf(der: Der): Instant {
  const text = decodeLatin1(der.body)
  if (der.tag === TAG.utcTime && /^\d{12}Z$/.test(text)) return instant(`${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`)
  if (der.tag === TAG.generalizedTime && /^\d{14}Z$/.test(text)) return instant(text)
  throw derError('a time is needed')
}

/** genTime: GeneralizedTime with a fraction that has no trailing zero (RFC 3161 section 2.4.2, X.690 11.7). */
export function fractionalTimeOf(der: Der): Instant {
  const text = decodeLatin1(der.body)
  if (der.tag !== TAG.generalizedTime || !/^\d{14}(?:\.\d{0,8}[1-9])?Z$/.test(text)) throw derError('a time is needed')
  return instant(text)
}

function instant(text: string): Instant {
  const [, year, month, day, hour, minute, second, fraction = ''] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(text) as string[]
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const seconds = Date.parse(`${iso}Z`)
  // Date.parse takes the 31st of every month, and hour 24.
  if (Number.isNaN(seconds) || new Date(seconds).toISOString().slice(0, 19) !== iso) throw derError('there is no such time')
  return { ms: seconds + Math.floor(Number(`0${fraction}`) * 1000), text: `${iso}${fraction}Z` }
}

/** Text of a string type, as far as it can be read; null for types that are none. */
export function stringOf(der: Der): string | null {
  switch (der.tag) {
    case TAG.utf8:
      return decodeUtf8(der.body)
    case 0x13: // PrintableString
    case 0x14: // TeletexString, in practice Latin-1
    case 0x16: // IA5String
    case 0x1a: // VisibleString
      return decodeLatin1(der.body)
    case 0x1e: {
      // BMPString
      let text = ''
      for (let i = 0; i + 1 < der.body.length; i += 2) text += String.fromCharCode(((der.body[i] as number) << 8) | (der.body[i + 1] as number))
      return text
    }
    default:
      return null
  }
}
