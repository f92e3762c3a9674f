import { Buffer } from 'node:buffer'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { detect } from './detect.ts'
import { codeAfterCard, keyedCode, keysPressed } from './keyed.ts'
import { scanner } from './scan.ts'
import { judgeName, sayable } from './sensitive-names.ts'
import type { Suspicion } from './sensitive-names.ts'
import { isCardText, isCodeDigits, isCodeValue, isPinBlockValue, isTrackValue, pinDigits, sensitiveText } from './sensitive-text.ts'

/** An event that has none of this in its bytes has nothing to look for: one scan instead of a walk. `\u` and full-width letters hide names. */
const worthAWalk = scanner(
  [
    'cvv cvc cvd cvn cvp cve cav csc cid" cid2 c_v c-v c.v pin track strip swipe msr chip'.split(' '),
    'secur sicherheit segur sicur verif validation crypt krypt karten card signaturepanel'.split(' '),
    ['c v', 'code":"000"', 'code":"0000"', 'code":000', 'code": "000"', 'code": "0000"', 'code": 000'],
    'dtmf keypress keypad keyed pressed digits digit" input rentry uentry r_entry u_entry 0# 0* ,# ,* "#" "*" "pound" "star"'.split(' '),
    ['0 #', '0 *', 'r entry', 'u entry'],
    ['^', '\\u', ';0', '000000000000=', '000000000000d', '\xef\xbc', '\xef\xbd', '\xf0\x9d'],
  ].flat(),
)
/** Names under which key/value pairs keep their key, and their value. */
const NAMERS = new Set(
  'name key label field fieldName id attribute attributeName parameter param property prompt question slot slotName variable variableName title type Name Key'.split(
    ' ',
  ),
)
const VALUERS = new Set(
  'value val data text answer content input response digits stringValue numberValue rawValue raw entered dtmf Value code number'.split(' '),
)
const MAX_DEPTH = 200

interface Context {
  readonly card: boolean
  readonly address: boolean
}

const NOWHERE: Context = { card: false, address: false }

/**
 * Paths of everything in a value that is a card security code, track data or a PIN, judged by field names and what
 * surrounds them, in nested data, key/value pairs and JSON within strings; track data also by its own form (PCI DSS 3.3.1).
 * Empty for nearly all events. Paths name fields, never values.
 * @param bytes the JSON text of `value`, when it is at hand: lets most events off after one scan.
 */
export function sensitiveFields(value: JsonValue, bytes?: Uint8Array): string[] {
  if (bytes !== undefined && !worthAWalk(bytes)) return []
  const found: string[] = []
  visit(value, '', NOWHERE, 0, found)
  return [...new Set(found)]
}

function visit(value: JsonValue, path: string, around: Context, depth: number, found: string[]): void {
  if (typeof value === 'string') visitText(value, path, null, depth, found)
  else if (typeof value !== 'object' || value === null) return
  // Sources bound the depth; what is deeper than anyone can read is refused rather than waved through.
  else if (depth > MAX_DEPTH) found.push(path)
  else if (Array.isArray(value)) visitArray(value, path, around, depth, found)
  else visitObject(value, path, around, depth, found)
}

/** @param key the member of `path` that holds the text, or null when `path` itself does: a path is only made for what is found. */
function visitText(text: string, path: string, key: string | null, depth: number, found: string[]): void {
  if (text.length < 7 || isUuid(text)) return
  if (sensitiveText(text) !== null) {
    found.push(key === null ? path : below(path, key))
    return
  }
  const first = text.charCodeAt(0)
  // JSON within a string, as attributes often carry it.
  if ((first === 123 || first === 91) && worthAWalk(Buffer.from(text))) {
    try {
      visit(JSON.parse(text) as JsonValue, key === null ? path : below(path, key), NOWHERE, depth + 1, found)
    } catch {
      // not JSON: a text like any other
    }
  }
}

function visitArray(list: JsonValue[], path: string, around: Context, depth: number, found: string[]): void {
  const [name, value] = list
  if (list.length === 2 && typeof name === 'string') {
    const { suspicion } = judgeName(name)
    if (suspicion !== null && scalarHolds(suspicion, value as JsonValue, around, true)) found.push(`${path}[1]`)
  }
  const keys = list.length > 13 ? keysPressed(list) : null
  if (keys !== null ? keyedCode(keys) : codeAfterCard(entriesOf(list))) found.push(`${path}[]`)
  for (let i = 0; i < list.length; i++) visit(list[i] as JsonValue, `${path}[]`, around, depth + 1, found)
}

/** What was entered by keys, in order: values under names that say so, of an object or of a list of them. */
function entriesOf(value: JsonObject | readonly JsonValue[]): string[] {
  const entries: string[] = []
  const take = (object: JsonObject): void => {
    for (const key in object) {
      const each = object[key]
      if ((typeof each === 'string' || typeof each === 'number') && judgeName(key).keyed) entries.push(String(each))
    }
  }
  if (!Array.isArray(value)) take(value as JsonObject)
  else for (const each of value as readonly JsonValue[]) if (typeof each === 'object' && each !== null && !Array.isArray(each)) take(each)
  return entries
}

