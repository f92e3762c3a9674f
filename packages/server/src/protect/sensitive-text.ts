import { hasCardNumber, isCardNumber } from './cards.ts'
import { asciiDigits } from './digits.ts'
import { keyedCode } from './keyed.ts'

/** ISO/IEC 7813 track 1: `%B` number `^` name `^` expiry…; the start sentinel may have been lost. */
const TRACK_1 = /(?:%\s?[A-Z]?|\bB)\d{1,19}\^[^^]{0,60}\^/i
/** Track 2: `;` number `=` expiry, service code, discretionary data `?`; in EMV tag 57 `=` is the hex digit D. */
const TRACK_2 = /(;?)\s?(\d{12,19})([=D])(\d{4,40})(\??)/gi
const CODE_TEXT =
  /\b(?:cvv2?|cvc2?|cvn2|cav2|card\s+(?:security|verification|validation)\s+(?:code|number|value|digits)|security\s+code\s+(?:on|of|for|from)\s+(?:the|my|your|this)\s+card)\b[^\d\n]{0,24}(?<!\d)\d(?:[ -]?\d){2,3}(?![\d/]|[ -]\d)/i
const PIN_TEXT = /\bpin(?:\s+(?:code|number|no\.?))?\s*(?:is|was|=|:|#|->)\s*\d(?:[ -]?\d){3,5}(?!\d|[ -]\d)/i
const HINT = /cv[vcn]|cav2|\bpin\b|card\s+(?:security|verification|validation)|security\s+code/i

/** Every form below has one of these. */
// oxlint-disable-next-line no-control-regex
const LIKELY = /[\s:=#*^;>]|\d{12}d\d{4}|cv[vcn]2?\d|cav2\d|[^\x00-\x7f]/i

/** What of sensitive authentication data a text holds in itself, whatever its field is called. */
export function sensitiveText(text: string): 'track' | 'code' | 'pin' | null {
  if (text.length < 7 || !LIKELY.test(text)) return null
  if (text.includes('^') && TRACK_1.test(asciiDigits(text))) return 'track'
  if (text.length >= 17 && /\d[=Dd]\d{4}/.test(text) && hasTrack2(text)) return 'track'
  if (/[#*]/.test(text) && keyedCode(asciiDigits(text))) return 'code'
  if (!HINT.test(text)) return null
  const ascii = asciiDigits(text)
  return CODE_TEXT.test(ascii) ? 'code' : PIN_TEXT.test(ascii) ? 'pin' : null
}

function hasTrack2(text: string): boolean {
  for (const [, start, number, , , end] of asciiDigits(text).matchAll(TRACK_2)) {
    if ((start === ';' && end === '?') || isCardNumber(number as string)) return true
  }
  return false
}

const MASKED = /^[\s*xX\u2022#._-]*$/
const SPELLED = /^(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)[\s,.-]*){3,4}$/i

/** Whether a scalar under the name of a security code is one: it has a digit, is spelled out, or is an unbroken word that may be its ciphertext. */
export function isCodeValue(text: string): boolean {
  if (MASKED.test(text)) return false
  return /\p{Nd}/u.test(text) || SPELLED.test(text) || /^\S{16,}$/.test(text)
}

/** Exactly three or four digits. */
export function isCodeDigits(text: string): boolean {
  return /^\s*\d[\s-]?\d[\s-]?\d(?:[\s-]?\d)?\s*#?$/.test(asciiDigits(text))
}

/** Four to twelve digits (ISO 9564-1 section 8.1), as keyed: separators, `*` and `#` aside. Three as a number, whose leading zero JSON cannot say. */
export function pinDigits(value: string | number): string | null {
  const digits = asciiDigits(String(value)).replace(/[\s.,*#-]/g, '')
  if (!/^\d+$/.test(digits) || digits.length > 12) return null
  return digits.length >= 4 || (typeof value === 'number' && digits.length === 3) ? digits : null
}

/** Whether a scalar under the name of track data is some: many digits, a sentinel, or an unbroken word that may be its ciphertext. */
export function isTrackValue(text: string): boolean {
  if (MASKED.test(text)) return false
  return (asciiDigits(text).match(/\d/g)?.length ?? 0) >= 8 || /[\^]|^[%;]/.test(text) || /^\S{16,}$/.test(text)
}

/** Whether a scalar under the name of a PIN block is one. */
export function isPinBlockValue(text: string): boolean {
  return !MASKED.test(text) && /[0-9a-z+/=]{4,}/i.test(text) && /\p{Nd}|\S{16,}/u.test(text)
}

/** Whether a text is a card number and little else: it makes a `cid` beside it a security code. */
export function isCardText(text: string): boolean {
  return text.length >= 13 && text.length <= 40 && hasCardNumber(asciiDigits(text))
}
