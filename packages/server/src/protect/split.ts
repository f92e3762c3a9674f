import type { JsonObject, JsonValue } from '../event/json.ts'
import { isCardNumber } from './cards.ts'
import { asciiDigits } from './digits.ts'
import { ibanLength, isIban } from './ibans.ts'
import { keysHoldCard, keysPressed } from './keyed.ts'
import { judgeName } from './sensitive-names.ts'

/** What a number cut into pieces was found to be, and the members that hold them. */
export interface SplitHit {
  readonly kind: 'card' | 'iban'
  readonly keys: readonly string[]
}

interface Piece {
  readonly key: string
  readonly text: string
  /** Its place among the members. */
  readonly at: number
  /** A JSON number: most are counts and times, so they need a reason to be taken for pieces. */
  readonly number: boolean
}

/** Fewer digits than this in the pieces of a container: nothing is looked for. No number this file finds has less. */
const WORTH = 8
const MAX_PIECE = 24
/** How card numbers are printed: what pieces of these lengths make together is a card number whatever they are called. */
const PRINTED = new Set(['4-4-4-4', '4-6-5', '4-6-4', '6-6-4', '4-4-4-4-2', '4-4-4-4-3'])
const SPEAKING = /\b(?:cards?|pan|iban|cc|acct|digits?|dtmf|keys|keyed|keypad|key ?press(?:es)?|pieces?|parts?|blocks?|chunks?)\b/i
const ORDINAL = /\d+|(?:first|second|third|fourth|fifth|last|start|middle|mid|end|head|tail|begin)(?![a-z])/gi

/**
 * How many digits a value brings that stays in clear and may be a piece of a number; 0 for nearly all values. Made for the
 * hot path: a container is looked at only when its pieces together bring enough.
 */
export function pieceDigits(value: JsonValue): number {
  if (typeof value === 'number') return value >= 0 && value <= 9999 && Number.isInteger(value) ? (value > 999 ? 4 : value > 99 ? 3 : value > 9 ? 2 : 1) : 0
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_PIECE) return 0
  const first = value.charCodeAt(0)
  if (first >= 48 && first <= 57) return value.charCodeAt(4) === 45 && value.charCodeAt(7) === 45 ? 0 : countDigits(value) // no ISO dates
  if (first > 127) return countDigits(asciiDigits(value))
  // `DE89`: an IBAN begins.
  return value.length > 3 && isLetter(first) && isLetter(value.charCodeAt(1)) && isDigit(value.charCodeAt(2)) && isDigit(value.charCodeAt(3))
    ? countDigits(value)
    : 0
}

/** Whether pieces that bring so many digits are worth a look. */
export function worthJoining(pieces: number, digits: number): boolean {
  return pieces > 1 && digits >= WORTH
}

/**
 * Card numbers and IBANs cut over the members of an object: neighbours in document order, or members whose names differ in
 * a number only (`card1` … `card4`), in the order of these numbers. Linear in the number of members but for sorting.
 * @param members what stays in clear; others part neighbours.
 * @param name of the object itself.
 */
export function splitInMembers(members: JsonObject, name: string): SplitHit[] {
  const pieces: Piece[] = []
  let at = 0
  for (const key in members) {
    const text = pieceText(members[key] as JsonValue)
    if (text !== null) pieces.push({ key, text, at, number: typeof members[key] === 'number' })
    at++
  }
  const found: SplitHit[] = []
  const spoken = speaks(name)
  search(
    pieces,
    (a, b) => a.at + 1 === b.at,
    (window) => spoken || isNumberByForm(window) || isNumberByName(window),
    found,
  )
  const byStem = new Map<string, Piece[]>()
  for (const piece of pieces) {
    const stem = stemOf(piece.key)
    const others = byStem.get(stem)
    if (others === undefined) byStem.set(stem, [piece])
    else others.push(piece)
  }
  for (const group of byStem.values()) {
    if (group.length < 2) continue
    const sorted = [...group].sort((a, b) => indexOf(a.key) - indexOf(b.key))
    search(
      sorted,
      () => true,
      (window) => !window.some((piece) => piece.number) || isNumberByForm(window) || isNumberByName(window),
      found,
    )
  }
  // Both searches may find the same pieces.
  const seen = new Set<string>()
  return found.filter(({ keys }) => {
    const fresh = keys.some((key) => !seen.has(key))
    for (const key of keys) seen.add(key)
    return fresh
  })
}

