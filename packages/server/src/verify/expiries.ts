import { readExpiry } from '@sealtrail/evidence'
import type { ExpiredRange } from '@sealtrail/evidence'
import { recordsWith } from './marked-records.ts'

const MARK = Buffer.from('"type":"sealtrail.system.expiry"')

/** The expiries that the records of one segment of the log `system` announce. */
export function expiriesIn(ndjson: Uint8Array): ExpiredRange[] {
  return [...recordsWith(ndjson, MARK)].flatMap((record) => readExpiry(record) ?? [])
}
