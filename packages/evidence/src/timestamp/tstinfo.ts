import { derError, explicitTag, implicitTag, inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'
import { readExtensions } from './certificate.ts'
import { algorithmOf, booleanOf, fractionalTimeOf, integerBytes, numberOf, oidOf, smallNumber, unsignedBytes } from './value.ts'
import type { Algorithm, Instant } from './value.ts'

/** What an authority signs, RFC 3161 section 2.4.2. */
export interface TstInfo {
  readonly policy: string
  readonly hashAlgorithm: Algorithm
  readonly imprint: Uint8Array
  /** INTEGER content. */
  readonly serial: Uint8Array
  readonly genTime: Instant
  /** Milliseconds; null when left out. */
  readonly accuracyMs: number | null
  /** Magnitude without leading zeros; null when left out. */
  readonly nonce: Uint8Array | null
  /** GeneralName of the authority; null when left out. */
  readonly tsa: Der | null
}

/** @throws EvidenceError DER_FORMAT */
export function readTstInfo(bytes: Uint8Array): TstInfo {
  const cursor = inside(readDer(bytes, TAG.sequence))
  if (smallNumber(cursor.next()) !== 1) throw derError('version')
  const policy = oidOf(cursor.next())
  const messageImprint = inside(cursor.next(TAG.sequence))
  const hashAlgorithm = algorithmOf(messageImprint.next())
  const imprint = messageImprint.next(TAG.octets).body
  messageImprint.end()
  const serial = integerBytes(cursor.next())
  const genTime = fractionalTimeOf(cursor.next())
  const accuracy = cursor.optional(TAG.sequence)
  const ordering = cursor.optional(TAG.boolean)
  if (ordering !== null) booleanOf(ordering)
  const nonce = cursor.optional(TAG.integer)
  const tsa = cursor.optional(explicitTag(0))
  const extensions = cursor.optional(explicitTag(1))
  cursor.end()
  // [1] is IMPLICIT: its content is that of Extensions itself.
  if (extensions !== null && [...readExtensions(extensions).values()].some(({ critical }) => critical)) throw derError('a critical extension is not understood')
  return {
    policy,
    hashAlgorithm,
    imprint,
    serial,
    genTime,
    accuracyMs: accuracy === null ? null : readAccuracy(accuracy),
    nonce: nonce === null ? null : unsignedBytes(nonce),
    tsa: tsa === null ? null : readDer(tsa.body),
  }
}

/** seconds, millis [0] and micros [1], each 1..999 where it is there. */
function readAccuracy(der: Der): number {
  const cursor = inside(der)
  const seconds = cursor.optional(TAG.integer)
  const parts = [cursor.optional(implicitTag(0)), cursor.optional(implicitTag(1))].map((part) => {
    if (part === null) return 0
    const number = numberOf(part.body)
    if (number < 1 || number > 999) throw derError('accuracy')
    return number
  })
  cursor.end()
  return (seconds === null ? 0 : smallNumber(seconds) * 1000) + (parts[0] as number) + (parts[1] as number) / 1000
}
