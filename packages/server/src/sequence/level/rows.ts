import { crc32 } from 'node:zlib'
import { SealtrailError } from '../../errors.ts'
import type { LedgerRow, Marker } from '../ledger.ts'
import type { OrderKey } from '../order.ts'
import type { SessionState, SubjectState } from '../subject.ts'

/**
 * Rows of the ledger. Numbers are little-endian; every value ends with the u32 CRC-32 of key and value, because LevelDB
 * does not check its blocks when reading.
 *
 *   'i' identity (32)  →  u16 log number | u48 index | u48 event time ms | fingerprint (16) | u8 flags | crc
 *   's' subject (16)   →  u48 count | key | u8 status rank | u48 status sequence | u8 sessions | session* | crc
 *   'l' log name       →  u16 log number | u48 size | root (32) | u48 safe size | safe root (32) | crc
 *   session            =  token (8) | u8 phase | u8 1 opened + 2 closed | key
 *   key                =  f64 time ms (NaN: none) | u16 rank | tie (8)
 */
const KNOWN_BYTES = 2 + 6 + 6 + 16 + 1 + 4
const KEY_BYTES = 18
const SESSION_BYTES = 10 + KEY_BYTES
const MARKER_BYTES = 2 + 38 + 38 + 4
const NO_FINGERPRINT = '\0'.repeat(16)

export function identityKey(identity: string): Buffer {
  return prefixed('i', identity, 32)
}

export function subjectKey(token: string): Buffer {
  return prefixed('s', token, 16)
}

export function logKey(log: string): Buffer {
  return Buffer.from(`l${log}`, 'utf8')
}

function prefixed(prefix: string, text: string, length: number): Buffer {
  if (text.length !== length) throw new RangeError(`a ledger key of ${text.length} bytes, not ${length}`)
  const key = Buffer.allocUnsafe(length + 1)
  key[0] = prefix.charCodeAt(0)
  key.latin1Write(text, 1)
  return key
}

export function encodeKnown(key: Buffer, logNumber: number, row: LedgerRow): Buffer {
  const value = Buffer.allocUnsafe(KNOWN_BYTES)
  value.writeUInt16LE(logNumber, 0)
  value.writeUIntLE(row.index, 2, 6)
  value.writeUIntLE(row.timeMs, 8, 6)
  value.latin1Write(row.fingerprint === '' ? NO_FINGERPRINT : row.fingerprint, 14, 16)
  value[30] = row.flags
  return sealed(key, value)
}

export function decodeKnown(key: Buffer, value: Buffer): { logNumber: number; index: number; timeMs: number; fingerprint: string; flags: number } {
  check(key, value, value.length === KNOWN_BYTES)
  const fingerprint = value.latin1Slice(14, 30)
  return {
    logNumber: value.readUInt16LE(0),
    index: value.readUIntLE(2, 6),
    timeMs: value.readUIntLE(8, 6),
    fingerprint: fingerprint === NO_FINGERPRINT ? '' : fingerprint,
    flags: value[30] as number,
  }
}

export function encodeSubject(key: Buffer, state: SubjectState): Buffer {
  const value = Buffer.allocUnsafe(6 + KEY_BYTES + 1 + 6 + 1 + state.sessions.length * SESSION_BYTES + 4)
  value.writeUIntLE(state.count, 0, 6)
  let at = writeKey(value, 6, state.last)
  value[at] = state.statusRank
  value.writeUIntLE(state.statusSequence, at + 1, 6)
  value[at + 7] = state.sessions.length
  at += 8
  for (const session of state.sessions) {
    value.latin1Write(session.token, at, 8)
    value[at + 8] = session.phase
    value[at + 9] = (session.opened ? 1 : 0) | (session.closed ? 2 : 0)
    at = writeKey(value, at + 10, session.last)
  }
  return sealed(key, value)
}

export function decodeSubject(key: Buffer, value: Buffer): SubjectState {
  check(key, value, value.length >= 36 && value.length === 36 + (value[31] as number) * SESSION_BYTES)
  const sessions: SessionState[] = []
  for (let at = 32; at < value.length - 4; at += SESSION_BYTES) {
    const bits = value[at + 9] as number
    sessions.push({
      token: value.latin1Slice(at, at + 8),
      phase: value[at + 8] as number,
      opened: (bits & 1) !== 0,
      closed: (bits & 2) !== 0,
      last: readKey(value, at + 10),
    })
  }
  return { count: value.readUIntLE(0, 6), last: readKey(value, 6), statusRank: value[24] as number, statusSequence: value.readUIntLE(25, 6), sessions }
}

/** `safe`: the marker as it was when everything before it had certainly left LevelDB's memory for good. */
export interface MarkerRow {
  readonly logNumber: number
  readonly marker: Marker
  readonly safe: Marker
}

export function encodeMarker(key: Buffer, row: MarkerRow): Buffer {
  const value = Buffer.allocUnsafe(MARKER_BYTES)
  value.writeUInt16LE(row.logNumber, 0)
  for (const [at, { size, root }] of [[2, row.marker] as const, [40, row.safe] as const]) {
    value.writeUIntLE(size, at, 6)
    value.fill(0, at + 6, at + 38)
    value.write(root, at + 6, 32, 'hex')
  }
  return sealed(key, value)
}

export function decodeMarker(key: Buffer, value: Buffer): MarkerRow {
  check(key, value, value.length === MARKER_BYTES)
  const read = (at: number): Marker => ({ size: value.readUIntLE(at, 6), root: value.toString('hex', at + 6, at + 38) })
  return { logNumber: value.readUInt16LE(0), marker: read(2), safe: read(40) }
}

function writeKey(value: Buffer, at: number, key: OrderKey | null): number {
  value.writeDoubleLE(key === null ? Number.NaN : key.timeMs, at)
  value.writeUInt16LE(key === null ? 0 : key.rank, at + 8)
  value.latin1Write(key === null ? '\0'.repeat(8) : key.tie.padEnd(8, '\0'), at + 10, 8)
  return at + KEY_BYTES
}

function readKey(value: Buffer, at: number): OrderKey | null {
  const timeMs = value.readDoubleLE(at)
  return Number.isNaN(timeMs) ? null : { timeMs, rank: value.readUInt16LE(at + 8), tie: value.latin1Slice(at + 10, at + 18) }
}

function sealed(key: Buffer, value: Buffer): Buffer {
  const body = value.length - 4
  value.writeUInt32LE(crc32(value.subarray(0, body), crc32(key)), body)
  return value
}

function check(key: Buffer, value: Buffer, wellFormed: boolean): void {
  const body = value.length - 4
  if (!wellFormed || crc32(value.subarray(0, body), crc32(key)) !== value.readUInt32LE(body)) {
    throw new SealtrailError('DATA_CORRUPT', `row of kind ${String.fromCharCode(key[0] as number)} is damaged`)
  }
}
