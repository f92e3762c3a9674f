import { derError, encodeDer, explicitTag, implicitTag, inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'
import { readName } from './name.ts'
import { algorithmOf, integerBytes, oidOf, smallNumber } from './value.ts'
import type { Algorithm } from './value.ts'

const SIGNED_DATA = '1.2.840.113549.1.7.2'
export const TST_INFO = '1.2.840.113549.1.9.16.1.4'
/** More are in no honest token; each costs an attempt to read it. */
const MAX_CERTIFICATES = 24

/** The SignedData of a time-stamp token, read and not yet believed. RFC 5652 section 5. */
export interface SignedToken {
  /** DER of the TSTInfo, as signed. */
  readonly content: Uint8Array
  readonly contentType: string
  /** DER of the certificates enclosed; other kinds are left out. */
  readonly certificates: readonly Uint8Array[]
  /** DER of the revocation lists enclosed. */
  readonly crls: readonly Uint8Array[]
  readonly digestAlgorithm: Algorithm
  readonly signatureAlgorithm: Algorithm
  readonly signature: Uint8Array
  /** What the signature is over: the signed attributes as a SET OF. */
  readonly signed: Uint8Array
  /** Values by attribute type. */
  readonly attributes: ReadonlyMap<string, readonly Der[]>
  readonly signer: SignerId
}

/** How a SignerInfo names its certificate. */
export type SignerId = { readonly issuer: string; readonly serial: Uint8Array } | { readonly keyId: Uint8Array }

/** Reads a token whose lengths are definite. @throws EvidenceError DER_FORMAT */
export function readToken(bytes: Uint8Array): SignedToken {
  const outer = inside(readDer(bytes, TAG.sequence))
  if (oidOf(outer.next()) !== SIGNED_DATA) throw derError('not signed data')
  const wrapped = outer.next(explicitTag(0))
  outer.end()
  const data = inside(readDer(wrapped.body, TAG.sequence))
  if (smallNumber(data.next()) > 5) throw derError('version')
  const announced = inside(data.next(TAG.set), TAG.set)
    .rest(8)
    .map((der) => algorithmOf(der).oid)
  const encapsulated = inside(data.next(TAG.sequence))
  const contentType = oidOf(encapsulated.next())
  const content = readDer(encapsulated.next(explicitTag(0)).body, TAG.octets).body
  encapsulated.end()
  const certificates = data.optional(explicitTag(0))
  const crls = data.optional(explicitTag(1))
  const signers = inside(data.next(TAG.set), TAG.set).rest(2)
  data.end()
  // RFC 3161 section 2.4.2: no signatures but the authority's.
  if (signers.length !== 1) throw derError('a token has one signer')
  const signer = readSigner(signers[0] as Der)
  // RFC 5652 section 5.1: a digest that is not announced may be refused, and `openssl` does.
  if (!announced.includes(signer.digestAlgorithm.oid)) throw derError('the digest algorithm is not announced')
  return {
    content,
    contentType,
    certificates: sequencesIn(certificates),
    crls: sequencesIn(crls),
    ...signer,
  }
}

function sequencesIn(set: Der | null): Uint8Array[] {
  if (set === null) return []
  return inside(set, set.tag)
    .rest(MAX_CERTIFICATES)
    .filter(({ tag }) => tag === TAG.sequence)
    .map(({ whole }) => whole)
}

type SignerInfo = Pick<SignedToken, 'digestAlgorithm' | 'signatureAlgorithm' | 'signature' | 'signed' | 'attributes' | 'signer'>

function readSigner(der: Der): SignerInfo {
  const cursor = inside(readDer(der.whole, TAG.sequence))
  if (smallNumber(cursor.next()) > 5) throw derError('version')
  const signer = readSignerId(cursor.next())
  const digestAlgorithm = algorithmOf(cursor.next())
  const attributes = cursor.next(explicitTag(0))
  const signatureAlgorithm = algorithmOf(cursor.next())
  const signature = cursor.next(TAG.octets).body
  // Unsigned attributes prove nothing and are not looked at.
  cursor.optional(explicitTag(1))
  cursor.end()
  return {
    signer,
    digestAlgorithm,
    signatureAlgorithm,
    signature,
    // RFC 5652 section 5.4: signed as an explicit SET OF, not under the tag it stands under.
    signed: encodeDer(TAG.set, attributes.body),
    attributes: readAttributes(attributes),
  }
}

function readSignerId(der: Der): SignerId {
  if (der.tag === implicitTag(0)) return { keyId: der.body }
  const cursor = inside(readDer(der.whole, TAG.sequence))
  const issuer = readName(cursor.next()).key
  const serial = integerBytes(cursor.next())
  cursor.end()
  return { issuer, serial }
}

/** RFC 5652 section 5.3: an attribute type is there once at most. */
function readAttributes(der: Der): Map<string, readonly Der[]> {
  const all = new Map<string, readonly Der[]>()
  for (const attribute of inside(der, explicitTag(0)).rest(64)) {
    const cursor = inside(attribute)
    const type = oidOf(cursor.next())
    const values = inside(cursor.next(TAG.set), TAG.set).rest(16)
    cursor.end()
    if (all.has(type)) throw derError('an attribute is there twice')
    all.set(type, values)
  }
  return all
}
