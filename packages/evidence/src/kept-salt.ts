import { disclosureDigest, makeDisclosure } from './commitment.ts'
import type { JsonValue } from './json.ts'

/**
 * What the vault keeps of a value that can be checked and never read, in the place of its disclosure:
 *
 *   <digest, 43 characters>.<salt, 22 characters>
 *
 * A dot is no character of base64url, so no reader takes it for a disclosure: `openDisclosure` refuses it, and no digest of
 * a record is one of this text.
 */
export interface KeptSalt {
  /** base64url; the one that stands in the record. */
  readonly digest: string
  readonly salt: string
}

const FORM = /^([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])\.([A-Za-z0-9_-]{21}[AQgw])$/

/** @param salt as `makeDisclosure` takes it; @param digest of that disclosure. */
export function keepSalt(digest: string, salt: string): string {
  return digest + '.' + salt
}

/** Null for anything else, a disclosure among them. */
export function readKeptSalt(text: string): KeptSalt | null {
  const match = FORM.exec(text)
  return match === null ? null : { digest: match[1] as string, salt: match[2] as string }
}

/** The digest in the record of what the vault keeps: of a disclosure, or of a salt kept in its place. */
export function keptDigest(text: string): string {
  return readKeptSalt(text)?.digest ?? disclosureDigest(text)
}

/** Whether it is this value that was committed to. @throws EvidenceError NOT_I_JSON as `canonicalize` */
export function isValueOf({ digest, salt }: KeptSalt, value: JsonValue): boolean {
  return disclosureDigest(makeDisclosure(salt, value)) === digest
}
