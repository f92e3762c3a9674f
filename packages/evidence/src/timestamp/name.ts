import { encodeHex } from '../text.ts'
import { inside, readDer, TAG } from './der.ts'
import type { Der } from './der.ts'
import { oidOf, stringOf } from './value.ts'

const SHORT: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.97': 'organizationIdentifier',
  '1.2.840.113549.1.9.1': 'emailAddress',
}
const MAX_TEXT = 400

/** A distinguished name, read. */
export interface Name {
  /** Equal for names that RFC 5280 section 7.1 calls the same: case and white space folded, string types alike. */
  readonly key: string
  /** `CN=…, O=…`, nothing in it that a terminal or page would obey. */
  readonly text: string
}

/** Reads a Name. attacker: who made the certificate chose it. @throws EvidenceError DER_FORMAT */
export function readName(der: Der): Name {
  const keys: string[] = []
  const texts: string[] = []
  for (const rdn of inside(readDer(der.whole, TAG.sequence)).rest(64)) {
    const parts = inside(rdn, TAG.set)
      .rest(16)
      .map((attribute) => {
        const cursor = inside(attribute)
        const type = oidOf(cursor.next())
        const value = cursor.next()
        cursor.end()
        const text = stringOf(value)
        texts.push(`${SHORT[type] ?? type}=${text === null ? `#${encodeHex(value.whole.subarray(0, 32))}` : printable(text)}`)
        // JSON keeps values apart whatever is in them.
        return JSON.stringify([type, text === null ? encodeHex(value.whole) : folded(text)])
      })
    keys.push(parts.sort().join('+'))
  }
  const text = texts.join(', ')
  return { key: keys.join(','), text: text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text }
}

/** The text without control characters and those that change the direction of writing. */
export function printable(text: string): string {
  return text.toWellFormed().replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd')
}

function folded(text: string): string {
  return text.normalize('NFKC').trim().replace(/\s+/gu, ' ').toLowerCase()
}
