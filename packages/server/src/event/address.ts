import { normalizeAlias } from './alias.ts'
import type { Alias } from './mapped.ts'

/**
 * What kind of name an address is: `tel:+1 317 555 0142` is the phone `+13175550142`, `mailto:A@b.example` the email
 * `a@b.example`, anything else (the id of a social account) an `address`. @returns null for words such as `anonymous`.
 */
export function addressAlias(text: string): Alias | null {
  const colon = text.indexOf(':')
  const scheme = colon > 0 && colon < 10 ? text.slice(0, colon).toLowerCase() : ''
  let bare = SCHEMES.has(scheme) ? text.slice(colon + 1) : text
  if (bare !== text) {
    const end = bare.search(/[;?]/)
    if (end >= 0) bare = bare.slice(0, end)
  }
  const at = bare.indexOf('@')
  if (at > 0 && scheme.startsWith('sip') && PHONE.test(bare.slice(0, at))) bare = bare.slice(0, at)
  if (PHONE.test(bare)) return { kind: 'phone', value: normalizeAlias('phone', bare) }
  if (bare.indexOf('@') > 0) return { kind: 'email', value: bare.toLowerCase() }
  return NOBODYS.test(bare) ? null : { kind: 'address', value: bare }
}

const SCHEMES: ReadonlySet<string> = new Set(['tel', 'sms', 'sip', 'sips', 'mailto', 'whatsapp', 'callto'])
const PHONE = /^\+?[\d\s().-]{5,24}$/
const NOBODYS = /^\s*$|^(anonymous|unknown|unavailable|restricted|private|withheld|none|null)$/i
