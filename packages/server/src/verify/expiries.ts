import { parseRecord, readExpiry } from '@sealtrail/evidence'
import type { ExpiredRange } from '@sealtrail/evidence'

const MARK = Buffer.from('"type":"sealtrail.system.expiry"')
const NEWLINE = 0x0a

/** The expiries that the records of one segment of the log `system` announce. attacker: bytes that are no record are passed over; the log's audit names them. */
export function expiriesIn(ndjson: Uint8Array): ExpiredRange[] {
  const bytes = Buffer.from(ndjson.buffer, ndjson.byteOffset, ndjson.byteLength)
  const found: ExpiredRange[] = []
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + MARK.length)) {
    const start = bytes.lastIndexOf(NEWLINE, at) + 1
    const end = bytes.indexOf(NEWLINE, at)
    if (end < 0) break
    try {
      const range = readExpiry(parseRecord(bytes.subarray(start, end)))
      if (range !== null) found.push(range)
    } catch {
      continue
    }
  }
  return found
}
