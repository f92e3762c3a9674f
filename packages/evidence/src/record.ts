import { sha256Hex } from '#platform'
import { isAuditId } from './auditid.ts'
import { canonicalize, canonicalizeSized, extraBytesWritten } from './canonical.ts'
import { EvidenceError } from './errors.ts'
import { parseIJson } from './ijson.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { decodeUtf8, encodeUtf8 } from './text.ts'

/**
 * A record: a CloudEvents 1.0 JSON object in RFC 8785 form, whose UTF-8 bytes are the leaf of the log. Sorted, its keys are
 *
 *   auditid data dataobject? dataschema id late provenance recordedtime regulatorytag? source specversion subject subjectsequence time? type
 */
export interface RecordFields {
  /** 26 characters, see `auditId`. */
  readonly auditid: string
  readonly data: JsonObject
  /** `sha256:<hex>` of the object that holds the rest of the data (`data-object.ts`); absent when the data stands here whole. */
  readonly dataobject?: string | null
  readonly dataschema: string
  readonly id: string
  /** Belongs before a record of its subject sealed earlier. */
  readonly late: boolean
  readonly provenance: 'pushed' | 'polled' | 'backfilled' | 'imported'
  /** Receive time, RFC 3339 in UTC with milliseconds. */
  readonly recordedtime: string
  /** Left out of the record when null. */
  readonly regulatorytag: string | null
  readonly source: string
  readonly subject: string
  /** Gapless per subject, from 1. */
  readonly subjectsequence: number
  /** Event time, RFC 3339; left out of the record when null. */
  readonly time: string | null
  readonly type: string
}

/** A C2SP entry has a 16-bit length (tlog-tiles, entry bundles). */
export const MAX_RECORD_BYTES = 65_535

/** Longest text `fillRecord` inserts: `false` and 16 digits. */
export const MAX_FILL_BYTES = 21

/** Everything of a record but the two values only the sequencer knows. */
export type RecordDraft = Omit<RecordFields, 'late' | 'subjectsequence'>

/** A record text without the values of `late` and `subjectsequence`; the offsets say where they go, in UTF-8 bytes of this text. */
export interface SplicedRecord {
  readonly text: string
  readonly lateAt: number
  readonly sequenceAt: number
  /** Length of the text in UTF-8 bytes. */
  readonly bytes: number
}

/**
 * The canonical record without its two late values: `… "late":` `,"provenance" … "subjectsequence":` `,"time" …`.
 * @throws EvidenceError TOO_LARGE when the finished record could exceed 65,535 bytes; NOT_I_JSON as `canonicalize`.
 */
export function spliceRecord(draft: RecordDraft): SplicedRecord {
  const before = extraBytesWritten()
  const start =
    '{"auditid":' +
    canonicalize(draft.auditid) +
    ',"data":' +
    canonicalize(draft.data) +
    (draft.dataobject == null ? '' : ',"dataobject":' + canonicalize(draft.dataobject)) +
    ',"dataschema":' +
    canonicalize(draft.dataschema) +
    ',"id":' +
    canonicalize(draft.id) +
    ',"late":'
  const lateAt = start.length + extraBytesWritten() - before
  const middle =
    ',"provenance":' +
    canonicalize(draft.provenance) +
    ',"recordedtime":' +
    canonicalize(draft.recordedtime) +
    (draft.regulatorytag === null ? '' : ',"regulatorytag":' + canonicalize(draft.regulatorytag)) +
    ',"source":' +
    canonicalize(draft.source) +
    ',"specversion":"1.0","subject":' +
    canonicalize(draft.subject) +
    ',"subjectsequence":'
  const sequenceAt = start.length + middle.length + extraBytesWritten() - before
  const text = start + middle + (draft.time === null ? '' : ',"time":' + canonicalize(draft.time)) + ',"type":' + canonicalize(draft.type) + '}'
  const bytes = text.length + extraBytesWritten() - before
  if (bytes + MAX_FILL_BYTES > MAX_RECORD_BYTES) throw new EvidenceError('TOO_LARGE', `a record of ${bytes} bytes; the most is ${MAX_RECORD_BYTES}`)
  return { text, lateAt, sequenceAt, bytes }
}

/**
 * Puts the two values into a spliced record's bytes, writing the finished record into `into` from `at`; returns the offset
 * behind it. `into` must have room for the record and MAX_FILL_BYTES.
 */
