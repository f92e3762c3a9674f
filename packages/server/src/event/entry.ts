import type { Position } from './position.ts'
import { subjectToken } from './subject-token.ts'

/**
 * An entry: one event between protect and seal, as bytes. The journal stores exactly these bytes, ingest threads hand
 * them over unparsed, and recovery reads them back. No personal value is in it.
 *
 * ```
 *   0 u8  version (1)          1 u8  flags           2 u8  status rank (0 none)   3 u8  phase
 *   4 u16 rank                 6 u8  log length      7 u8  number of tokens
 *   8 f64 event time ms (NaN: none)                 16 f64 receive time ms
 *  24 32B identity            56 16B fingerprint    72 16B subject token         88 8B session token (0: none)
 *  96 24B vault row key (0: none)
 * 120 u32 record length      124 u32 offset of `late` value   128 u32 offset of `subjectsequence` value
 * 132 u16 subject length     134 u16 0
 * 136 log · subject · tokens (u8 kind length, kind, 16 bytes) · record without the two values
 * ```
 * Numbers are little-endian, times doubles, so that both sides read them without parsing.
 */
export interface Entry {
  readonly flags: number
  readonly statusRank: number
  readonly phase: number
  readonly rank: number
  readonly timeMs: number
  readonly receivedMs: number
  /** 32 bytes, latin1. */
  readonly identity: string
  /** 16 bytes, latin1. */
  readonly fingerprint: string
  /** 16 bytes, latin1: SHA-256 of log and subject, truncated; the ledger's key. */
  readonly subjectToken: string
  /** 8 bytes, latin1; all zero when the event belongs to no session. */
  readonly session: string
  /** 24 bytes, or null when nothing of the event is in the vault. */
  readonly vaultKey: Uint8Array | null
  readonly log: string
  readonly subject: string
  /** Search tokens as they stand in the bytes; `readTokens` takes them apart. */
  readonly tokens: Uint8Array
  /** Canonical record bytes without the values of `late` and `subjectsequence`. */
  readonly record: Uint8Array
  readonly lateAt: number
  readonly sequenceAt: number
}

export const FLAG = { held: 1, refused: 2, quarantined: 4, opens: 8, closes: 16, system: 32 } as const
export const NO_SESSION: string = '\0'.repeat(8)

/** What an ingest thread knows when it encodes an entry; the record comes as text, its offsets in UTF-8 bytes. */
export interface EntryDraft extends Omit<Entry, 'record' | 'tokens' | 'vaultKey'> {
  readonly recordText: string
  /** Length of the text in UTF-8 bytes. */
  readonly recordBytes: number
  readonly tokens: ReadonlyArray<{ readonly kind: string; readonly token: string }>
}

const FIXED = 136

/** Upper bound of the encoded size. */
export function entryBound(draft: EntryDraft): number {
  return FIXED + (draft.log.length + draft.subject.length) * 3 + draft.recordBytes + draft.tokens.length * 80
}

/**
 * Writes the entry at `at`; returns the offset behind it. The buffer must have `entryBound` bytes left.
 * @param vaultKey 24 bytes, or null when nothing of the event is in the vault.
 */
export function encodeEntry(draft: EntryDraft, vaultKey: Uint8Array | null, into: Buffer, at: number): number {
  let end = at + FIXED
  const logLength = into.utf8Write(draft.log, end)
  end += logLength
  const subjectLength = into.utf8Write(draft.subject, end)
  end += subjectLength
  for (const { kind, token } of draft.tokens) {
    into[end] = kind.length
    into.latin1Write(kind, end + 1)
    into.latin1Write(token, end + 1 + kind.length, 16)
    end += 17 + kind.length
  }
  const recordLength = into.utf8Write(draft.recordText, end)
  into[at] = 1
  into[at + 1] = draft.flags
  into[at + 2] = draft.statusRank
  into[at + 3] = draft.phase
  into.writeUInt16LE(draft.rank, at + 4)
  into[at + 6] = logLength
  into[at + 7] = draft.tokens.length
  into.writeDoubleLE(draft.timeMs, at + 8)
  into.writeDoubleLE(draft.receivedMs, at + 16)
  into.latin1Write(draft.identity, at + 24, 32)
  into.latin1Write(draft.fingerprint, at + 56, 16)
  into.latin1Write(draft.subjectToken, at + 72, 16)
  into.latin1Write(draft.session, at + 88, 8)
  for (let i = 0; i < 24; i++) into[at + 96 + i] = vaultKey === null ? 0 : (vaultKey[i] as number)
  into.writeUInt32LE(recordLength, at + 120)
  into.writeUInt32LE(draft.lateAt, at + 124)
  into.writeUInt32LE(draft.sequenceAt, at + 128)
  into.writeUInt16LE(subjectLength, at + 132)
  into.writeUInt16LE(0, at + 134)
  return end + recordLength
}

