const ANY: readonly number[] = [13, 14, 15, 16, 17, 18, 19]
const FROM_16: readonly number[] = [16, 17, 18, 19]

/**
 * Issuer ranges: first digits from..to (compared as text), and the lengths a card number of the range has, as networks and
 * processors publish them. Ranges of networks that no longer exist, and UATP (`1…`, 15 digits: it would hit one in ten ids
 * of Meta's platforms), are left out, and so is Maestro's length 12: too many ids are that long.
 */
const RANGES: ReadonlyArray<readonly [from: string, to: string, lengths: readonly number[]]> = [
  ['4', '4', [13, 16, 18, 19]], // Visa
  ['51', '55', [16]], // Mastercard
  ['2221', '2720', [16]], // Mastercard, 2-series
  ['34', '34', [15]], // American Express
  ['37', '37', [15]],
  ['300', '305', [14, 16, 19]], // Diners Club; not 17, as order numbers of a large shop are
  ['3095', '3095', [14, 16, 19]],
  ['36', '36', [14, 16, 19]],
  ['38', '39', [14, 16, 19]],
  ['6011', '6011', FROM_16], // Discover
  ['644', '659', FROM_16], // Discover, RuPay, Troy, Verve, Elo
  ['3528', '3589', FROM_16], // JCB, RuPay, LankaPay
  ['60', '60', FROM_16], // RuPay, Hipercard, UkrCard
  ['81', '82', FROM_16], // UnionPay, RuPay
  ['62', '62', FROM_16], // UnionPay
  ['50', '50', ANY], // Maestro, Verve, RuPay, Dankort, Elo, Meeza
  ['56', '58', ANY], // Maestro, Uzcard
  ['63', '63', ANY], // Maestro, Elo, InterPayment, InstaPayment
  ['67', '67', ANY], // Maestro
  ['2200', '2205', FROM_16], // Mir, BORICA
  ['9112', '9112', [16]], // Belkart
  ['9682', '9682', [16]], // mada
  ['9704', '9704', [16, 19]], // NAPAS
  ['9792', '9792', [16]], // Troy
  ['8600', '8600', [16]], // Uzcard
  ['9860', '9860', [16]], // Humo
]

/** Ranges by first digit. */
const BY_FIRST: ReadonlyArray<ReadonlyArray<readonly [string, string, readonly number[]]>> = Array.from({ length: 10 }, (_, digit) =>
  RANGES.filter(([from]) => from.startsWith(String(digit))),
)

/** Whether 13 to 19 ASCII digits are a card number: in an issuer range, of its length, with a right check digit (ISO/IEC 7812-1). */
export function isCardNumber(digits: string): boolean {
  if (digits.length < 13 || digits.length > 19) return false
  const ranges = BY_FIRST[digits.charCodeAt(0) - 48] ?? []
  if (!ranges.some(([from, to, lengths]) => lengths.includes(digits.length) && within(digits, from, to))) return false
  return luhn(digits) && !/^(\d)\1*$/.test(digits)
}

function within(digits: string, from: string, to: string): boolean {
  const head = digits.slice(0, from.length)
  return head >= from && head <= to
}

function luhn(digits: string): boolean {
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits.charCodeAt(i) - 48
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

/** As in `4111 - 1111`. */
const MAX_GAP = 3
/** Between the members of a list in a text: `4,1,1` and `"4111", "1111"`. */
const LISTED = /^["']? ?[,;|] ?["']?$/

/**
 * Whether a text (ASCII digits) holds a card number, plain or in groups apart by up to three of space, dash, dot, slash or
 * underscore, or as a list of single keys or fours. A run of digits is one group: no number is sought inside a longer run,
 * or every long id would hold one. Linear: a window spans at most 19 groups.
 */
export function hasCardNumber(text: string): boolean {
  const groups = digitGroups(text)
  for (let first = 0; first < groups.length; first++) {
    let digits = ''
    let listed = false
    for (let last = first; last < groups.length; last++) {
      const group = groups[last] as Group
      if (last > first) {
        const before = groups[last - 1] as Group
        const gap = text.slice(before.to, Math.min(group.from, before.to + MAX_GAP + 3))
        if (LISTED.test(gap)) listed = true
        else if (gap.length > MAX_GAP || !isGap(gap)) break
      }
      digits += text.slice(group.from, group.to)
      if (digits.length > 19) break
      if (
        digits.length >= 13 &&
        isGrouping(groups, first, last, listed) &&
        isCardNumber(digits) &&
        (digits.length > 14 || !isInWord(text, groups[first] as Group, group))
      )
        return true
    }
  }
  return false
}

interface Group {
  readonly from: number
  readonly to: number
}

function digitGroups(text: string): Group[] {
  const groups: Group[] = []
  for (const match of text.matchAll(/\d+/g)) {
    const to = match.index + match[0].length
    if (match[0].length <= 19 && !inHexWord(text, match.index, to)) groups.push({ from: match.index, to })
  }
  return groups
}

/** People group by three digits and more; shorter groups must be of one length, or a list of small numbers would do. */
function isGrouping(groups: readonly Group[], first: number, last: number, listed: boolean): boolean {
  const length = lengthOf(groups[first] as Group)
  let short = false
  let even = true
  for (let i = first; i < last; i++) {
    const each = lengthOf(groups[i] as Group)
    if (each < 3) short = true
    if (each !== length) even = false
  }
  if (listed && length !== 1 && length !== 4) return false
  return (!short && !listed) || (even && lengthOf(groups[last] as Group) <= length)
}

function lengthOf(group: Group): number {
  return group.to - group.from
}

/** Numbers of 13 and 14 digits are few, and ids with letters in front of digits are many. */
function isInWord(text: string, first: Group, last: Group): boolean {
  return /[a-z]$/i.test(text.slice(Math.max(0, first.from - 1), first.from)) || /^[a-z]/i.test(text.slice(last.to, last.to + 1))
}

function isGap(gap: string): boolean {
  for (const char of gap) if (!' -./_\t\r\n'.includes(char)) return false
  return true
}

/** Digits within a longer word of hex letters, such as a digest, are no number. */
function inHexWord(text: string, from: number, to: number): boolean {
  let low = from
  let high = to
  while (low > 0 && from - low < 24 && isHexLetterOrDigit(text.charCodeAt(low - 1))) low--
  while (high < text.length && high - to < 24 && isHexLetterOrDigit(text.charCodeAt(high))) high++
  return high - low >= 24 && high - low > to - from
}

function isHexLetterOrDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70)
}
