import { sha256Base64url, textToBase64url } from '#platform'
import { canonicalize } from './canonical.ts'
import { EvidenceError } from './errors.ts'
import type { JsonValue } from './json.ts'
import { decodeBase64url, decodeUtf8 } from './text.ts'

/**
 * A commitment stands in the record where a personal value stood (RFC 9901 sections 4.2.2 and 4.2.4.2):
 *
 *   value        "+13175550142"
 *   disclosure   base64url( ["<22 characters of salt>","+13175550142"] )      kept in the vault, erasable
 *   digest       base64url( SHA-256( ascii(disclosure) ) )                   43 characters
 *   in the record   [{"...":"<digest>"}]
 *
 * The salt has 128 random bits, so nobody finds the value by trying all phone numbers. An open map becomes an array of
 * such elements, each committing to {"key":…,"value":…}.
 */
export type CommitmentElement = { '...': string }
/** What stands in place of one value. */
export type Commitment = [CommitmentElement]

const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/**
 * The disclosure of a value: base64url, without padding, of the JSON array `[salt, value]` with the value in canonical form.
 * @param saltBase64url 16 random bytes as base64url (22 characters); never used twice.
 * @throws EvidenceError NOT_I_JSON as `canonicalize`.
 */
export function makeDisclosure(saltBase64url: string, value: JsonValue): string {
  return textToBase64url('["' + saltBase64url + '",' + canonicalize(value) + ']')
}

/** The digest of a disclosure: over its base64url text as it was given, never over re-encoded JSON (RFC 9901 section 4.2.3). */
export function disclosureDigest(disclosure: string): string {
  return sha256Base64url(disclosure)
}

/** What stands in the record for a disclosure. */
export function commitmentOf(digest: string): Commitment {
  return [{ '...': digest }]
}

/** Whether a value is an array element that stands for a disclosure: an object with the one key `...` holding a SHA-256 digest. */
export function isCommitmentElement(value: JsonValue | undefined): value is CommitmentElement {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const digest = value['...']
  return typeof digest === 'string' && Object.keys(value).length === 1 && DIGEST.test(digest)
}

/** Whether a value is a commitment: an array with exactly one commitment element. */
export function isCommitment(value: JsonValue | undefined): value is Commitment {
  return Array.isArray(value) && value.length === 1 && isCommitmentElement(value[0])
}

/** What a disclosure says. */
export interface Disclosed {
  readonly salt: string
  readonly value: JsonValue
  readonly digest: string
}

/**
 * Reads a disclosure of an array element. Attacker: whoever hands over a bundle chose these bytes; only a digest found in
 * a sealed record makes them evidence.
 * @throws EvidenceError COMMITMENT_FORMAT when it is not base64url of a JSON array of two elements, the first a string.
 */
export function openDisclosure(disclosure: string): Disclosed {
  const bytes = decodeBase64url(disclosure)
  const text = bytes === null ? null : decodeUtf8(bytes)
  if (text === null) throw new EvidenceError('COMMITMENT_FORMAT', 'a disclosure is not base64url of UTF-8')
  let parsed: JsonValue
  try {
    parsed = JSON.parse(text) as JsonValue
  } catch {
    throw new EvidenceError('COMMITMENT_FORMAT', 'a disclosure is not JSON') // no cause: the engine's message quotes the value
  }
  if (!Array.isArray(parsed) || parsed.length !== 2 || typeof parsed[0] !== 'string') {
    throw new EvidenceError('COMMITMENT_FORMAT', 'a disclosure is not an array of salt and value')
  }
  return { salt: parsed[0], value: parsed[1] as JsonValue, digest: disclosureDigest(disclosure) }
}

/** Every digest a value commits to, in document order. */
export function commitmentDigests(value: JsonValue): string[] {
  const digests: string[] = []
  const visit = (node: JsonValue): void => {
    if (typeof node !== 'object' || node === null) return
    if (Array.isArray(node)) {
      for (const item of node) {
        if (isCommitmentElement(item)) digests.push(item['...'])
        else visit(item)
      }
    } else for (const key of Object.keys(node)) visit(node[key] as JsonValue)
  }
  visit(value)
  return digests
}

/** Whether a key is one that commitments reserve (RFC 9901 section 4.1): input that holds one is quarantined. */
export function isReservedKey(key: string): boolean {
  return key === '...' || key === '_sd' || key === '_sd_alg'
}

/** Whether any object within the value has a reserved key. */
export function hasReservedKey(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasReservedKey)
  for (const key of Object.keys(value)) if (isReservedKey(key) || hasReservedKey(value[key] as JsonValue)) return true
  return false
}
