import { createHash } from 'node:crypto'
import { auditIdBytes } from '@sealtrail/evidence'

/**
 * Keys of the index, big-endian so that bytes order as numbers do. Four to a record, one more per search token:
 *
 * ```
 *   V                                               → format version
 *   L log name                                      → u16 number of the log
 *   M u16 log                                       → u48 size: how many records of the log are in
 *   C u16 log  u16 group                            → JSON [type, status, tag, schema]
 *   a 16B audit id  u16 log                         → u48 index
 *   s u16 log  16B subject  u32 sequence            → u48 index
 *   t u16 log  u16 group  u48 time ms  u48 index    → nothing
 *   k u16 log  16B token  u48 index                 → nothing
 * ```
 * A group is a distinct (type, status, tag, schema): there are some dozens, so one key serves the search by each of the
 * four and by time, and a search merges the time lines of the groups that match. A uuid subject is its 16 bytes, any
 * other the first 16 of its SHA-256; equal prefixes cost a look at the record and nothing else.
 */
export const PREFIX = { version: 0x56, log: 0x4c, size: 0x4d, group: 0x43, auditid: 0x61, subject: 0x73, time: 0x74, token: 0x6b } as const

export const AUDITID_KEY = 19
export const SUBJECT_KEY = 23
export const TIME_KEY = 17
export const TOKEN_KEY = 25

export function writeAuditidKey(into: Buffer, auditid: string, log: number): void {
  into[0] = PREFIX.auditid
  into.set(auditIdBytes(auditid), 1)
  into[17] = log >> 8
  into[18] = log
}

export function writeSubjectKey(into: Buffer, log: number, subject: string, sequence: number): void {
  into[0] = PREFIX.subject
  into[1] = log >> 8
  into[2] = log
  writeSubject(into, 3, subject)
  into.writeUInt32BE(sequence, 19)
}

export function writeTimeKey(into: Buffer, log: number, group: number, timeMs: number, index: number): void {
  into[0] = PREFIX.time
  into[1] = log >> 8
  into[2] = log
  into[3] = group >> 8
  into[4] = group
  writeU48(into, 5, timeMs)
  writeU48(into, 11, index)
}

export function writeTokenKey(into: Buffer, log: number, token: Uint8Array, index: number): void {
  into[0] = PREFIX.token
  into[1] = log >> 8
  into[2] = log
  into.set(token.length === 16 ? token : token.subarray(0, 16), 3)
  writeU48(into, 19, index)
}

export function logKey(log: string): Buffer {
  return Buffer.concat([Buffer.of(PREFIX.log), Buffer.from(log)])
}

export function sizeKey(log: number): Buffer {
  return Buffer.of(PREFIX.size, log >> 8, log & 0xff)
}

export function groupKey(log: number, group: number): Buffer {
  return Buffer.of(PREFIX.group, log >> 8, log & 0xff, group >> 8, group & 0xff)
}

/** Writes an integer below 2^48. */
export function writeU48(into: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  const low = value >>> 0
  into[at] = high >> 8
  into[at + 1] = high
  into[at + 2] = low >>> 24
  into[at + 3] = low >>> 16
  into[at + 4] = low >>> 8
  into[at + 5] = low
}

function writeSubject(into: Buffer, at: number, subject: string): void {
  if (subject.length === 36 && writeUuid(into, at, subject)) return
  into.set(createHash('sha256').update(subject).digest().subarray(0, 16), at)
}

/** Writes the 16 bytes of a lower-case uuid; false (bytes undefined) when it is not one. */
function writeUuid(into: Buffer, at: number, text: string): boolean {
  let out = at
  for (let i = 0; i < 36; i += 2) {
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (text.charCodeAt(i) !== 0x2d) return false
      i++
    }
    const high = hex(text.charCodeAt(i))
    const low = hex(text.charCodeAt(i + 1))
    if (high < 0 || low < 0) return false
    into[out++] = (high << 4) | low
  }
  return true
}

function hex(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x61 && code <= 0x66) return code - 0x57
  return -1
}
