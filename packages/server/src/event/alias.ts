import type { KeyedHashes } from '../keys/keys.ts'

const PHONE_PREFIX = /^(?:tel|sms|callto|sips?|whatsapp):/i
const PHONE_PUNCTUATION = /[\s()./\-\u00a0\u2010-\u2015\u2212]/g

/**
 * The one spelling of a name by which a person is known, so that every spelling gives the same token: phones as E.164
 * (`tel:+1 (317) 555-0142` is `+13175550142`), e-mail in lower case, anything else trimmed. Applying it twice changes nothing.
 */
export function normalizeAlias(kind: string, value: string): string {
  if (kind === 'phone') return normalizePhone(value)
  const text = value.normalize('NFC').trim()
  return kind === 'email' ? text.replace(/^mailto:/i, '').toLowerCase() : text
}

/**
 * The 16-byte tokens (latin1) by which vault and index may know an alias: one under the current token key, which is the one
 * written now, then those under the keys of before a rotation. They are keyed, and still personal: none enters the log.
 */
export function aliasTokens(hashes: Pick<KeyedHashes, 'tokens'>, tenant: string, kind: string, value: string): readonly string[] {
  return hashes.tokens(tenant + '\n' + kind + '\n' + normalizeAlias(kind, value))
}

/** The tokens of the key for values that belong to nobody known, as `aliasTokens`. */
export function interactionTokens(hashes: Pick<KeyedHashes, 'tokens'>, tenant: string, subject: string): readonly string[] {
  return hashes.tokens(tenant + '\ninteraction\n' + subject)
}

function normalizePhone(value: string): string {
  let text = value.normalize('NFKC').trim().replace(PHONE_PREFIX, '')
  const end = text.search(/[;?@]/) // tel: and sip: parameters, the host of a SIP address
  if (end > 0) text = text.slice(0, end)
  const digits = text.replace(PHONE_PUNCTUATION, '')
  if (/^\+\d{3,15}$/.test(digits)) return digits
  if (/^00[1-9]\d{6,14}$/.test(digits)) return '+' + digits.slice(2)
  // WhatsApp writes E.164 without the plus; ten digits or fewer are a national number of an unknown country.
  if (/^[1-9]\d{10,14}$/.test(digits)) return '+' + digits
  return /^\d+$/.test(digits) ? digits : value.trim().toLowerCase()
}
