import { isAuditId, parseAuditId } from '@sealtrail/evidence'

/** What the index reads of a record. */
export interface Fields {
  readonly auditid: string
  readonly subject: string
  readonly subjectsequence: number
  readonly late: boolean
  readonly type: string
  /** `data.delivery_status`, or '' when the record has none. */
  readonly status: string
  /** `regulatorytag`, or ''. */
  readonly tag: string
  /** `dataschema`, or ''. */
  readonly schema: string
  /** `data.carrier_message_id` when it is plain text, or ''. */
  readonly carrier: string
  /** Event time in ms since the epoch, receive time when the event has none; 0..2^48-1. */
  readonly timeMs: number
}

const MAX_TIME = 2 ** 48 - 1
const MAX_SEQUENCE = 0xffff_ffff

/**
 * The fields of a record, or null when the bytes are not one (damaged): a JSON object with an audit id, a subject and its
 * sequence number, a type, and a time. Never throws. Parsing all of a 1-KB record takes 2 µs, measured; a walk over the bytes
 * that skips what is not wanted takes longer.
 */
export function readFields(bytes: Uint8Array): Fields | null {
  let record: { readonly [key: string]: unknown } | null
  try {
    record = JSON.parse(asBuffer(bytes).toString()) as typeof record
  } catch {
    return null
  }
  if (typeof record !== 'object' || record === null) return null
  const { auditid, subject, subjectsequence, type, time, data } = record
  if (typeof auditid !== 'string' || typeof subject !== 'string' || subject === '' || typeof type !== 'string' || type === '') return null
  if (!Number.isInteger(subjectsequence) || (subjectsequence as number) < 0 || (subjectsequence as number) > MAX_SEQUENCE) return null
  if (!isAuditId(auditid)) return null
  const timeInId = parseAuditId(auditid).timeMs
  const written = time === undefined ? record['recordedtime'] : time
  const timeMs = time !== undefined && timeInId > 0 ? timeInId : Date.parse(text(written))
  if (Number.isNaN(timeMs)) return null
  const fields = typeof data === 'object' && data !== null ? (data as { readonly [key: string]: unknown }) : {}
  return {
    auditid,
    subject,
    subjectsequence: subjectsequence as number,
    late: record['late'] === true,
    type,
    status: text(fields['delivery_status']),
    tag: text(record['regulatorytag']),
    schema: text(record['dataschema']),
    carrier: text(fields['carrier_message_id']),
    timeMs: Math.min(Math.max(timeMs, 0), MAX_TIME),
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
