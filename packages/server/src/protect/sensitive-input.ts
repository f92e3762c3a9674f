import { Buffer } from 'node:buffer'
import type { JsonValue } from '../event/json.ts'
import { asciiDigits } from './digits.ts'
import { sensitiveFields } from './sensitive.ts'
import { judgeName } from './sensitive-names.ts'
import { isCodeValue, isPinBlockValue, isTrackValue, pinDigits, sensitiveText } from './sensitive-text.ts'

/** A name and what is assigned to it, in JSON, form data, XML attributes or plain text. Bounded on both sides, so linear. */
const ASSIGNED = /["']?([\p{L}\p{N}_][\p{L}\p{N}_. -]{0,63}?)["']?\s{0,4}(?:[:=]|=>)\s{0,4}["']?([^"',;&<>{}\[\]\r\n]{1,64})/gu

/**
 * `sensitiveFields` for an input that may end in quarantine, so also for bytes that are not I-JSON or no JSON at all: there
 * every `name: value` in the text is judged, duplicates too. Not empty: not even a commitment to the bytes may be kept.
 * @param value the parsed input, or null when it is not I-JSON.
 */
export function sensitiveInput(value: JsonValue | null, bytes: Uint8Array): string[] {
  if (value !== null) return sensitiveFields(value, bytes)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).utf8Slice()
  const found = new Set<string>()
  const kind = sensitiveText(text)
  if (kind !== null) found.add(`(text: ${kind})`)
  const parsed = parse(text)
  if (parsed !== null) for (const path of sensitiveFields(parsed)) found.add(path)
  for (const [, name, assigned] of text.matchAll(ASSIGNED)) if (isSensitive(name as string, assigned as string)) found.add((name as string).replace(/\p{Nd}{3,}/gu, '…'))
  return [...found]
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
