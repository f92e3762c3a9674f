import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import type { CountryCode } from 'libphonenumber-js/max'

/** Where national numbers without a country code are looked for, when they are written like one. */
const REGIONS: readonly CountryCode[] = ['GB', 'DE', 'FR', 'IT', 'ES', 'NL', 'AU', 'IN', 'BR', 'JP', 'CH', 'IE']
const INTERNATIONAL = /(?:(?<!\d)\+|(?<![\p{L}\d])(?:00(?=[ (]{0,2}[1-9])|011[ -]))[ (]{0,2}\d(?:[ ().\-/]{0,2}\d){6,16}(?!\d)/gu
const NORTH_AMERICAN = /(?<![\d.:/-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}([ .-]))[2-9]\d{2}[ .-]\d{4}(?![\d:]|[.-]\d)/
const NATIONAL = /(?<![\d.:/+-]|\d )\(?0\d{1,4}\)?(?:[ \-/.]{1,2}\d{2,8}){1,5}(?![\d:]|[.-]\d)/g
const INDIAN = /(?<![\d.:/+-])[6-9]\d{4}[ -]\d{5}(?![\d:]|[.-]\d)/
const BARE = /(?<![\p{L}\d.:/+-])\d{9,15}(?![\d:]|[.-]\d)/gu
/** Two groups of digits and more, as people write a number: one only where something says that it is one. */
const GROUPED = /(?<![\p{L}\d.:/+-])\(?\d{1,8}\)?(?:[ .\-/]{1,2}\(?\d{2,8}\)?){1,6}(?![\d:]|[.-]\d)/gu
const CONTEXT =
  /phone|mobile?n?(?:\b|nummer|nr)|\bcell|celular|cellulare|\btel\b|telef|t\u00e9l\u00e9phone|tel:|\bgsm\b|m\u00f3vil|rufnummer|\bhandy|msisdn|whatsapp|\bwa[ _]?id|\bani\b|\bdnis\b|call(?:er|back|ed)?\b|callback|calledid|\bsms\b|\bfax\b|dial|reach me|text me|number is/i
/** Names under which even seven digits are a number: those of a small country, or without its area code. */
const STRONG = /phone|mobile?n?(?:\b|nummer|nr)|\bcell|celular|\btel\b|telef|msisdn|whatsapp|\bani\b|\bdnis\b|\bfax\b|rufnummer|\bhandy/i
const SHORT = /(?<![\p{L}\d.:/+-])\d{7,15}(?![\d:]|[.-]\d)/gu
/** Names of fields that hold an address of whatever kind the channel has: for SMS and WhatsApp digits. */
const ADDRESS = /\b(?:address|from|to|recipient|sender|remote|peer)\b/i
const ID = /(?<!caller|wa) ids?$/i
/** `callbackScheduledTime`, `dialingDurationMs`: times and counts, whatever else the name says. */
const QUANTITY = /\b(?:time|timestamp|date|ms|millis|seconds?|minutes|duration|count|at|size|bytes|length|version|index|epoch)$/i
/** Seconds and milliseconds since 1970, until 2033. */
const EPOCH = /^1\d{9}(?:\d{3})?$/
const DATE = /^(?:0?\d{1,2}[./-]0?\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2})(?![./-]?\d)/
/** Numbers of cases, orders and invoices: 2026-00123. */
const OF_A_YEAR = /^(?:19|20)\d\d[-/ .]/
const MAX_CANDIDATES = 64

/**
 * Whether a text (ASCII digits) holds a telephone number: international, North American as people write it, national
 * with a leading 0 in one of a dozen countries, or any run or groups of digits that the text or its field's name calls a phone.
 * A text with more candidates than are worth checking is taken to hold one.
 * @param name the words of the field's name.
 */
export function hasPhone(text: string, name: string): boolean {
  let candidates = 0
  for (const [match] of text.matchAll(INTERNATIONAL)) {
    if (++candidates > MAX_CANDIDATES || isInternational('+' + match.replace(/^(?:\+|00|011)/, ''))) return true
  }
  if (NORTH_AMERICAN.test(text) || INDIAN.test(text)) return true
  for (const [match] of text.matchAll(NATIONAL)) {
    if (DATE.test(match)) continue
    if (++candidates > MAX_CANDIDATES || isNational(match)) return true
  }
  const named = CONTEXT.test(name) && namesPhone(name)
  const said = named || CONTEXT.test(text)
  if (said && hasGrouped(text, named)) return true
  if (STRONG.test(name) && namesPhone(name)) for (const [match] of text.matchAll(SHORT)) if (!EPOCH.test(match)) return true
  if (!said && !namesPhone(name)) return false
  for (const [match] of text.matchAll(BARE)) {
    if (EPOCH.test(match)) continue
    if (++candidates > MAX_CANDIDATES || /^[2-9]\d{2}[2-9]\d{6}$/.test(match) || isInternational('+' + match) || isNational(match)) return true
  }
  return false
}

/** Whether the words of a field's name make a phone of any run of digits. */
export function namesPhone(name: string): boolean {
  return !ID.test(name) && !QUANTITY.test(name) && (CONTEXT.test(name) || ADDRESS.test(name))
}

/** @param named the field's name says it, and not only a word in the text, which may speak of a call and of a case. */
function hasGrouped(text: string, named: boolean): boolean {
  for (const [match] of text.matchAll(GROUPED)) {
    const groups = match.match(/\d+/g) ?? []
    const digits = groups.join('').length
    if (digits < 7 || digits > 15 || DATE.test(match)) continue
    if (named ? groups.length > 2 || digits > 7 : (groups.length > 2 || digits > 8) && !OF_A_YEAR.test(match)) return true
  }
  return false
}

function isInternational(text: string): boolean {
  return parsePhoneNumberFromString(text)?.isPossible() ?? false
}

function isNational(text: string): boolean {
  return REGIONS.some((region) => parsePhoneNumberFromString(text, region)?.isValid() ?? false)
}
