import { equalBytes } from '@sealtrail/tlog'
import { addressesOf, crlAddresses, readExtensions, USAGE } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { derError, explicitTag, implicitTag, inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'
import { readName } from './name.ts'
import { checkSignature } from './signature.ts'
import { algorithmOf, booleanOf, integerBytes, readSigned, smallNumber, timeOf } from './value.ts'
import type { Algorithm, Instant } from './value.ts'

/** Longest list that is read, bytes. */
const MAX_CRL_BYTES = 8 * 1024 * 1024
const REASON = '2.5.29.21'
const ISSUING_POINT = '2.5.29.28'
const CRL_NUMBER = '2.5.29.20'
const AUTHORITY_KEY = '2.5.29.35'

/** A certificate revocation list, read and not yet believed. RFC 5280 section 5. */
export interface RevocationList {
  readonly signed: Uint8Array
  readonly signatureAlgorithm: Algorithm
  readonly signature: Uint8Array
  /** Key of the issuer's name. */
  readonly issuer: string
  readonly thisUpdate: Instant
  readonly nextUpdate: Instant | null
  readonly revoked: Der | null
  /** What kinds of certificates it is about, and the addresses it stands for (null: all of the issuer's). */
  readonly scope: { readonly users: boolean; readonly authorities: boolean; readonly addresses: readonly string[] | null }
}

export interface Revocation {
  readonly atMs: number
  readonly at: string
  /** CRLReason, null when the entry gives none. */
  readonly reason: number | null
}

/** Reads a list. @throws EvidenceError DER_FORMAT, also for delta and indirect lists and critical extensions not understood */
export function readCrl(bytes: Uint8Array): RevocationList {
  if (bytes.length > MAX_CRL_BYTES) throw derError('the list is too long')
  const { signed, algorithm: outerAlgorithm, signature } = readSigned(bytes)
  const tbs = inside(signed)
  const version = tbs.optional(TAG.integer)
  if (version !== null && smallNumber(version) !== 1) throw derError('version')
  const innerAlgorithm = tbs.next(TAG.sequence)
  if (!equalBytes(innerAlgorithm.whole, outerAlgorithm.whole)) throw derError('the two algorithms differ')
  const issuer = readName(tbs.next(TAG.sequence)).key
  const thisUpdate = timeOf(tbs.next())
  const nextUpdate = tbs.optional(TAG.utcTime) ?? tbs.optional(TAG.generalizedTime)
  const revoked = tbs.optional(TAG.sequence)
  const written = tbs.optional(explicitTag(0))
  tbs.end()
  const extensions = written === null ? new Map() : readExtensions(readDer(written.body, TAG.sequence))
  for (const [oid, { critical }] of extensions)
    if (critical && ![ISSUING_POINT, CRL_NUMBER, AUTHORITY_KEY].includes(oid)) throw derError('a critical extension is not understood')
  const point = extensions.get(ISSUING_POINT)
  return {
    signed: signed.whole,
    signatureAlgorithm: algorithmOf(innerAlgorithm),
    signature,
    issuer,
    thisUpdate,
    nextUpdate: nextUpdate === null ? null : timeOf(nextUpdate),
    revoked,
    scope: point === undefined ? { users: true, authorities: true, addresses: null } : readScope(readDer(point.value, TAG.sequence)),
  }
}

/** RFC 5280 section 5.2.5. Lists for some reasons only, attribute certificates or other issuers prove too little and are refused. */
function readScope(der: Der): RevocationList['scope'] {
  const cursor = inside(der)
  const name = cursor.optional(explicitTag(0))
  const flag = (n: number): boolean => {
    const found = cursor.optional(implicitTag(n))
    return found !== null && booleanOf(found)
  }
  const usersOnly = flag(1)
  const authoritiesOnly = flag(2)
  if (cursor.optional(implicitTag(3)) !== null || flag(4) || flag(5)) throw derError('the list covers some reasons, issuers or kinds only')
  cursor.end()
  return { users: !authoritiesOnly, authorities: !usersOnly, addresses: name === null ? null : addressesOf(name) }
}

/** The entry of a serial number, or null. Walks the list without keeping it. @throws EvidenceError DER_FORMAT */
function findRevocation(list: RevocationList, serial: Uint8Array): Revocation | null {
  if (list.revoked === null) return null
  const entries = inside(list.revoked)
  while (!entries.done) {
    const entry = inside(entries.next(TAG.sequence))
    const number = integerBytes(entry.next())
    if (!equalBytes(number, serial)) continue
    const at = timeOf(entry.next())
    const written = entry.optional(TAG.sequence)
    entry.end()
    const reason = written === null ? undefined : readExtensions(written).get(REASON)
    return { atMs: at.ms, at: at.text, reason: reason === undefined ? null : reasonOf(readDer(reason.value, TAG.enumerated)) }
  }
  return null
}

function reasonOf({ body }: Der): number {
  return body.length === 1 ? (body[0] as number) : -1
}

/** RFC 3161 section 4: after these, tokens made before the revocation stay valid; after all others, and without a reason, none does. */
const HARMLESS: readonly (number | null)[] = [0, 3, 4, 5]
const REASONS: Readonly<Record<number, string>> = {
  0: 'unspecified',
  1: 'key compromise',
  2: 'compromise of its issuer',
  3: 'affiliation changed',
  4: 'superseded',
  5: 'cessation of operation',
  6: 'on hold',
}

/** What the lists say of one certificate at a time. `revoked` comes with the words for it. */
export type Standing = { readonly is: 'unknown' } | { readonly is: 'good'; readonly of: Instant } | { readonly is: 'revoked'; readonly detail: string }

/** Asks every list that the issuer signed. A list that was out of date at `atMs` can still revoke, but not clear. */
export async function standingOf(certificate: Certificate, issuer: Certificate, lists: readonly RevocationList[], atMs: number): Promise<Standing> {
  let standing: Standing = { is: 'unknown' }
  for (const list of lists) {
    if (list.issuer !== certificate.issuer.key || !(await isSignedBy(list, issuer))) continue
    let found: Revocation | null
    try {
      found = findRevocation(list, certificate.serial)
    } catch {
      continue
    }
    if (found !== null && (atMs >= found.atMs || !HARMLESS.includes(found.reason)))
      return {
        is: 'revoked',
        detail: `${certificate.subject.text} on ${found.at}, ${found.reason === null ? 'no reason given' : (REASONS[found.reason] ?? 'another reason')}`,
      }
    const current = list.nextUpdate !== null && list.nextUpdate.ms >= atMs
    // The newest that clears: one made before `atMs` knows nothing of the time between.
    if (current && covers(list, certificate) && (standing.is !== 'good' || standing.of.ms < list.thisUpdate.ms)) standing = { is: 'good', of: list.thisUpdate }
  }
  return standing
}

function covers({ scope }: RevocationList, certificate: Certificate): boolean {
  const ca = certificate.basicConstraints?.ca === true
  if (ca ? !scope.authorities : !scope.users) return false
  if (scope.addresses === null) return true
  const own = crlAddresses(certificate)
  return scope.addresses.some((address) => own.includes(address))
}

async function isSignedBy(list: RevocationList, issuer: Certificate): Promise<boolean> {
  if (issuer.keyUsage !== null && !issuer.keyUsage.includes(USAGE.crlSign)) return false
  return (await checkSignature(issuer.spki, list.signatureAlgorithm, list.signature, list.signed)) === 'good'
}
