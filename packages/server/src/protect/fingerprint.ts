import { canonicalize } from '@sealtrail/evidence'
import type { JsonObject } from '../event/json.ts'

/** Fields of the notifications shape that differ between two deliveries of one receipt. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['audit_id', 'ingestion_timestamp', 'carrier_receipt_timestamp'])

/**
 * The text whose keyed fingerprint tells a resend from another content under the same identity: canonical JSON of the
 * mapped data, before anything is taken out, without the fields that may differ. Personal: it stays in memory.
 * @throws EvidenceError NOT_I_JSON as `canonicalize`.
 */
export function fingerprintText(data: JsonObject, notCompared: ReadonlySet<string> = NOT_COMPARED): string {
  for (const name of notCompared) {
    if (!Object.hasOwn(data, name)) continue
    const compared: JsonObject = {}
    for (const key of Object.keys(data))
      if (!notCompared.has(key)) Object.defineProperty(compared, key, { value: data[key], enumerable: true, configurable: true, writable: true })
    return canonicalize(compared)
  }
  return canonicalize(data)
}
