// A time-stamping authority in memory, with a knob for every lie: makes certificates, lists and tokens with node:crypto.
// It writes with the package's own DER writer; `fixtures.json` and the service tests bring in other people's bytes.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { encodeDer, TAG } from '../../src/timestamp/der.ts'
import { encodeOid } from '../../src/timestamp/value.ts'

export const OID = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha512: '2.16.840.1.101.3.4.2.3',
  ecdsaSha1: '1.2.840.10045.4.1',
  ecdsaSha256: '1.2.840.10045.4.3.2',
  ecdsaSha384: '1.2.840.10045.4.3.3',
  rsa: '1.2.840.113549.1.1.1',
  rsaSha1: '1.2.840.113549.1.1.5',
  rsaSha256: '1.2.840.113549.1.1.11',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  codeSigning: '1.3.6.1.5.5.7.3.3',
} as const

export const seq = (...parts: Uint8Array[]): Uint8Array => encodeDer(TAG.sequence, ...parts)
export const set = (...parts: Uint8Array[]): Uint8Array => encodeDer(TAG.set, ...parts)
export const oid = (dotted: string): Uint8Array => encodeOid(dotted)
export const octets = (...bytes: Uint8Array[]): Uint8Array => encodeDer(TAG.octets, ...bytes)
export const context = (n: number, ...parts: Uint8Array[]): Uint8Array => encodeDer(0xa0 + n, ...parts)
export const int = (value: number | Uint8Array): Uint8Array => {
  let bytes =
    typeof value === 'number'
      ? Uint8Array.of(
          ...Buffer.from(
            value
              .toString(16)
              .padStart(2, '0')
              .replace(/^(?=(?:..)*.$)/, '0'),
            'hex',
          ),
        )
      : value
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1)
  return encodeDer(TAG.integer, (bytes[0] as number) >= 0x80 ? Uint8Array.of(0, ...bytes) : bytes)
}
const bits = (bytes: Uint8Array, unused = 0): Uint8Array => encodeDer(TAG.bits, Uint8Array.of(unused), bytes)
const yes = Uint8Array.of(TAG.boolean, 1, 0xff)
export const time = (ms: number): Uint8Array => encodeDer(TAG.generalizedTime, Buffer.from(stamp(ms)))
const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:T]/g, '').replace(/\.\d+/, '')
export const nameOf = (text: string): Uint8Array => seq(set(seq(oid('2.5.4.3'), encodeDer(TAG.utf8, Buffer.from(text)))))
export const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array => seq(oid(id), ...(critical ? [yes] : []), octets(value))
export const sha = (algorithm: string, data: Uint8Array): Uint8Array => createHash(algorithm).update(data).digest()

export interface Made {
  readonly der: Uint8Array
  readonly name: string
  readonly issuer: string
  readonly serial: number
  readonly key: KeyObject
  readonly spki: Uint8Array
}

export interface CertificateWish {
  name: string
  issuer: Made | null
  kind: 'ca' | 'tsa'
  notBefore: number
  notAfter: number
  keys?: 'ec' | 'ec384' | 'rsa' | 'rsa1024'
  /** The same key as this one's. */
  keyOf?: Made
  pathLength?: number
  ca?: boolean
  eku?: readonly string[]
  ekuCritical?: boolean
  /** Bytes of the key usage bit string. */
  keyUsage?: readonly [number, number] | null
  extensions?: readonly Uint8Array[]
  crl?: string
  signature?: string
}

let serials = 1000

