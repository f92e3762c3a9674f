// Presidio's patterns, to compare with: quoted as facts from microsoft/presidio at 0aa9f8e44275cb52c00fbbebe19168e934e1f076
// (2026-07-02; MIT License, Copyright (c) Presidio Contributors), presidio_analyzer/predefined_recognizers/: generic/
// credit_card, email, iban, phone, country_specific/us/us_ssn. Ported: expressions, scores, context words, validators.
//
// What differs: Python's \d \w \b know Unicode, so they are written out; the check of an e-mail's domain against the list of
// public suffixes is whether its last label has two letters (no list here); telephone numbers are looked for with the
// JavaScript port of the library that Presidio uses in Python, in its default regions ("UK" is none: GB is meant, and not found).
import { findPhoneNumbersInText } from 'libphonenumber-js/max'
import type { CountryCode } from 'libphonenumber-js/max'
import { isIban } from '../../src/protect/ibans.ts'

export type Kind = 'card' | 'iban' | 'email' | 'ssn' | 'phone'

export interface Guess {
  readonly kind: Kind
  /** 0 to 1, as its analyzer tells it: the pattern's, 1 when a validator confirms it, 0.35 more near a context word. */
  readonly score: number
}

const B = '(?:(?<![\\p{L}\\p{N}_])(?=[\\p{L}\\p{N}_])|(?<=[\\p{L}\\p{N}_])(?![\\p{L}\\p{N}_]))'
const D = '\\p{Nd}'
const W = '[\\p{L}\\p{N}_]'
const regex = (text: string, flags = 'giu'): RegExp => new RegExp(text.replaceAll('\\b', B).replaceAll('\\d', D).replaceAll('\\w', W), flags)

const CARD = regex('\\b(?!1\\d{12}(?!\\d))((4\\d{3})|(5[0-5]\\d{2})|(6\\d{3})|(1\\d{3})|(3\\d{3}))[- ]?(\\d{3,4})[- ]?(\\d{3,4})[- ]?(\\d{3,5})\\b')
const LOCAL = "!#$%&'*+\\-/=?^_`\\{\\|\\}~\\p{L}\\p{N}"
const EMAIL = regex(`\\b(([${LOCAL}])|([${LOCAL}][${LOCAL}.]*[${LOCAL}]))@\\w+(?:-+\\w+)*(?:\\.\\w+(?:-+\\w+)*)+\\b`)
const SSN: ReadonlyArray<readonly [RegExp, number]> = [
  [regex('\\b([0-9]{5})-([0-9]{4})\\b'), 0.05],
  [regex('\\b([0-9]{3})-([0-9]{6})\\b'), 0.05],
  [regex('\\b(([0-9]{3})-([0-9]{2})-([0-9]{4}))\\b'), 0.05],
  [regex('\\b[0-9]{9}\\b'), 0.05],
  [regex('\\b([0-9]{3})[\\- .]([0-9]{2})[\\- .]([0-9]{4})\\b'), 0.5],
]
const IBAN = /(?<![A-Z0-9])([A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,6})((?:[ -]?[A-Z0-9]{4})?)((?:[ -]?[A-Z0-9]{1,3})?)(?![A-Z0-9])/gms
/** Countries whose form it knows. */
const IBAN_COUNTRIES = new Set(
  'AL AD AT AZ BH BY BE BA BR BG CR HR CY CZ DK DO TL EE FO FI FR GE DE GI GR GL GT HU IS IE IL IT JO KZ XK KW LV LB LI LT LU MT MR MU MD MC ME NL MK NO PK PS PL PT QA RO SM SA RS SK SI ES SE CH TN TR AE GB VA VG EG IQ LY LC SC UA'.split(
    ' ',
  ),
)
const REGIONS: readonly CountryCode[] = ['US', 'DE', 'FR', 'IL', 'IN', 'CA', 'BR']
const CONTEXT: Readonly<Record<Kind, readonly string[]>> = {
  card: ['credit', 'card', 'visa', 'mastercard', 'cc', 'amex', 'discover', 'jcb', 'diners', 'maestro', 'instapayment'],
  email: ['email'],
  iban: ['iban', 'bank', 'transaction'],
  phone: ['phone', 'number', 'telephone', 'cell', 'cellphone', 'mobile', 'call'],
  ssn: ['social', 'security', 'ssn', 'ssns', 'ssid'],
}

/** Everything Presidio's patterns find in a text. @param name of the field: its words count as context, as its API allows. */
export function presidio(text: string, name: string): Guess[] {
  const guesses: Guess[] = []
  const add = (kind: Kind, score: number): void =>
    void guesses.push({ kind, score: Math.min(1, hasContext(kind, text, name) ? Math.max(score + 0.35, 0.4) : score) })
  for (const [match] of text.matchAll(CARD)) if (luhn(match.replace(/[- ]/g, ''))) add('card', 1)
  for (const [match] of text.matchAll(EMAIL)) if (/\.[^.]*\p{L}[^.]*\p{L}[^.]*$/u.test(match)) add('email', 1)
  for (const [pattern, score] of SSN) for (const [match] of text.matchAll(pattern)) if (!isNoSsn(match)) add('ssn', score)
  for (const match of text.matchAll(IBAN)) {
    const [whole, first, second] = match
    const shorter = [whole, whole.slice(0, (first as string).length + (second as string).length), first as string]
    const confirmed = shorter.some((each) => {
      const iban = each.replace(/[- ]/g, '')
      return IBAN_COUNTRIES.has(iban.slice(0, 2)) && isIban(iban)
    })
    if (confirmed) add('iban', 1)
  }
  if (REGIONS.some((region) => findPhoneNumbersInText(text, { defaultCountry: region, extended: true }).length > 0)) add('phone', 0.4)
  return guesses
}

/** Its enhancer compares lemmas of words near the match; texts of the corpus are short, so every word is near. */
function hasContext(kind: Kind, text: string, name: string): boolean {
  const words: readonly string[] = `${name.replace(/([a-z])([A-Z])/g, '$1 $2')} ${text}`.toLowerCase().match(/\p{L}+/gu) ?? []
  return CONTEXT[kind].some((word) => words.includes(word))
}

function luhn(text: string): boolean {
  const digits = [...text].map((char) => Number(char))
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits[i] as number
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

function isNoSsn(text: string): boolean {
  if (new Set(text.match(/[-. ]/g) ?? []).size > 1) return true
  const digits = text.replace(/\D/g, '')
  if (/^(\d)\1*$/.test(digits) || digits.slice(3, 5) === '00' || digits.slice(5) === '0000') return true
  return ['000', '666', '123456789', '98765432', '078051120'].some((start) => digits.startsWith(start))
}
