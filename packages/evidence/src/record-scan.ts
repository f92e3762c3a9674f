/**
 * The few facts an audit needs of each record, read from the bytes without parsing them. Sound for canonical records only:
 * sorted, `auditid` comes first, and after `subjectsequence` only `time` and `type` follow, whose quotes are escaped – so
 * the last `,"subjectsequence":` and the `,"subject":"` before it are the record's own, whatever `data` holds.
 */
const START = [...'{"auditid":"'].map((char) => char.charCodeAt(0))
const SEQUENCE = [...',"subjectsequence":'].map((char) => char.charCodeAt(0))
const SUBJECT = [...',"subject":"'].map((char) => char.charCodeAt(0))

/** Where the 26 characters of the audit id begin in a record. */
export const AUDIT_ID_AT: number = START.length

/** Whether bytes[from..to) begin and end as a record does. */
export function looksLikeRecord(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < START.length + 28 || bytes[to - 1] !== 0x7d || bytes[to - 2] !== 0x22) return false
  return isAt(START, bytes, from) && bytes[from + START.length + 26] === 0x22
}

/** Range of the subject's JSON text (without its quotes) and the number, or null when the bytes have none. */
export function readSubject(bytes: Uint8Array, from: number, to: number): { from: number; to: number; sequence: number } | null {
  const sequenceAt = lastOf(SEQUENCE, bytes, from, to)
  if (sequenceAt < 0) return null
  const subjectAt = lastOf(SUBJECT, bytes, from, sequenceAt)
  if (subjectAt < 0) return null
  let sequence = 0
  let at = sequenceAt + SEQUENCE.length
  for (; at < to; at++) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    sequence = sequence * 10 + digit
  }
  return { from: subjectAt + SUBJECT.length, to: sequenceAt - 1, sequence }
}

function lastOf(pattern: readonly number[], bytes: Uint8Array, from: number, to: number): number {
  for (let at = to - pattern.length; at >= from; at--) if (bytes[at] === 0x2c && isAt(pattern, bytes, at)) return at
  return -1
}

function isAt(pattern: readonly number[], bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < pattern.length; i++) if (bytes[at + i] !== pattern[i]) return false
  return true
}
