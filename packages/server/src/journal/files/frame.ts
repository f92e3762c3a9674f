import { crc32 } from 'node:zlib'

/**
 * Layout of a journal file, `00000001.journal` and up:
 *
 *   file   = magic "STJRNL1\n" | u32le file number | u32le CRC-32 of the 12 bytes before | frame*
 *   frame  = u32le CRC-32 of all that follows | u32le length of the entry, at least 1 | u32le start | entry
 *
 * `start` is the offset of the first frame written by the same append. Appends follow one another, each synced before the
 * next begins; so a good frame whose start lies behind a bad one proves that the bad one was synced and acknowledged, and
 * that its damage is no torn write. A run of zeros is never a frame.
 */
export const FILE_HEADER = 16
export const FRAME_HEADER = 12
/** Longest entry: an event's record is at most 64 KiB, quarantined input a few MiB. */
export const MAX_ENTRY: number = 32 * 1024 * 1024

const MAGIC = Buffer.from('STJRNL1\n', 'latin1')

/** The 16 bytes a journal file begins with. */
export function fileHeader(file: number): Buffer {
  const header = Buffer.alloc(FILE_HEADER)
  MAGIC.copy(header)
  header.writeUInt32LE(file, 8)
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12)
  return header
}

/** True when the bytes begin with the header of this file number. */
export function isFileHeader(bytes: Uint8Array, file: number): boolean {
  return bytes.length >= FILE_HEADER && fileHeader(file).equals(bytes.subarray(0, FILE_HEADER))
}

/** Writes one frame at `at` of `target` and returns the offset behind it. */
export function writeFrame(target: Buffer, at: number, entry: Uint8Array, start: number): number {
  const end = at + FRAME_HEADER + entry.length
  target.writeUInt32LE(entry.length, at + 4)
  target.writeUInt32LE(start, at + 8)
  target.set(entry, at + FRAME_HEADER)
  target.writeUInt32LE(crc32(target.subarray(at + 4, end)), at)
  return end
}

/** Length of the entry whose frame stands at `at`, or -1 when there is no whole, undamaged frame. */
export function frameAt(bytes: Buffer, at: number): number {
  if (at + FRAME_HEADER >= bytes.length) return -1
  const length = bytes.readUInt32LE(at + 4)
  if (length === 0 || length > MAX_ENTRY || at + FRAME_HEADER + length > bytes.length) return -1
  return crc32(bytes.subarray(at + 4, at + FRAME_HEADER + length)) === bytes.readUInt32LE(at) ? length : -1
}

/**
 * Offset of the first good frame behind `bad` that a later append wrote, or -1. Reading `bytes` from offset 0 of the file.
 * attacker: an entry carries text from outside, which could imitate a frame behind a torn one; it would have to guess its
 * own offset and hold NUL bytes (lengths and offsets are small), and the most it gains is that an operator is asked.
 */
export function laterAppend(bytes: Buffer, bad: number): number {
  for (let at = bad + 1; at + FRAME_HEADER < bytes.length; at++) {
    const start = bytes.readUInt32LE(at + 8)
    if (start > bad && start <= at && frameAt(bytes, at) > 0) return at
  }
  return -1
}
