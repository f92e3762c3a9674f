const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const VALUE = new Int8Array(128).fill(-1)
for (let i = 0; i < 32; i++) VALUE[ALPHABET.charCodeAt(i)] = i

/** An audit id is 26 characters of Crockford's base32 (upper case, as in ULIDs): 128 bits, the first of 7 or below. */
export function isAuditid(text: string): boolean {
  if (text.length !== 26 || text.charCodeAt(0) > 0x37) return false
  for (let i = 0; i < 26; i++) if ((VALUE[text.charCodeAt(i)] ?? -1) < 0) return false
  return true
}

/** The event time in an audit id, ms since the epoch (its first 48 bits, 0 when the event has none); -1 when the text is no audit id. */
export function auditidTime(text: string): number {
  if (!isAuditid(text)) return -1
  let time = 0
  for (let i = 0; i < 10; i++) time = time * 32 + (VALUE[text.charCodeAt(i)] as number)
  return time
}

/** Writes the 16 bytes of an audit id at `at`. The text must be one (`isAuditid`). */
export function writeAuditid(text: string, into: Uint8Array, at: number): void {
  let bits = VALUE[text.charCodeAt(0)] as number
  let count = 3
  let out = at
  for (let i = 1; i < 26; i++) {
    bits = ((bits << 5) | (VALUE[text.charCodeAt(i)] as number)) & 0x1fff
    count += 5
    if (count >= 8) {
      count -= 8
      into[out++] = (bits >> count) & 0xff
    }
  }
}
