import type { JsonValue } from '../event/json.ts'
import { isCardNumber } from './cards.ts'
import { asciiDigits } from './digits.ts'

// Keys as a caller pressed them (DTMF, ITU-T Q.23): digits, and `#` or `*` to end an entry.

/** Names of members that hold one key in a list of keys. */
const KEY = /^(?:digit|key|value|tone|dtmf|char|input|code|signal|event|button|pressed)$/i
const WORDS: ReadonlyMap<string, string> = new Map([
  ['pound', '#'],
  ['hash', '#'],
  ['star', '*'],
  ['asterisk', '*'],
])
/** A text that is nothing but keys, as one run or as a list. */
const ONLY_KEYS = /^[\d#*,;|\s"'[\]-]+$/
const ENTRIES = /(?<!\d)(\d{13,19})[#*]+(\d{3,4})(?!\d)(?:[#*]+(\d{3,4})(?!\d))?/g
const EXPIRY = /^(?:0[1-9]|1[0-2])\d\d$/

/** The keys of a list in which every element is one key or an object that holds one (or null), as a text; null for any other list. */
export function keysPressed(list: readonly JsonValue[]): string | null {
  let keys = ''
  for (const each of list) {
    if (each === null) continue
    const key = oneKey(each) ?? keyWithin(each)
    if (key === null) return null
    keys += key
  }
  return keys === '' ? null : keys
}

function oneKey(value: JsonValue): string | null {
  if (typeof value === 'number') return value >= 0 && value <= 9 && Number.isInteger(value) ? String(value) : null
  if (typeof value !== 'string' || value.length > 8) return null
  const key = asciiDigits(value)
  return /^[\dA-D#*]$/.test(key) ? key : (WORDS.get(key.toLowerCase()) ?? null)
}

function keyWithin(value: JsonValue): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  for (const name in value) {
    const key = KEY.test(name) ? oneKey(value[name] as JsonValue) : null
    if (key !== null) return key
  }
  return null
}

/** Whether a card number was entered: an entry is one, or one stands within a run of keys that says more, such as a menu's. */
export function keysHoldCard(keys: string): boolean {
  for (const entry of keys.split(/[^\d]+/)) {
    for (let from = 0; from + 13 <= entry.length; from++)
      for (let length = 13; length <= 19 && from + length <= entry.length; length++) if (isCardNumber(entry.slice(from, from + length))) return true
  }
  return false
}

/**
 * Whether a text holds, behind a card number entered by keys, an entry that is a security code or PIN: three digits, or four
 * that are no expiry date or follow an American Express number. `4111111111111111#1227#123#`.
 */
export function keyedCode(text: string): boolean {
  if (!/\d["',;|\s]{0,4}[#*]/.test(text)) return false
  const keys = ONLY_KEYS.test(text) ? text.replace(/[^\d#*]/g, '') : text
  for (const [, card, first, second] of keys.matchAll(ENTRIES))
    if (isCardNumber(card as string) && isCode(card as string, [first as string, ...(second === undefined ? [] : [second])])) return true
  return false
}

/** The same for entries that were each kept apart, in their order. */
export function codeAfterCard(entries: readonly string[]): boolean {
  for (let i = 0; i < entries.length - 1; i++) {
    const card = digitsOf(entries[i] as string)
    if (card.length >= 13 && isCardNumber(card) && isCode(card, entries.slice(i + 1, i + 3).map(digitsOf))) return true
  }
  return false
}

function isCode(card: string, entries: readonly string[]): boolean {
  const [first = '', second = ''] = entries
  if (/^\d{3}$/.test(first) || (/^\d{4}$/.test(first) && (card.length === 15 || !EXPIRY.test(first)))) return true
  return EXPIRY.test(first) && /^\d{3,4}$/.test(second)
}

/** The digits of an entry, or '' when it says something else. */
function digitsOf(entry: string): string {
  const text = asciiDigits(entry)
  return /^[\d\s#*-]+$/.test(text) ? text.replace(/\D/g, '') : ''
}