export function fillRecord(
  record: Uint8Array,
  lateAt: number,
  sequenceAt: number,
  late: boolean,
  subjectsequence: number,
  into: Uint8Array,
  at: number,
): number {
  into.set(record.subarray(0, lateAt), at)
  at = ascii(late ? 'true' : 'false', into, at + lateAt)
  into.set(record.subarray(lateAt, sequenceAt), at)
  at = ascii(String(subjectsequence), into, at + sequenceAt - lateAt)
  into.set(record.subarray(sequenceAt), at)
  return at + record.length - sequenceAt
}

/** The canonical text of a record. @throws EvidenceError TOO_LARGE beyond 65,535 bytes; NOT_I_JSON as `canonicalize`. */
export function encodeRecord(fields: RecordFields): string {
  const object: JsonObject = {}
  for (const [key, value] of Object.entries(fields)) if (value != null) object[key] = value as JsonValue
  object['specversion'] = '1.0'
  const { text, bytes } = canonicalizeSized(object)
  if (bytes > MAX_RECORD_BYTES) throw new EvidenceError('TOO_LARGE', `a record of ${bytes} bytes; the most is ${MAX_RECORD_BYTES}`)
  return text
}

/** `sha256:` and the hex SHA-256 of a record's bytes. */
export function integrityHash(bytes: Uint8Array): string {
  return 'sha256:' + sha256Hex(bytes)
}

/** RFC 3339 section 5.6; the leap second is allowed, the length of a month not checked. */
const RFC3339 = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/
const UTC_MILLIS = /^.{19}\.\d{3}Z$/

/** One check per attribute; a record has these keys and no other. */
const ATTRIBUTES: { readonly [key: string]: { readonly optional?: true; readonly ok: (value: JsonValue) => boolean } } = {
  auditid: { ok: (v) => typeof v === 'string' && isAuditId(v) },
  data: { ok: (v) => typeof v === 'object' && v !== null && !Array.isArray(v) },
  dataobject: { optional: true, ok: (v) => typeof v === 'string' && /^sha256:[0-9a-f]{64}$/.test(v) },
  dataschema: { ok: isText },
  id: { ok: isText },
  late: { ok: (v) => typeof v === 'boolean' },
  provenance: { ok: (v) => v === 'pushed' || v === 'polled' || v === 'backfilled' || v === 'imported' },
  recordedtime: { ok: (v) => typeof v === 'string' && UTC_MILLIS.test(v) && RFC3339.test(v) },
  regulatorytag: { optional: true, ok: isText },
  source: { ok: isText },
  specversion: { ok: (v) => v === '1.0' },
  subject: { ok: isText },
  subjectsequence: { ok: (v) => typeof v === 'number' && Number.isSafeInteger(v) && v >= 1 },
  time: { optional: true, ok: (v) => typeof v === 'string' && RFC3339.test(v) },
  type: { ok: isText },
}

function isText(value: JsonValue): boolean {
  return typeof value === 'string' && value !== ''
}

/**
 * Reads a record strictly: I-JSON, exactly the attributes above, and bytes equal to their own canonical form. Attacker:
 * the bytes come from a store nobody trusts.
 * @throws EvidenceError TOO_LARGE, NOT_JSON, NOT_I_JSON, TOO_DEEP, RECORD_FORMAT (names the attribute), NOT_CANONICAL.
 */
export function parseRecord(bytes: Uint8Array): RecordFields {
  const parsed = parseIJson(bytes, { maxBytes: MAX_RECORD_BYTES, maxDepth: 256 })
  if ('problem' in parsed) throw new EvidenceError(parsed.problem.code, parsed.problem.message)
  const record = parsed.value
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new EvidenceError('RECORD_FORMAT', 'a record is a JSON object')
  }
  for (const key of Object.keys(record)) if (!Object.hasOwn(ATTRIBUTES, key)) throw new EvidenceError('RECORD_FORMAT', 'unknown attribute')
  for (const [key, { optional, ok }] of Object.entries(ATTRIBUTES)) {
    if (!Object.hasOwn(record, key)) {
      if (optional) continue
      throw new EvidenceError('RECORD_FORMAT', `attribute ${key} is missing`)
    }
    if (!ok(record[key] as JsonValue)) throw new EvidenceError('RECORD_FORMAT', `attribute ${key} is malformed`)
  }
  if (canonicalize(record) !== decodeUtf8(bytes)) throw new EvidenceError('NOT_CANONICAL', 'the bytes are not in RFC 8785 form')
  const { specversion: _, ...fields } = record
  return { regulatorytag: null, time: null, ...fields } as unknown as RecordFields
}

/** The record's bytes. @throws as `encodeRecord`. */
export function recordBytes(fields: RecordFields): Uint8Array<ArrayBuffer> {
  return encodeUtf8(encodeRecord(fields))
}

function ascii(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i)
  return at + text.length
}
