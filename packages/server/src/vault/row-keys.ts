import { Buffer } from 'node:buffer'

const FIXED_PART = 48

/**
 * Calls `each` with the key id (16 bytes, latin1) of every part of a row's value, without decoding the rest: for those who go
 * through many rows. False when the row ends elsewhere than it says, so it is damaged; a right row may still fail its checksum.
 */
export function eachKeyId(value: Uint8Array, each: (id: string, ciphertext: number) => void): boolean {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const end = bytes.length - 4
  let at = 2 + (bytes[1] ?? 0) + 16
  for (let left = bytes[at++] ?? 0; left > 0; left--) at += 2 + (bytes[at + 1] ?? 0) + 16
  let left = bytes[at++] ?? 0
  for (; left > 0 && at + FIXED_PART <= end; left--) {
    const length = bytes.readUInt32LE(at + 44)
    each(bytes.latin1Slice(at, at + 16), length)
    at += FIXED_PART + length
  }
  return left === 0 && at === end
}
