import { Buffer } from 'node:buffer'
import type { JsonValue } from '../event/json.ts'
import { asciiDigits } from './digits.ts'
import { sensitiveFields } from './sensitive.ts'
import { judgeName, sayable } from './sensitive-names.ts'
import { isCodeValue, isPinBlockValue, isTrackValue, pinDigits, sensitiveText } from './sensitive-text.ts'

/** Deeper than `sensitiveFields` goes: such a value is judged by its text alone. */
const MAX_DEPTH = 150
/** A name and what is assigned to it, in JSON, form data, XML attributes or plain text. Bounded on both sides, so linear. */
const ASSIGNED = /["']?([\p{L}\p{N}_][\p{L}\p{N}_. -]{0,63}?)["']?\s{0,4}(?:[:=]|=>)\s{0,4}["']?([^"',;&<>{}\[\]\r\n]{1,64})/gu

/**
 * `sensitiveFields` for an input that may end in quarantine, so also for bytes that are not I-JSON or no JSON at all: there
 * every `name: value` in the text is judged, duplicates too. Not empty: not even a commitment to the bytes may be kept.
 * @param value the parsed input, or null when it is not I-JSON.
 */
export function sensitiveInput(value: JsonValue | null, bytes: Uint8Array): string[] {
  if (value !== null) return sensitiveFields(value, bytes)
  // Without zeros, UTF-16 reads as what it says.
  const written = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).utf8Slice().replaceAll('\0', '')
  const text = written.includes('\\u') ? written.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))) : written
  const found = new Set<string>()
  const kind = sensitiveText(text)
  if (kind !== null) found.add(`(text: ${kind})`)
  const parsed = parse(written)
  if (parsed !== null && !isDeeper(parsed, MAX_DEPTH)) for (const path of sensitiveFields(parsed)) found.add(path)
  for (const [, name, assigned] of text.matchAll(ASSIGNED))
    if (isSensitive(name as string, assigned as string)) found.add(sayable((name as string).trim()).replace(/\p{Nd}{3,}/gu, '…'))
  return [...found]
}

/**
 * The text with everything masked that could be sensitive data, also spelled out or encrypted: what is left may tell two
 * refused inputs apart, and a keyed hash of it commits to no value.
 */
export function withoutValues(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).utf8Slice()
  return text
    .replace(/[A-Za-z0-9+/=_]{16,}/g, 'x')
    .replace(/\p{Nd}/gu, '0')
    .replace(/\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b/gi, '0')
}

function isDeeper(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1))
}

/** Duplicate keys and numbers out of range are not I-JSON, and still JSON: a walk sees what the text alone does not show, such as escapes. */
function parse(text: string): JsonValue | null {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return null
  }
}

function isSensitive(name: string, value: string): boolean {
  const { suspicion } = judgeName(name.trim())
  if (suspicion === null) return false
  if (suspicion === 'track') return isTrackValue(value)
  if (suspicion === 'pin-block') return isPinBlockValue(value)
  if (suspicion === 'pin' || suspicion === 'pin-code') return pinDigits(value) !== null
  // Text has no structure that would say where a card is; beside a bare `code` only the strict names count.
  if (suspicion === 'card-code') return false
  return /\d/.test(asciiDigits(value)) && isCodeValue(value)
}
