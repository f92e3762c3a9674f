import { parseRecord } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'

const NEWLINE = 0x0a

/**
 * The records of one segment that have these bytes in them, parsed; hardly any has, so the bytes are searched first.
 * attacker: bytes that are no record are passed over; the log's audit names them.
 */
export function* recordsWith(ndjson: Uint8Array, mark: Buffer): Generator<RecordFields> {
  const bytes = Buffer.from(ndjson.buffer, ndjson.byteOffset, ndjson.byteLength)
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) {
    const start = bytes.lastIndexOf(NEWLINE, at) + 1
    const end = bytes.indexOf(NEWLINE, at)
    if (end < 0) return
    const record = parsed(bytes.subarray(start, end))
    if (record !== null) yield record
  }
}

function parsed(line: Uint8Array): RecordFields | null {
  try {
    return parseRecord(line)
  } catch {
    return null
  }
}
