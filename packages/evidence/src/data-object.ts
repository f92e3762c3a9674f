import { sha256Hex } from '#platform'
import { canonicalize } from './canonical.ts'
import { EvidenceError } from './errors.ts'
import { parseIJson } from './ijson.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { MAX_FILL_BYTES, MAX_RECORD_BYTES, spliceRecord } from './record.ts'
import type { RecordDraft, RecordFields } from './record.ts'
import { decodeUtf8, encodeUtf8 } from './text.ts'

/**
 * Data that does not fit a leaf: its largest members stand in an object of their own, stored write-once under its digest, and
 * the record names it. What is left in `data` and what the object holds are one object with no member in both.
 *
 *   record   … "data":{"delivery_status":"READ"},"dataobject":"sha256:<hex>" …
 *   object   {"transcript":[…]}     canonical JSON, at most 16 MiB, under <log>/object/<hex>
 */
export const MAX_OBJECT_BYTES: number = 16 * 1024 * 1024

/** Members the log's own bookkeeping reads: they stay in the record, so that no object is needed to number, index or rebuild. */
const STAYS: ReadonlySet<string> = new Set(['delivery_status', 'carrier_message_id'])
const NAME = /^sha256:([0-9a-f]{64})$/
const ATTRIBUTE_BYTES = ',"dataobject":"sha256:"'.length + 64

export interface SplitDraft {
  readonly draft: RecordDraft
  readonly object: Uint8Array<ArrayBuffer>
  /** Lower-case hex SHA-256 of the object: its name. */
  readonly digest: string
}

/**
 * Moves the largest members of the data into an object, no more than needed for the record to fit.
 * @throws EvidenceError TOO_LARGE when it does not fit even so, or the object would exceed 16 MiB; NOT_I_JSON.
 */
export function splitData(draft: RecordDraft): SplitDraft {
  const rest = spliceRecord({ ...draft, data: {} }).bytes - 2
  const room = MAX_RECORD_BYTES - MAX_FILL_BYTES - ATTRIBUTE_BYTES - rest
  const members = Object.keys(draft.data).map((key) => ({ key, bytes: encodeUtf8(canonicalize({ [key]: draft.data[key] as JsonValue })).length - 1 }))
  let left = members.reduce((sum, { bytes }) => sum + bytes, 1)
  const moved = new Set<string>()
  for (const { key, bytes } of members.filter(({ key }) => !STAYS.has(key)).sort((a, b) => b.bytes - a.bytes || (a.key < b.key ? -1 : 1))) {
    if (left <= room) break
    moved.add(key)
    left -= bytes
  }
  if (left > room) throw new EvidenceError('TOO_LARGE', 'a record whose attributes alone are too large')
  const object = encodeUtf8(canonicalize(only(draft.data, (key) => moved.has(key))))
  if (object.length > MAX_OBJECT_BYTES) throw new EvidenceError('TOO_LARGE', `an object of ${object.length} bytes; the most is ${MAX_OBJECT_BYTES}`)
  const digest = sha256Hex(object)
  return { draft: { ...draft, data: only(draft.data, (key) => !moved.has(key)), dataobject: `sha256:${digest}` }, object, digest }
}

/** The digest (hex) of the object a record names, or null when its data stands in it whole. */
export function objectDigest({ dataobject }: Pick<RecordFields, 'dataobject'>): string | null {
  return typeof dataobject === 'string' ? (NAME.exec(dataobject)?.[1] ?? null) : null
}

export type OpenedObject = { readonly data: JsonObject } | { readonly code: 'OBJECT_MISSING' | 'OBJECT_CHANGED' | 'OBJECT_FORMAT'; readonly detail?: string }

/**
 * The whole data of a record that names an object. Attacker: the bytes come from a store nobody trusts; only the digest in
 * a sealed record makes them its data. Never throws.
 * @param bytes the object as stored, or null when it is not there.
 */
export function joinData(record: Pick<RecordFields, 'data' | 'dataobject'>, bytes: Uint8Array | null): OpenedObject {
  if (bytes === null) return { code: 'OBJECT_MISSING' }
  if (bytes.length > MAX_OBJECT_BYTES) return { code: 'OBJECT_CHANGED', detail: 'larger than any object' }
  if (sha256Hex(bytes) !== objectDigest(record)) return { code: 'OBJECT_CHANGED' }
  const parsed = parseIJson(bytes, { maxBytes: MAX_OBJECT_BYTES, maxDepth: 256 })
  const members = 'problem' in parsed ? null : parsed.value
  if (typeof members !== 'object' || members === null || Array.isArray(members)) return { code: 'OBJECT_FORMAT', detail: 'no JSON object' }
  if (canonicalize(members) !== decodeUtf8(bytes)) return { code: 'OBJECT_FORMAT', detail: 'not in RFC 8785 form' }
  const twice = Object.keys(members).some((key) => Object.hasOwn(record.data, key))
  if (twice) return { code: 'OBJECT_FORMAT', detail: 'a member stands in the record as well' }
  return { data: only({ ...record.data, ...members }, () => true) }
}

/** `__proto__` is a member like any other. */
function only(data: JsonObject, keep: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([key]) => keep(key)))
}