/** Whether a list that stays in clear holds a card number or IBAN in pieces, or as keys that were pressed. @param name of the list. */
export function splitInList(list: readonly JsonValue[], name: string): SplitHit['kind'] | null {
  const keys = keysPressed(list)
  if (keys !== null) return keysHoldCard(keys) ? 'card' : null
  const pieces: Piece[] = []
  for (const [at, each] of list.entries()) {
    const text = pieceText(each)
    if (text !== null) pieces.push({ key: '', text, at, number: typeof each === 'number' })
  }
  const found: SplitHit[] = []
  const whole = pieces.length === list.length
  const spoken = speaks(name)
  search(
    pieces,
    (a, b) => a.at + 1 === b.at,
    (window) => spoken || isNumberByForm(window) || (whole && window.length === pieces.length && !window.some((piece) => piece.number)),
    found,
  )
  return found[0]?.kind ?? null
}

/** Every window of neighbours: at most 19 pieces of a card number, or as many as an IBAN of the country has characters. */
function search(pieces: readonly Piece[], joins: (a: Piece, b: Piece) => boolean, means: (window: readonly Piece[]) => boolean, found: SplitHit[]): void {
  for (let first = 0; first < pieces.length; first++) {
    const start = (pieces[first] as Piece).text
    const iban = /^[a-z]{2}(?:\d|$)/i.test(start) ? ibanLength(start.slice(0, 2)) : undefined
    if (iban === undefined && !/^\d+$/.test(start)) continue
    const limit = iban ?? 19
    let text = start
    for (let last = first + 1; last < pieces.length; last++) {
      if (!joins(pieces[last - 1] as Piece, pieces[last] as Piece)) break
      if (iban === undefined && !/^\d+$/.test((pieces[last] as Piece).text)) break
      text += padded(pieces, first, last)
      if (text.length > limit) break
      const window = pieces.slice(first, last + 1)
      const kind =
        iban === undefined ? (text.length >= 13 && isCardNumber(text) && means(window) ? 'card' : null) : text.length === iban && isIban(text) ? 'iban' : null
      if (kind === null) continue
      found.push({ kind, keys: window.map((piece) => piece.key) })
      first = last
      break
    }
  }
}

/** JSON numbers lose leading zeros: among fours, 56 is 0056. */
function padded(pieces: readonly Piece[], first: number, at: number): string {
  const piece = pieces[at] as Piece
  return piece.number && (pieces[first] as Piece).text.length === 4 && piece.text.length < 4 && at - first < 4 ? piece.text.padStart(4, '0') : piece.text
}

function isNumberByForm(window: readonly Piece[]): boolean {
  const numbers = window.some((piece) => piece.number)
  return numbers ? window.length === 4 && window.every((piece) => piece.text.length <= 4) : PRINTED.has(window.map((piece) => piece.text.length).join('-'))
}

function isNumberByName(window: readonly Piece[]): boolean {
  return window.some((piece) => speaks(piece.key))
}

function speaks(name: string): boolean {
  return judgeName(name).card || SPEAKING.test(name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[\d_.-]+/g, ' '))
}

/** Letters and digits of a scalar that may be a piece, without gaps; null for any other. */
function pieceText(value: JsonValue): string | null {
  if (typeof value === 'number') return value >= 0 && value < 1e10 && Number.isInteger(value) ? String(value) : null
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_PIECE) return null
  const text = asciiDigits(value).replace(/[ -]/g, '')
  return /^[a-z\d]+$/i.test(text) ? text : null
}

function stemOf(key: string): string {
  return key.replace(ORDINAL, '').toLowerCase()
}

function indexOf(key: string): number {
  const digits = /\d+/.exec(key)
  return digits === null ? 0 : Number(digits[0])
}

function countDigits(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) if (isDigit(text.charCodeAt(i))) count++
  return count
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}
