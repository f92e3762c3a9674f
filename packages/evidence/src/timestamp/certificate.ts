import { decodeLatin1 } from '../text.ts'
import { Cursor, derError, explicitTag, implicitTag, inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'
import { readName } from './name.ts'
import type { Name } from './name.ts'
import { algorithmOf, booleanOf, integerBytes, namedBits, oidOf, readSigned, smallNumber, timeOf } from './value.ts'
import type { Algorithm, Instant } from './value.ts'

export const EXT = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
} as const

/** RFC 5280 section 4.2: an extension that is critical and not understood refuses the certificate. Policies are, as none is asked for. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXT))

export const USAGE = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5, crlSign: 6 } as const
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
export const ANY_USAGE = '2.5.29.37.0'

export interface Extension {
  readonly critical: boolean
  readonly value: Uint8Array
}

/** An X.509 certificate, read and not yet believed. */
export interface Certificate {
  readonly der: Uint8Array
  /** What the issuer signed. */
  readonly signed: Uint8Array
  readonly signatureAlgorithm: Algorithm
  readonly signature: Uint8Array
  /** INTEGER content. */
  readonly serial: Uint8Array
  readonly issuer: Name
  readonly subject: Name
  readonly notBefore: Instant
  readonly notAfter: Instant
  readonly spki: Der
  readonly extensions: ReadonlyMap<string, Extension>
  /** OIDs of critical extensions that are not understood. */
  readonly notUnderstood: readonly string[]
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | null } | null
  /** Bit numbers, null when the extension is not there. */
  readonly keyUsage: readonly number[] | null
  readonly extKeyUsage: readonly string[] | null
  readonly keyId: Uint8Array | null
  readonly authorityKeyId: Uint8Array | null
}

/** Reads a certificate. attacker: its bytes. @throws EvidenceError DER_FORMAT */
export function readCertificate(bytes: Uint8Array): Certificate {
  const { signed, algorithm: outerAlgorithm, signature } = readSigned(bytes)

  const tbs = inside(signed)
  const version = tbs.optional(explicitTag(0))
  const serial = integerBytes(tbs.next())
  const innerAlgorithm = tbs.next(TAG.sequence)
  const issuer = readName(tbs.next(TAG.sequence))
  const validity = inside(tbs.next(TAG.sequence))
  const notBefore = timeOf(validity.next())
  const notAfter = timeOf(validity.next())
  validity.end()
  const subject = readName(tbs.next(TAG.sequence))
  const spki = tbs.next(TAG.sequence)
  tbs.optional(implicitTag(1))
  tbs.optional(implicitTag(2))
  const written = tbs.optional(explicitTag(3))
  tbs.end()
  // RFC 5280 section 4.1.1.2: the algorithm outside the signature must be the one inside.
  const algorithm = algorithmOf(innerAlgorithm)
  if (decodeLatin1(outerAlgorithm.whole) !== decodeLatin1(innerAlgorithm.whole)) throw derError('the two algorithms differ')
  // Version 3 (written as 2) is the only one with extensions; older ones cannot be told from authorities.
  const v3 = version !== null && smallNumber(readDer(version.body)) === 2
  const extensions = written !== null && v3 ? readExtensions(readDer(written.body, TAG.sequence)) : new Map<string, Extension>()
  return {
    der: bytes,
    signed: signed.whole,
    signatureAlgorithm: algorithm,
    signature,
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    spki,
    extensions,
    notUnderstood: [...extensions].filter(([oid, { critical }]) => critical && !UNDERSTOOD.has(oid)).map(([oid]) => oid),
    basicConstraints: value(extensions, EXT.basicConstraints, readBasicConstraints),
    keyUsage: value(extensions, EXT.keyUsage, namedBits),
    extKeyUsage: value(extensions, EXT.extKeyUsage, (der) => inside(der).rest(64).map(oidOf)),
    keyId: value(extensions, EXT.subjectKeyIdentifier, ({ body }) => body),
    authorityKeyId: value(extensions, EXT.authorityKeyIdentifier, (der) => inside(der).optional(implicitTag(0))?.body ?? null),
  }
}

/** Extensions by OID. @throws EvidenceError DER_FORMAT, also for one that is there twice (RFC 5280 section 4.2) */
export function readExtensions(sequence: Der): Map<string, Extension> {
  const all = new Map<string, Extension>()
  for (const der of inside(sequence, sequence.tag).rest(64)) {
    const cursor = inside(der)
    const oid = oidOf(cursor.next())
    const critical = cursor.optional(TAG.boolean)
    const octets = cursor.next(TAG.octets)
    cursor.end()
    if (all.has(oid)) throw derError('an extension is there twice')
    all.set(oid, { critical: critical !== null && booleanOf(critical), value: octets.body })
  }
  return all
}

/** http(s) addresses of the certificate's revocation lists, in the order written. attacker: whoever was certified chose none, the issuer did. */
export function crlAddresses(certificate: Certificate): string[] {
  const points = value(certificate.extensions, EXT.crlDistributionPoints, (der) => inside(der).rest(16))
  return (points ?? []).flatMap((point) => {
    const name = inside(point).optional(explicitTag(0))
    return name === null ? [] : addressesOf(name)
  })
}

/** Addresses in a DistributionPointName: fullName [0] with uniformResourceIdentifier [6]. */
export function addressesOf(distributionPointName: Der): string[] {
  const full = inside(distributionPointName, explicitTag(0)).optional(explicitTag(0))
  if (full === null) return []
  return new Cursor(full.body)
    .rest(16)
    .filter(({ tag }) => tag === implicitTag(6))
    .map(({ body }) => decodeLatin1(body))
    .filter((text) => /^https?:\/\/[\x21-\x7e]{1,2000}$/i.test(text))
}

function readBasicConstraints(der: Der): { ca: boolean; pathLength: number | null } {
  const cursor = inside(der)
  const ca = cursor.optional(TAG.boolean)
  const pathLength = cursor.optional(TAG.integer)
  cursor.end()
  return { ca: ca !== null && booleanOf(ca), pathLength: pathLength === null ? null : smallNumber(pathLength) }
}

function value<T>(extensions: ReadonlyMap<string, Extension>, oid: string, read: (der: Der) => T): T | null {
  const extension = extensions.get(oid)
  return extension === undefined ? null : read(readDer(extension.value))
}
