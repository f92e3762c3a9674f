import { equalBytes } from '@sealtrail/tlog'
import { encodeHex } from '../text.ts'
import { EXT, readCertificate, TIME_STAMPING, USAGE } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { buildChain } from './chain.ts'
import type { Chain } from './chain.ts'
import { readToken, TST_INFO } from './cms.ts'
import type { SignedToken } from './cms.ts'
import { readCrl, standingOf } from './crl.ts'
import type { RevocationList } from './crl.ts'
import { digest, HASHES } from './crypto.ts'
import { explicitTag, inside, readDer, TAG, toDefinite } from './der.ts'
import { signingCertificateFault } from './ess.ts'
import { readName } from './name.ts'
import { checkSignature } from './signature.ts'
import { readTstInfo } from './tstinfo.ts'
import type { TstInfo } from './tstinfo.ts'
import { oidOf, withoutZeros } from './value.ts'
import type { Instant } from './value.ts'
import { timestampProblem } from './verdict.ts'
import type { TimestampCode, TimestampProblem, TimestampTrust, TimestampVerdict } from './verdict.ts'

/** Longest token that is read, bytes; tokens with their chain have 2 to 12 KiB. */
export const MAX_TOKEN_BYTES = 65_536
/** Certificates that came with the token, or beside it. */
const MAX_POOL = 32
const MAX_LISTS = 32
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'

const UNREAD: Omit<TimestampVerdict, 'problems'> = {
  ok: false,
  trust: 'none',
  genTime: null,
  accuracyMs: null,
  serial: null,
  policy: null,
  tsa: null,
  chain: [],
  revocation: 'unknown',
  revocationAsOf: null,
}

/**
 * Checks an RFC 3161 time-stamp token over a text. The text is a checkpoint's note text (final newline included, no
 * signature lines); the token must hold its SHA-256. Checked are imprint, nonce and policy where given, the signed
 * attributes, the signature, that the signer's certificate is bound by ESS (RFC 5035) and certified for time-stamping only,
 * its chain at the token's time, and the revocation lists given. Runs in Node and browsers (Web Crypto); no clock, no network.
 * attacker: every byte of token, intermediates and lists. Never throws for them.
 * @throws TypeError where there is no Web Crypto
 */
export async function verifyTimestamp(token: Uint8Array, text: Uint8Array, trust: TimestampTrust): Promise<TimestampVerdict> {
  let signed: SignedToken
  let info: TstInfo
  try {
    if (token.length > MAX_TOKEN_BYTES) throw new RangeError('too long')
    signed = readToken(toDefinite(token))
    info = readTstInfo(signed.content)
  } catch (error) {
    return { ...UNREAD, problems: [timestampProblem('TIMESTAMP_FORMAT', (error as Error).message)] }
  }
  const problems: TimestampProblem[] = []
  const found = (code: TimestampCode, detail?: string): void => void problems.push(timestampProblem(code, detail))
  if (signed.contentType !== TST_INFO) found('TIMESTAMP_ATTRIBUTES', 'the content is no TSTInfo')
  await checkContent(info, text, trust, found)

  const pool = certificatesOf([...signed.certificates, ...(trust.intermediates ?? [])].slice(0, MAX_POOL))
  // All of them: they come from the examiner, and one left out would be refused without a word.
  const roots = certificatesOf(trust.roots)
  const signer = await signerOf(signed, [...pool, ...roots])
  if (signer === null) {
    found('TIMESTAMP_SIGNER', 'no certificate fits')
    return { ...UNREAD, ...saidIn(info), problems }
  }
  await checkSigned(signed, signer, found)
  const chain = await buildChain(signer, pool, roots, info.genTime.ms)
  problems.push(...chain.problems)
  checkUsage(signer, found)
  const fault = await signingCertificateFault(signed.attributes, signer, chain.certificates)
  if (fault !== null) found('TIMESTAMP_SIGNER', fault)
  if (info.tsa !== null && !isNamed(info.tsa.whole, signer)) found('TIMESTAMP_SIGNER', 'the token names another authority than its certificate')
  const revocation = await checkRevocation(chain, [...signed.crls, ...(trust.crls ?? [])], info.genTime.ms, found)
  return {
    ok: problems.length === 0,
    trust: chain.trusted ? 'given' : 'none',
    ...saidIn(info),
    tsa: signer.subject.text,
    chain: chain.certificates.map(({ der }) => der),
    ...revocation,
    problems,
  }
}

type Found = (code: TimestampCode, detail?: string) => void

function saidIn({ genTime, accuracyMs, serial, policy }: TstInfo): Pick<TimestampVerdict, 'genTime' | 'accuracyMs' | 'serial' | 'policy'> {
  return { genTime: genTime.text, accuracyMs, serial: encodeHex(serial.length > 1 && serial[0] === 0 ? serial.subarray(1) : serial), policy }
}

async function checkContent(info: TstInfo, text: Uint8Array, trust: TimestampTrust, found: Found): Promise<void> {
  if (HASHES[info.hashAlgorithm.oid] !== 'SHA-256' || info.hashAlgorithm.parameters !== null) found('TIMESTAMP_IMPRINT', 'not a SHA-256 digest')
  else if (!equalBytes(info.imprint, await digest('SHA-256', text))) found('TIMESTAMP_IMPRINT')
  if (trust.nonce !== undefined && (info.nonce === null || !equalBytes(info.nonce, withoutZeros(trust.nonce)))) found('TIMESTAMP_NONCE')
  if (trust.policies !== undefined && !trust.policies.includes(info.policy)) found('TIMESTAMP_POLICY', info.policy)
}

