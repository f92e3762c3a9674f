import { EvidenceError } from './errors.ts'

/** Crockford base32, the alphabet of ULID. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PAIRS = Array.from({ length: 1024 }, (_, i) => (ALPHABET[i >> 5] as string) + (ALPHABET[i & 31] as string))
/** The value of each ASCII character, WRONG where it is none of the alphabet. */
const WRONG = 32
const VALUE = Uint8Array.from({ length: 128 }, (_, code) => (ALPHABET.indexOf(String.fromCharCode(code)) + WRONG + 1) % (WRONG + 1))
const MAX_TIME = 2 ** 48 - 1
const AUDIT_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/**
 * The audit id of an event: 26 characters, of 48 bits of event time and 80 bits of identity.
 * @param timeMs ms since the epoch, clamped to 0..2^48-1; NaN (no time) gives 0.
 * @param identity the event's 32-byte identity, as 32 characters of code 0..255; its first 10 bytes are used.
 */
export function auditId(timeMs: number, identity: string): string {
  const time = timeMs > 0 ? Math.min(Math.floor(timeMs), MAX_TIME) : 0
  const high = Math.floor(time / 2 ** 20)
  const low = time % 2 ** 20
  return pair(high >> 20) + pair(high >> 10) + pair(high) + pair(low >> 10) + pair(low) + fiveBytes(identity, 0) + fiveBytes(identity, 5)
}

/** Time (ms) and the first 10 bytes of the identity, as characters of code 0..255. @throws EvidenceError RECORD_FORMAT. */
export function parseAuditId(auditid: string): { timeMs: number; identity: string } {
  const bytes = auditIdBytes(auditid)
  let timeMs = 0
  for (let i = 0; i < 6; i++) timeMs = timeMs * 256 + (bytes[i] as number)
  return { timeMs, identity: String.fromCharCode(...bytes.subarray(6)) }
}

/** The 16 bytes an audit id stands for. @throws EvidenceError RECORD_FORMAT when it is not 26 characters of upper-case Crockford base32. */
export function auditIdBytes(auditid: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16)
  let bits = 0
  let held = -2 // 26 × 5 = 130 bits; the first two are zero
  let at = 0
  let seen = auditid.length === 26 && (VALUE[auditid.charCodeAt(0)] ?? WRONG) < 8 ? 0 : WRONG
  for (let i = 0; i < 26; i++) {
    const value = VALUE[auditid.charCodeAt(i)] ?? WRONG
    seen |= value
    bits = ((bits << 5) | value) & 0x1fff
    held += 5
    if (held >= 8) {
      held -= 8
      bytes[at++] = (bits >> held) & 0xff
    }
  }
  if (seen >= WRONG) throw new EvidenceError('RECORD_FORMAT', 'an audit id is 26 characters of Crockford base32')
  return bytes
}

/** Whether a text has the form of an audit id. */
export function isAuditId(text: string): boolean {
  return AUDIT_ID.test(text)
}

function pair(bits: number): string {
  return PAIRS[bits & 1023] as string
}

function fiveBytes(text: string, at: number): string {
  const high = (text.charCodeAt(at) << 12) | (text.charCodeAt(at + 1) << 4) | (text.charCodeAt(at + 2) >> 4)
  const low = ((text.charCodeAt(at + 2) & 15) << 16) | (text.charCodeAt(at + 3) << 8) | text.charCodeAt(at + 4)
  return pair(high >> 10) + pair(high) + pair(low >> 10) + pair(low)
}