/** The entry in these bytes; `record` and `vaultKey` are views into them. The journal's CRC vouches for the bytes. */
export function decodeEntry(bytes: Buffer): Entry {
  if (bytes.length < FIXED || bytes[0] !== 1) throw new RangeError('not an entry')
  const logLength = bytes[6] as number
  const subjectLength = bytes.readUInt16LE(132)
  let at = FIXED
  const log = bytes.latin1Slice(at, at + logLength)
  at += logLength
  const subject = bytes.utf8Slice(at, at + subjectLength)
  at += subjectLength
  const tokensAt = at
  for (let i = bytes[7] as number; i > 0; i--) at += 17 + (bytes[at] as number)
  const tokens = bytes.subarray(tokensAt, at)
  const recordLength = bytes.readUInt32LE(120)
  if (at + recordLength !== bytes.length) throw new RangeError('an entry of another length')
  return {
    flags: bytes[1] as number,
    statusRank: bytes[2] as number,
    phase: bytes[3] as number,
    rank: bytes.readUInt16LE(4),
    timeMs: bytes.readDoubleLE(8),
    receivedMs: bytes.readDoubleLE(16),
    identity: bytes.latin1Slice(24, 56),
    fingerprint: bytes.latin1Slice(56, 72),
    subjectToken: bytes.latin1Slice(72, 88),
    session: bytes.latin1Slice(88, 96),
    vaultKey: isZero(bytes, 96, 120) ? null : bytes.subarray(96, 120),
    log,
    subject,
    tokens,
    record: bytes.subarray(at),
    lateAt: bytes.readUInt32LE(124),
    sequenceAt: bytes.readUInt32LE(128),
  }
}

/** The same event in another log of its trail. */
export function inLog(entry: Entry, log: string): Entry {
  return entry.log === log ? entry : { ...entry, log, subjectToken: subjectToken(log, entry.subject) }
}

/** The bytes of the same entry in another log of its trail: only where it goes changes, no byte of its record. */
export function entryInLog(bytes: Buffer, log: string): Buffer {
  const before = bytes[6] as number
  const name = Buffer.from(log)
  const moved = Buffer.concat([bytes.subarray(0, FIXED), name, bytes.subarray(FIXED + before)])
  moved[6] = name.length
  const { subject } = decodeEntry(moved)
  moved.latin1Write(subjectToken(log, subject), 72, 16)
  return moved
}

/** The event time as an audit id holds it: 0 if there is none, clamped to 48 bits. */
export function auditTime(timeMs: number): number {
  return Number.isNaN(timeMs) ? 0 : Math.min(Math.max(Math.trunc(timeMs), 0), 2 ** 48 - 1)
}

/** Search tokens: kind, and 16 bytes that are views into the bytes given. */
export function readTokens(bytes: Uint8Array): Array<{ kind: string; token: Uint8Array }> {
  const tokens: Array<{ kind: string; token: Uint8Array }> = []
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + (bytes[at] as number)
    tokens.push({ kind: String.fromCharCode(...bytes.subarray(at + 1, end)), token: bytes.subarray(end, end + 16) })
    at = end + 16
  }
  return tokens
}

/** An entry with its place in the journal. */
export interface Journalled {
  readonly entry: Entry
  readonly position: Position
  /** The batch whose memory the entry's bytes are in, to be told once they are needed no more; absent when they came from the journal. */
  readonly batch?: { done(): void } | undefined
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false
  return true
}
