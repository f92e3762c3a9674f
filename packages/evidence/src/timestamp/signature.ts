import { HASHES, subtle } from './crypto.ts'
import type { HashName } from './crypto.ts'
import { encodeDer, explicitTag, inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'
import { algorithmOf, encodeOid, octetsOfBits, oidOf, smallNumber, unsignedBytes } from './value.ts'
import type { Algorithm } from './value.ts'

const RSA = '1.2.840.113549.1.1.1'
const PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'
const EC = '1.2.840.10045.2.1'
/** Signature algorithms that name their hash. RFC 5754, RFC 5758. */
const NAMED: Readonly<Record<string, readonly ['rsa' | 'ec', HashName]>> = {
  '1.2.840.113549.1.1.11': ['rsa', 'SHA-256'],
  '1.2.840.113549.1.1.12': ['rsa', 'SHA-384'],
  '1.2.840.113549.1.1.13': ['rsa', 'SHA-512'],
  '1.2.840.10045.4.3.2': ['ec', 'SHA-256'],
  '1.2.840.10045.4.3.3': ['ec', 'SHA-384'],
  '1.2.840.10045.4.3.4': ['ec', 'SHA-512'],
}
const CURVES: Readonly<Record<string, readonly [string, number]>> = {
  '1.2.840.10045.3.1.7': ['P-256', 32],
  '1.3.132.0.34': ['P-384', 48],
  '1.3.132.0.35': ['P-521', 66],
}
const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 16_384

/** `weak`: an algorithm, hash or key that is not accepted (unknown, SHA-1, short), whatever the signature. */
export type Checked = 'good' | 'bad' | 'weak'

/**
 * Checks a signature with a SubjectPublicKeyInfo. `digestHash` is the hash of a CMS signer whose signature algorithm does
 * not name one (plain rsaEncryption, RFC 5754 section 3.2). attacker: all of it. Never throws for it.
 */
export async function checkSignature(spki: Der, algorithm: Algorithm, signature: Uint8Array, data: Uint8Array, digestHash?: HashName): Promise<Checked> {
  let scheme: Scheme | null
  let key: PublicKey | null
  try {
    scheme = schemeOf(algorithm, digestHash)
    key = publicKey(spki)
  } catch {
    return 'bad'
  }
  if (scheme === null || key === null || key.kind !== scheme.kind) return 'weak'
  // RFC 8017 appendix A.2.3: a key bound to PSS signs nothing else.
  if (key.pssOnly && scheme.saltLength === null) return 'weak'
  const raw = key.kind === 'ec' ? rawEcdsa(signature, key.size) : signature
  if (raw === null) return 'bad'
  const name = key.kind === 'ec' ? 'ECDSA' : scheme.saltLength === null ? 'RSASSA-PKCS1-v1_5' : 'RSA-PSS'
  try {
    const imported = await subtle().importKey('spki', key.spki, { name, hash: scheme.hash, namedCurve: key.curve }, false, ['verify'])
    const good = await subtle().verify({ name, hash: scheme.hash, saltLength: scheme.saltLength ?? undefined }, imported, raw, data)
    return good ? 'good' : 'bad'
  } catch {
    // A point off the curve, an even exponent: no key at all.
    return 'bad'
  }
}

interface Scheme {
  readonly kind: 'rsa' | 'ec'
  readonly hash: HashName
  /** RSASSA-PSS only. */
  readonly saltLength: number | null
}

function schemeOf({ oid, parameters }: Algorithm, digestHash?: HashName): Scheme | null {
  if (oid === PSS) return pssScheme(parameters)
  // None of these has parameters (RFC 5758 section 3.2), but NULL, which is taken for none.
  if (parameters !== null) return null
  if (oid === RSA) return digestHash === undefined ? null : { kind: 'rsa', hash: digestHash, saltLength: null }
  const named = NAMED[oid]
  return named === undefined ? null : { kind: named[0], hash: named[1], saltLength: null }
}

/** RFC 4055 section 3.1: every default is SHA-1, so all must be written. */
function pssScheme(parameters: Der | null): Scheme | null {
  if (parameters === null) return null
  const cursor = inside(parameters)
  const hash = cursor.optional(explicitTag(0))
  const mask = cursor.optional(explicitTag(1))
  const salt = cursor.optional(explicitTag(2))
  const trailer = cursor.optional(explicitTag(3))
  cursor.end()
  if (hash === null || mask === null || salt === null) return null
  const hashName = HASHES[algorithmOf(readDer(hash.body)).oid]
  const generator = algorithmOf(readDer(mask.body))
  const maskName = generator.oid === MGF1 && generator.parameters !== null ? HASHES[algorithmOf(generator.parameters).oid] : undefined
  const saltLength = smallNumber(readDer(salt.body))
  if (trailer !== null && smallNumber(readDer(trailer.body)) !== 1) return null
  // Web Crypto knows no other hash for the mask.
  return hashName === undefined || maskName !== hashName || saltLength > 512 ? null : { kind: 'rsa', hash: hashName, saltLength }
}

interface PublicKey {
  readonly kind: 'rsa' | 'ec'
  readonly spki: Uint8Array
  readonly pssOnly: boolean
  readonly curve: string | undefined
  /** Octets of a coordinate. */
  readonly size: number
}

function publicKey(spki: Der): PublicKey | null {
  const cursor = inside(spki)
  const { oid, parameters } = algorithmOf(cursor.next())
  const bits = cursor.next(TAG.bits)
  cursor.end()
  if (oid === EC) {
    const curve = parameters === null ? undefined : CURVES[oidOf(parameters)]
    return curve === undefined ? null : { kind: 'ec', spki: spki.whole, pssOnly: false, curve: curve[0], size: curve[1] }
  }
  if (oid !== RSA && oid !== PSS) return null
  const rsa = inside(readDer(octetsOfBits(bits), TAG.sequence))
  const modulus = unsignedBytes(rsa.next())
  const exponent = unsignedBytes(rsa.next())
  rsa.end()
  const size = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1
  if (size < MIN_RSA_BITS || size > MAX_RSA_BITS || exponent.length > 4 || !odd || (exponent.length === 1 && exponent[0] === 1)) return null
  // Web Crypto imports RSA keys under the plain identifier only.
  const plain = encodeDer(TAG.sequence, encodeDer(TAG.sequence, encodeOid(RSA), Uint8Array.of(TAG.null, 0)), bits.whole)
  return { kind: 'rsa', spki: plain, pssOnly: oid === PSS, curve: undefined, size: 0 }
}

/** r and s one after the other, as Web Crypto wants them; null when they are no ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
function rawEcdsa(signature: Uint8Array, size: number): Uint8Array | null {
  try {
    const cursor = inside(readDer(signature, TAG.sequence))
    const numbers = [unsignedBytes(cursor.next()), unsignedBytes(cursor.next())]
    cursor.end()
    if (numbers.some((number) => number.length > size)) return null
    const raw = new Uint8Array(2 * size)
    numbers.forEach((number, i) => raw.set(number, (i + 1) * size - number.length))
    return raw
  } catch {
    return null
  }
}
