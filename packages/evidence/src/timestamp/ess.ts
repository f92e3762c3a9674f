import { equalBytes } from '@sealtrail/tlog'
import type { Certificate } from './certificate.ts'
import { digest, HASHES } from './crypto.ts'
import { explicitTag, inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'
import { readName } from './name.ts'
import { algorithmOf, integerBytes } from './value.ts'

const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12'
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'

/**
 * ESSCertID or ESSCertIDv2 (RFC 5035 section 4). Version 1 is SHA-1, which is enough here: it names a certificate made by
 * an authority one trusts, so only a second preimage would do harm.
 */
interface CertificateId {
  /** Null: a hash that is not known. */
  readonly hash: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512' | null
  readonly value: Uint8Array
  readonly issuerSerial: { readonly issuer: string; readonly serial: Uint8Array } | null
}

function readIds(attribute: Der, version: 1 | 2): CertificateId[] {
  const cursor = inside(readDer(attribute.whole, TAG.sequence))
  const ids = inside(cursor.next(TAG.sequence)).rest(32)
  cursor.optional(TAG.sequence) // policies
  cursor.end()
  return ids.map((der) => {
    const id = inside(der)
    const algorithm = version === 2 ? id.optional(TAG.sequence) : null
    const hash = version === 1 ? 'SHA-1' : algorithm === null ? 'SHA-256' : (HASHES[algorithmOf(algorithm).oid] ?? null)
    const value = id.next(TAG.octets).body
    const issuerSerial = id.optional(TAG.sequence)
    id.end()
    return { hash, value, issuerSerial: issuerSerial === null ? null : readIssuerSerial(issuerSerial) }
  })
}

function readIssuerSerial(der: Der): CertificateId['issuerSerial'] {
  const cursor = inside(der)
  const names = inside(cursor.next(TAG.sequence)).rest(1)
  const serial = integerBytes(cursor.next())
  cursor.end()
  // directoryName [4], explicit because Name is a CHOICE.
  const [name] = names
  return { issuer: name?.tag === explicitTag(4) ? readName(readDer(name.body)).key : '', serial }
}

/**
 * What is wrong with the attributes that bind a token to its signer's certificate, null when nothing is. Without them the
 * same signature could be shown with another certificate of the same key (RFC 3161 section 2.4.1, RFC 5816).
 * Each attribute that is there must name the signer first, and only certificates of the chain after it.
 */
export async function signingCertificateFault(
  attributes: ReadonlyMap<string, readonly Der[]>,
  signer: Certificate,
  chain: readonly Certificate[],
): Promise<string | null> {
  let seen = false
  for (const [type, version] of [
    [SIGNING_CERTIFICATE, 1],
    [SIGNING_CERTIFICATE_V2, 2],
  ] as const) {
    const values = attributes.get(type)
    if (values === undefined) continue
    seen = true
    if (values.length !== 1) return 'the signing certificate attribute does not have one value'
    let ids: CertificateId[]
    try {
      ids = readIds(values[0] as Der, version)
    } catch {
      return 'the signing certificate attribute is malformed'
    }
    const [first, ...others] = ids
    if (first === undefined || !(await isOf(first, signer))) return 'the signing certificate attribute names another certificate'
    for (const id of others) {
      const found = await Promise.all(chain.map((each) => isOf(id, each)))
      if (!found.includes(true)) return 'the signing certificate attribute names a certificate that is not of the chain'
    }
  }
  return seen ? null : 'no signing certificate attribute'
}

async function isOf({ hash, value, issuerSerial }: CertificateId, certificate: Certificate): Promise<boolean> {
  if (hash === null || !equalBytes(await digest(hash, certificate.der), value)) return false
  return issuerSerial === null || (issuerSerial.issuer === certificate.issuer.key && equalBytes(issuerSerial.serial, certificate.serial))
}