export function makeCertificate(wish: CertificateWish): Made {
  const pair = wish.keyOf === undefined ? keyPair(wish.keys ?? 'ec') : { privateKey: wish.keyOf.key, spki: wish.keyOf.spki }
  const serial = ++serials
  const signer = wish.issuer?.key ?? pair.privateKey
  const algorithm = seq(oid(wish.signature ?? (signer.asymmetricKeyType === 'rsa' ? OID.rsaSha256 : OID.ecdsaSha256)))
  const ca = wish.ca ?? wish.kind === 'ca'
  const usage = wish.keyUsage === undefined ? (wish.kind === 'ca' ? ([0x06, 1] as const) : ([0x80, 7] as const)) : wish.keyUsage
  const eku = wish.eku ?? (wish.kind === 'tsa' ? [OID.timeStamping] : [])
  const extensions = [
    extension('2.5.29.19', true, seq(...(ca ? [yes] : []), ...(wish.pathLength === undefined ? [] : [int(wish.pathLength)]))),
    ...(usage === null ? [] : [extension('2.5.29.15', true, bits(Uint8Array.of(usage[0]), usage[1]))]),
    ...(eku.length === 0 ? [] : [extension('2.5.29.37', wish.ekuCritical ?? true, seq(...eku.map(oid)))]),
    ...(wish.crl === undefined ? [] : [extension('2.5.29.31', false, seq(seq(context(0, context(0, encodeDer(0x86, Buffer.from(wish.crl)))))))]),
    ...(wish.extensions ?? []),
  ]
  const tbs = seq(
    context(0, int(2)),
    int(serial),
    algorithm,
    nameOf(wish.issuer?.name ?? wish.name),
    seq(time(wish.notBefore), time(wish.notAfter)),
    nameOf(wish.name),
    pair.spki,
    context(3, seq(...extensions)),
  )
  const der = seq(tbs, algorithm, bits(sign(hashOf(wish.signature), tbs, signer)))
  return { der, name: wish.name, issuer: wish.issuer?.name ?? wish.name, serial, key: pair.privateKey, spki: pair.spki }
}

function keyPair(kind: 'ec' | 'ec384' | 'rsa' | 'rsa1024'): { privateKey: KeyObject; spki: Uint8Array } {
  const { privateKey, publicKey } = kind.startsWith('ec')
    ? generateKeyPairSync('ec', { namedCurve: kind === 'ec' ? 'P-256' : 'P-384' })
    : generateKeyPairSync('rsa', { modulusLength: kind === 'rsa' ? 2048 : 1024 })
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) }
}

const hashOf = (signature = ''): string =>
  signature === OID.ecdsaSha1 || signature === OID.rsaSha1 ? 'sha1' : signature === OID.ecdsaSha384 ? 'sha384' : 'sha256'

export interface CrlWish {
  issuer: Made
  thisUpdate: number
  nextUpdate: number | null
  revoked?: ReadonlyArray<{ certificate: Made; atMs: number; reason?: number }>
  extensions?: readonly Uint8Array[]
  signWith?: Made
}

export function makeCrl({ issuer, thisUpdate, nextUpdate, revoked = [], extensions = [], signWith = issuer }: CrlWish): Uint8Array {
  const algorithm = seq(oid(OID.ecdsaSha256))
  const entries = revoked.map(({ certificate, atMs, reason }) =>
    seq(int(certificate.serial), time(atMs), ...(reason === undefined ? [] : [seq(extension('2.5.29.21', false, Uint8Array.of(TAG.enumerated, 1, reason)))])),
  )
  const tbs = seq(
    int(1),
    algorithm,
    nameOf(issuer.name),
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(entries.length === 0 ? [] : [seq(...entries)]),
    ...(extensions.length === 0 ? [] : [context(0, seq(...extensions))]),
  )
  return seq(tbs, algorithm, bits(sign('sha256', tbs, signWith.key)))
}

export interface TokenWish {
  text: Uint8Array
  signer: Made
  genTimeMs: number
  /** Enclosed; the signer's alone when not given. */
  certificates?: readonly Uint8Array[]
  crls?: readonly Uint8Array[]
  nonce?: Uint8Array
  policy?: string
  version?: number
  imprint?: Uint8Array
  imprintAlgorithm?: string
  /** GeneralizedTime as written. */
  genTime?: string
  accuracy?: Uint8Array
  tsa?: Uint8Array
  infoExtensions?: readonly Uint8Array[]
  contentType?: string
  /** Attribute: content type; null leaves it out. */
  attributeType?: string | null
  attributeDigest?: Uint8Array | null
  /** Attributes that bind the certificate. */
  ess?: readonly Uint8Array[]
  /** Whom the signer info names. */
  named?: Made
  digestAlgorithm?: string
  /** Digest algorithm named in front of the content. */
  announced?: string
  signature?: string
  /** Changes what is signed after the digest was made. */
  moreAttributes?: readonly Uint8Array[]
  signers?: 0 | 1 | 2
}