function visitObject(object: JsonObject, path: string, around: Context, depth: number, found: string[]): void {
  const keys = Object.keys(object)
  let here = around
  let suspicious = false
  let namer = false
  let valuer = false
  let keyed = 0
  for (const key of keys) {
    if (NAMERS.has(key)) namer = true
    if (VALUERS.has(key)) valuer = true
    const verdict = judgeName(key)
    if (verdict.suspicion !== null) suspicious = true
    if (verdict.keyed) keyed++
    if ((verdict.card && !here.card) || (verdict.address && !here.address)) here = { card: here.card || verdict.card, address: here.address || verdict.address }
  }
  if (suspicious && !here.card) for (const key of keys) if (isCard(object[key] as JsonValue)) here = { card: true, address: here.address }
  for (const key of keys) {
    const value = object[key] as JsonValue
    if (typeof value === 'string') {
      if (!suspicious && (value.length < 7 || isUuid(value))) continue
    } else if (!suspicious && typeof value !== 'object') continue
    if (suspicious) {
      const { suspicion } = judgeName(key)
      if (suspicion !== null && holds(suspicion, value, here, depth)) {
        found.push(below(path, key))
        continue
      }
    }
    if (typeof value === 'string') visitText(value, path, key, depth, found)
    else if (typeof value === 'object' && value !== null) visit(value, below(path, key), within(key, around), depth + 1, found)
  }
  if (keyed > 1 && codeAfterCard(entriesOf(object))) found.push(path === '' ? '(keys)' : path)
  if (namer && valuer) visitPair(object, keys, path, here, found)
}

function below(path: string, key: string): string {
  return path === '' ? shown(key) : path + '.' + shown(key)
}

/** What a key says of all that is below it. Siblings say nothing of what is below one another. */
function within(key: string, around: Context): Context {
  const { card, address } = judgeName(key)
  return (card && !around.card) || (address && !around.address) ? { card: card || around.card, address: address || around.address } : around
}

/** `{"name":"cvv","value":"123"}` and its many spellings. */
function visitPair(object: JsonObject, keys: readonly string[], path: string, here: Context, found: string[]): void {
  for (const namer of keys) {
    const name = object[namer]
    if (typeof name !== 'string' || !NAMERS.has(namer)) continue
    const { suspicion } = judgeName(name)
    if (suspicion === null) continue
    for (const valuer of keys) {
      if (valuer !== namer && VALUERS.has(valuer) && scalarHolds(suspicion, object[valuer] as JsonValue, here, true)) {
        found.push(`${path === '' ? '' : path + '.'}${valuer}(${shown(name)})`)
      }
    }
  }
}

/** Whether the value under a suspicious name is what the name says; of an object, its value-like members. */
function holds(suspicion: Suspicion, value: JsonValue, here: Context, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return scalarHolds(suspicion, value, here, false)
  if (depth > MAX_DEPTH) return true
  // Keys as they were pressed: ["1","2","3"].
  if (Array.isArray(value))
    return (
      scalarHolds(suspicion, value.filter((each) => typeof each !== 'object').join(''), here, false) ||
      value.some((each) => holds(suspicion, each, here, depth + 1))
    )
  const strict = suspicion === 'code' || suspicion === 'track'
  return Object.keys(value).some((key) => (strict ? !isAbout(key) : VALUERS.has(key)) && holds(suspicion, value[key] as JsonValue, here, depth + 1))
}

/** Whether a scalar is what the name it stands under says. @param pair in key/value pairs the name may be any text, so only digits count. */
function scalarHolds(suspicion: Suspicion, value: JsonValue, here: Context, pair: boolean): boolean {
  if (typeof value !== 'string' && typeof value !== 'number') return false
  const text = String(value)
  if (suspicion === 'code') return pair ? /\p{Nd}/u.test(text) && isCodeValue(text) : isCodeValue(text)
  if (suspicion === 'loose-code') return isCodeDigits(text)
  if (suspicion === 'card-code') return here.card && isCodeDigits(text)
  if (suspicion === 'track') return isTrackValue(text)
  if (suspicion === 'pin-block') return isPinBlockValue(text)
  const digits = pinDigits(value)
  if (digits === null) return false
  return suspicion === 'pin' || digits.length !== 6 || here.card || !here.address
}

/** Nothing but an id has this form, and half of all values are ids. */
function isUuid(text: string): boolean {
  return (
    text.length === 36 &&
    text.charCodeAt(8) === 45 &&
    text.charCodeAt(13) === 45 &&
    text.charCodeAt(18) === 45 &&
    text.charCodeAt(23) === 45 &&
    !/[^0-9a-fA-F-]/.test(text)
  )
}

function isAbout(key: string): boolean {
  return /result|response|check|match|status|valid|require|present|type|time|date|at$|length|attempt|enabled|id$|name$/i.test(key)
}

function isCard(value: JsonValue): boolean {
  return typeof value === 'string' ? isCardText(value) : typeof value === 'number' && value >= 1e12 && isCardText(String(value))
}

/** A name as a refusal may show it: senders can put anything into a key, so one that holds a number or address is not repeated. */
function shown(name: string): string {
  return name.length > 64 || detect(name, '') !== null || /\d{5,}/.test(name) ? '…' : sayable(name)
}
