import { hasCardNumber, isCardNumber } from './cards.ts'
import { asciiDigits } from './digits.ts'
import { hasEmail } from './emails.ts'
import { hasIban } from './ibans.ts'
import { hasPhone, namesPhone } from './phones.ts'
import { hasSsn, namesSsn } from './ssn.ts'

/** What a text was found to hold. */
export type Detected = 'card' | 'iban' | 'email' | 'ssn' | 'phone'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const WHOLE_UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/
/** RFC 3339 and ISO 8601 date-times. */
const TIME = /(?<!\d)\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?Z| ?[+-]\d\d(?::?\d\d)?)?)?(?!\d)/g
const WHOLE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?$/
/** ASCII without `@`. */
// oxlint-disable-next-line no-control-regex
const SIMPLE = /^[\x00-?A-\x7f]*$/
// oxlint-disable-next-line no-control-regex
const INTERESTING = /[@0-9]|[^\x00-\x7f]/
const CACHED_LENGTH = 128
const CACHE_SIZE = 16_384

let cache = new Map<string, Detected | null>()

/**
 * The first kind of personal number or address a text holds, or null. The second line of defence, behind the
 * classification of fields: it looks at texts nobody calls personal. Linear in the text's length.
 * @param name the field's own name: `phone` makes a phone of digits that elsewhere would be an id.
 */
export function detect(text: string, name: string): Detected | null {
  const length = text.length
  if (length < 6) return null
  if (length === 36 && text.charCodeAt(8) === 45 && WHOLE_UUID.test(text)) return null // half of all values
  if (!INTERESTING.test(text)) return null
  if (length > CACHED_LENGTH) return look(text, name)
  // Most texts are ids, times and enumerations: they are let off before the cache, which they would only fill.
  if (isHarmless(text)) return null
  const key = name + '\n' + text
  const known = cache.get(key)
  if (known !== undefined) return known
  // Attacker: senders choose these texts; dropping the whole cache bounds it.
  if (cache.size >= CACHE_SIZE) cache = new Map()
  const found = look(text, name)
  cache.set(key, found)
  return found
}

/** Texts that were looked at are in this thread's memory no more. */
export function forgetDetected(): void {
  cache = new Map()
}

/** True for texts without `@`, in ASCII, with fewer than seven digits outside of ids and times. */
function isHarmless(text: string): boolean {
  if (!SIMPLE.test(text)) return false
  if (countDigits(text) < 7) return true
  if (text.charCodeAt(4) === 45 && WHOLE_TIME.test(text)) return true
  return text.length > 36 && countDigits(text.replace(UUID, '#')) < 7
}

/**
 * What a JSON number is: a card number by itself, a telephone or social security number where its field's name says so;
 * other numbers are not told from ids and times.
 */
export function detectNumber(value: number, name: string): Detected | null {
  if (value < 1e7 || value >= 1e19 || !Number.isInteger(value)) return null
  if (value >= 1e12 && value <= Number.MAX_SAFE_INTEGER && isCardNumber(String(value))) return 'card'
  return value < 1e15 && namesNumber(name) ? detect(String(value), name) : null
}

let names = new Map<string, boolean>()

function namesNumber(name: string): boolean {
  const known = names.get(name)
  if (known !== undefined) return known
  // Attacker: senders choose names; dropping the whole cache bounds it.
  if (names.size >= CACHE_SIZE) names = new Map()
  const words = wordsOf(name)
  const found = namesPhone(words) || namesSsn(words)
  names.set(name, found)
  return found
}

/** Whether a text holds a card number: such a text never becomes a search token. */
export function holdsCard(text: string): boolean {
  if (text.length < 13) return false
  // oxlint-disable-next-line no-control-regex
  if (countDigits(text) < 13 && /^[\x00-\x7f]*$/.test(text)) return false
  return hasCardNumber(asciiDigits(text).replace(UUID, ' # '))
}

function look(text: string, name: string): Detected | null {
  // Ids and times are taken out first, by characters no number may contain.
  const spelled = asciiDigits(text)
  const ascii = spelled.replace(UUID, ' # ').replace(TIME, ' # ')
  const words = wordsOf(name)
  const digits = countDigits(ascii)
  if (digits >= 7 && hasIban(ascii)) return 'iban'
  if (digits >= 13 && hasCardNumber(ascii)) return 'card'
  if (ascii.includes('@') && hasEmail(spelled)) return 'email'
  if (digits >= 9 && hasSsn(ascii, words)) return 'ssn'
  if (digits >= 7 && hasPhone(ascii, words)) return 'phone'
  return null
}

/** `callerPhone_2` as words. */
function wordsOf(name: string): string {
  return name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/[_.-]/g, ' ')
}

/** Up to 19: more make no difference. */
function countDigits(text: string): number {
  let count = 0
  for (let i = 0; i < text.length && count < 19; i++) {
    const code = text.charCodeAt(i)
    if (code >= 48 && code <= 57) count++
  }
  return count
}
