import { addressAlias } from '../event/address.ts'
import type { JsonValue } from '../event/json.ts'
import type { Mask } from '../pack/pack.ts'

/** Stands for what is hidden, however long it is: a length tells something, too. */
export const HIDDEN = '***'

/** Elements of a list that are shown, each masked by itself. */
const MOST_ITEMS = 10
const GRAPHEMES = new Intl.Segmenter('und', { granularity: 'grapheme' })

/**
 * What somebody sees of a value that may not see it. Of a text at least half stays hidden, a short one is hidden whole, and
 * a character is shown whole or not at all; of a card number at most BIN and last four are shown (PCI DSS 3.4.1).
 */
export function masked(value: JsonValue, mask: Mask): string {
  if (Array.isArray(value)) return [...new Set(value.slice(0, MOST_ITEMS).map((each) => masked(Array.isArray(each) ? null : each, mask)))].join(', ')
  return typeof value === 'string' || typeof value === 'number' ? ofText(String(value), mask) : HIDDEN
}

function ofText(text: string, mask: Mask): string {
  if (typeof mask === 'object') return ends(text, mask.first, mask.last)
  switch (mask) {
    case 'card':
      return card(text, 6)
    case 'card-8':
      return card(text, 8)
    case 'last4':
      return ends(text, 0, 4)
    case 'phone':
      return phone(text)
    case 'email':
      return email(text)
    case 'address':
      return text.includes('@') && addressAlias(text)?.kind === 'email' ? email(text) : phone(text)
  }
}

/** PCI DSS 3.4.1. At least four digits stay hidden whatever the length, and anything that is not all digits is hidden whole. */
function card(text: string, bin: 6 | 8): string {
  const digits = text.replace(/[ -]/g, '')
  if (!/^\d{12,19}$/.test(digits)) return HIDDEN
  const first = digits.length < 14 ? 0 : digits.length < 16 ? 6 : bin
  return digits.slice(0, first) + HIDDEN + digits.slice(-4)
}

function phone(text: string): string {
  const alias = text.length <= 64 ? addressAlias(text) : null
  if (alias === null || alias.kind !== 'phone') return HIDDEN
  const digits = alias.value.replace(/\D/g, '')
  return digits.length < 8 ? HIDDEN : HIDDEN + digits.slice(-4)
}

/** First letter and top-level domain, if there are as many characters that stay hidden. */
function email(text: string): string {
  const parts = /^(?:mailto:)?([^@\s]+)@(?:[^@\s]+\.)?([A-Za-z]{2,10})$/i.exec(text)
  const [first] = GRAPHEMES.segment(parts?.[1] ?? '')
  if (parts === null || first === undefined) return HIDDEN
  const [local, top] = [parts[1] as string, parts[2] as string]
  const shown = first.segment.length + top.length
  return first.segment.length === local.length || 2 * shown > text.length - 2 ? HIDDEN : `${first.segment}${HIDDEN}@${HIDDEN}.${top}`
}

/** The first and last characters as people count them; code units are counted as well, since one character may be most of a text. */
function ends(text: string, first: number, last: number): string {
  // attacker: a value may be as long as an event. The middle of it need not be looked at.
  const near = 64 * Math.max(first, last)
  const whole = text.length <= 2 * near
  const head = charactersOf(whole ? text : text.slice(0, near))
  const tail = whole ? head : charactersOf(text.slice(-near))
  if (2 * (first + last) > head.length || last >= tail.length) return HIDDEN
  const [start, end] = [head.slice(0, first).join(''), last === 0 ? '' : tail.slice(-last).join('')]
  return 2 * (start.length + end.length) > text.length ? HIDDEN : start + HIDDEN + end
}

function charactersOf(text: string): string[] {
  return Array.from(GRAPHEMES.segment(text), ({ segment }) => segment)
}