export const attribute = (type: string, ...values: Uint8Array[]): Uint8Array => seq(oid(type), set(...values))
export const essV2 = (...certificates: Uint8Array[]): Uint8Array =>
  attribute('1.2.840.113549.1.9.16.2.47', seq(seq(...certificates.map((der) => seq(octets(sha('sha256', der)))))))
export const essV1 = (...certificates: Uint8Array[]): Uint8Array =>
  attribute('1.2.840.113549.1.9.16.2.12', seq(seq(...certificates.map((der) => seq(octets(sha('sha1', der)))))))
/** With issuer and serial number. */
export const essNamed = (der: Uint8Array, issuer: string, serial: number): Uint8Array =>
  attribute('1.2.840.113549.1.9.16.2.47', seq(seq(seq(seq(oid(OID.sha256)), octets(sha('sha256', der)), seq(seq(context(4, nameOf(issuer))), int(serial))))))

export function makeToken(wish: TokenWish): Uint8Array {
  const { text, signer, genTimeMs } = wish
  const info = seq(
    int(wish.version ?? 1),
    oid(wish.policy ?? '1.2.3.4'),
    seq(seq(oid(wish.imprintAlgorithm ?? OID.sha256)), octets(wish.imprint ?? sha('sha256', text))),
    int(randomBytes(8)),
    encodeDer(TAG.generalizedTime, Buffer.from(wish.genTime ?? stamp(genTimeMs))),
    ...(wish.accuracy === undefined ? [] : [wish.accuracy]),
    ...(wish.nonce === undefined ? [] : [int(wish.nonce)]),
    ...(wish.tsa === undefined ? [] : [context(0, wish.tsa)]),
    ...(wish.infoExtensions === undefined ? [] : [context(1, ...wish.infoExtensions)]),
  )
  const hash = wish.digestAlgorithm === OID.sha1 ? 'sha1' : wish.digestAlgorithm === OID.sha512 ? 'sha512' : 'sha256'
  const attributes = [
    ...(wish.attributeType === null ? [] : [attribute('1.2.840.113549.1.9.3', oid(wish.attributeType ?? '1.2.840.113549.1.9.16.1.4'))]),
    ...(wish.attributeDigest === null ? [] : [attribute('1.2.840.113549.1.9.4', octets(wish.attributeDigest ?? sha(hash, info)))]),
    ...(wish.ess ?? [essV2(signer.der)]),
    ...(wish.moreAttributes ?? []),
  ].sort(Buffer.compare)
  const named = wish.named ?? signer
  const rsa = signer.key.asymmetricKeyType === 'rsa'
  const algorithm = wish.signature ?? (rsa ? OID.rsa : OID.ecdsaSha256)
  const signatureHash = algorithm === OID.rsa ? hash : hashOf(wish.signature)
  const signerInfo = seq(
    int(1),
    seq(nameOf(named.issuer), int(named.serial)),
    seq(oid(wish.digestAlgorithm ?? OID.sha256)),
    context(0, ...attributes),
    seq(oid(algorithm)),
    octets(sign(signatureHash, set(...attributes), signer.key)),
  )
  const certificates = wish.certificates ?? [signer.der]
  const data = seq(
    int(3),
    set(seq(oid(wish.announced ?? wish.digestAlgorithm ?? OID.sha256))),
    seq(oid(wish.contentType ?? '1.2.840.113549.1.9.16.1.4'), context(0, octets(info))),
    ...(certificates.length === 0 ? [] : [context(0, ...certificates)]),
    ...(wish.crls === undefined ? [] : [context(1, ...wish.crls)]),
    set(...Array.from({ length: wish.signers ?? 1 }, () => signerInfo)),
  )
  return seq(oid('1.2.840.113549.1.7.2'), context(0, data))
}
