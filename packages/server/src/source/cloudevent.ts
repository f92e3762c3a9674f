import { parseIJson } from '@sealtrail/evidence'
import type { JsonLimits } from '@sealtrail/evidence'
import type { JsonObject } from '../event/json.ts'

/**
 * A CloudEvent taken apart: `context` holds its attributes as text (CloudEvents 1.0.2 section 3.1: booleans and integers
 * in their canonical string form, null is unset), `value` its data when that is a JSON object (also out of
 * `data_base64`), else the whole envelope – so a pack reads the same event whichever way it came.
 */
export type Unwrapped = { readonly value: JsonObject; readonly context: Readonly<Record<string, string>> } | { readonly message: string }

const REQUIRED = ['specversion', 'id', 'source', 'type'] as const

/** Takes a structured-mode CloudEvent apart; a message, naming no value, when it is none of version 1.0. */
export function unwrapCloudEvent(envelope: JsonObject, limits: JsonLimits): Unwrapped {
  const context: Record<string, string> = {}
  for (const name of REQUIRED) {
    const value = envelope[name]
    if (typeof value !== 'string' || value === '') return { message: `the CloudEvent has no ${name}` }
  }
  if (envelope['specversion'] !== '1.0') return { message: 'the CloudEvent is not of specversion 1.0' }
  for (const name of Object.keys(envelope)) {
    // attacker: any key. Names outside the specification's alphabet (section 3.1.1) are no attributes; `__proto__` is one of these.
    if (name === 'data' || name === 'data_base64' || !/^[a-z0-9]{1,64}$/.test(name)) continue
    const value = envelope[name]
    if (typeof value === 'string') context[name] = value
    else if (typeof value === 'boolean' || Number.isInteger(value)) context[name] = String(value)
  }
  return { value: dataOf(envelope, limits) ?? envelope, context }
}

function dataOf(envelope: JsonObject, limits: JsonLimits): JsonObject | null {
  const data = envelope['data']
  if (isObject(data)) return data
  const encoded = envelope['data_base64']
  if (typeof encoded !== 'string') return null
  const parsed = parseIJson(Buffer.from(encoded, 'base64'), limits)
  return 'value' in parsed && !parsed.reserved && isObject(parsed.value) ? parsed.value : null
}

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The structured-mode text of a binary-mode event: the attributes of its `ce-` headers with the body's bytes as `data`.
 * Headers are part of the event, so these are the bytes that quarantine keeps and replay reads.
 * A header that cannot be decoded is left out and named in `message`.
 */
export function wrapBinary(
  headers: Iterable<readonly [string, string]>,
  body: Uint8Array,
  contentType: string | null,
): { readonly bytes: Buffer; readonly message: string | null } {
  let message: string | null = null
  const attributes: Record<string, string> = {}
  for (const [header, text] of headers) {
    const name = header.toLowerCase()
    if (!name.startsWith('ce-')) continue
    const attribute = name.slice(3)
    const value = /^[a-z0-9]{1,64}$/.test(attribute) && attribute !== 'data' ? decodeHeader(text) : null
    if (value === null) message ??= `the header ${/^[a-z0-9_-]{1,64}$/.test(attribute) ? name : 'ce-…'} cannot be decoded`
    else attributes[attribute] = value
  }
  if (contentType !== null) attributes['datacontenttype'] = contentType
  const head = JSON.stringify(attributes)
  if (body.length === 0) return { bytes: Buffer.from(head), message }
  return { bytes: Buffer.concat([Buffer.from(`${head.slice(0, -1)}${head === '{}' ? '' : ','}"data":`), body, Buffer.from('}')]), message }
}

/**
 * HTTP binding 1.0.2 section 3.1.3.2: a quoted string is unquoted first, then percent-decoded once; UTF-8 that is not
 * valid, and bytes that should have been encoded, are no value.
 */
function decodeHeader(text: string): string | null {
  const plain = /^".*"$/.test(text) ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text
  if (!/^[\x20-\x7e]*$/.test(plain)) return null
  try {
    return plain.includes('%') ? decodeURIComponent(plain) : plain
  } catch {
    return null
  }
}