/** RFC 5652 section 5.4 and 11: what is signed are the attributes, and these must speak of this content. */
async function checkSigned(signed: SignedToken, signer: Certificate, found: Found): Promise<void> {
  const [type, ...moreTypes] = signed.attributes.get(CONTENT_TYPE) ?? []
  const [value, ...moreValues] = signed.attributes.get(MESSAGE_DIGEST) ?? []
  if (type === undefined || moreTypes.length > 0 || oidText(type.whole) !== TST_INFO) found('TIMESTAMP_ATTRIBUTES', 'content type')
  const hash = signed.digestAlgorithm.parameters === null ? HASHES[signed.digestAlgorithm.oid] : undefined
  if (hash === undefined) return found('TIMESTAMP_ALGORITHM', 'digest of the content')
  if (value === undefined || moreValues.length > 0 || value.tag !== TAG.octets || !equalBytes(value.body, await digest(hash, signed.content)))
    found('TIMESTAMP_ATTRIBUTES', 'the digest is of another content')
  const checked = await checkSignature(signer.spki, signed.signatureAlgorithm, signed.signature, signed.signed, hash)
  if (checked === 'bad') found('TIMESTAMP_SIGNATURE')
  if (checked === 'weak') found('TIMESTAMP_ALGORITHM', 'signature of the token')
}

/** RFC 3161 section 2.3: one extended key usage, time-stamping, critical; and the key for nothing but signing. */
function checkUsage({ extensions, extKeyUsage, keyUsage }: Certificate, found: Found): void {
  if (extKeyUsage === null || !extKeyUsage.includes(TIME_STAMPING)) found('TIMESTAMP_USAGE', 'not certified for time-stamping')
  else if (extKeyUsage.length !== 1) found('TIMESTAMP_USAGE', 'certified for other uses too')
  if (extKeyUsage !== null && extensions.get(EXT.extKeyUsage)?.critical !== true) found('TIMESTAMP_USAGE', 'the extended key usage is not critical')
  const allowed: readonly number[] = [USAGE.digitalSignature, USAGE.nonRepudiation]
  if (keyUsage !== null && (keyUsage.length === 0 || keyUsage.some((bit) => !allowed.includes(bit)))) found('TIMESTAMP_USAGE', 'key usage')
}

/** Certificates that can be read, each once. */
function certificatesOf(all: readonly Uint8Array[]): Certificate[] {
  const read: Certificate[] = []
  for (const der of all) {
    try {
      if (!read.some((each) => equalBytes(each.der, der))) read.push(readCertificate(der))
    } catch {
      // attacker: a token may enclose anything; what cannot be read helps nobody.
    }
  }
  return read
}

/** attacker: another certificate with the same name and number may stand first; the one the token binds by its hash is meant. */
async function signerOf({ signer, attributes }: SignedToken, certificates: readonly Certificate[]): Promise<Certificate | null> {
  const fits = certificates.filter((each) =>
    'keyId' in signer
      ? each.keyId !== null && equalBytes(each.keyId, signer.keyId)
      : each.issuer.key === signer.issuer && equalBytes(each.serial, signer.serial),
  )
  for (const each of fits) if ((await signingCertificateFault(attributes, each, certificates)) === null) return each
  return fits[0] ?? null
}

/** Whether the GeneralName is the certificate's subject or one of its alternative names (RFC 3161 section 2.4.2, tsa). */
function isNamed(generalName: Uint8Array, certificate: Certificate): boolean {
  try {
    const name = readDer(generalName)
    if (name.tag === explicitTag(4) && readName(readDer(name.body)).key === certificate.subject.key) return true
    const alternatives = certificate.extensions.get(EXT.subjectAltName)
    return (
      alternatives !== undefined &&
      inside(readDer(alternatives.value))
        .rest(64)
        .some(({ whole }) => equalBytes(whole, generalName))
    )
  } catch {
    return false
  }
}

async function checkRevocation(
  { certificates, trusted }: Chain,
  bytes: readonly Uint8Array[],
  atMs: number,
  found: Found,
): Promise<Pick<TimestampVerdict, 'revocation' | 'revocationAsOf'>> {
  const lists: RevocationList[] = []
  for (const der of bytes.slice(0, MAX_LISTS)) {
    try {
      lists.push(readCrl(der))
    } catch {
      // attacker: a list that cannot be read clears nobody.
    }
  }
  let good = trusted
  let oldest: Instant | null = null
  for (const [at, certificate] of certificates.slice(0, -1).entries()) {
    const standing = await standingOf(certificate, certificates[at + 1] as Certificate, lists, atMs)
    if (standing.is === 'revoked') {
      found('TIMESTAMP_REVOKED', standing.detail)
      return { revocation: 'revoked', revocationAsOf: null }
    }
    if (standing.is !== 'good') good = false
    else if (oldest === null || standing.of.ms < oldest.ms) oldest = standing.of
  }
  if (!good || oldest === null) return { revocation: 'unknown', revocationAsOf: null }
  return { revocation: 'good', revocationAsOf: oldest.text }
}

function oidText(whole: Uint8Array): string {
  try {
    return oidOf(readDer(whole))
  } catch {
    return ''
  }
}
