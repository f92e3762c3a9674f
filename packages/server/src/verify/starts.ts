import type { JsonObject } from '../event/json.ts'
import { recordsWith } from './marked-records.ts'

/** What a server said it runs with, at one of its starts. */
export interface SealedStart {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly atMs: number
  /** As it was sealed; unchecked. */
  readonly config: JsonObject
}

const MARK = Buffer.from('"type":"sealtrail.system.start"')

/** The starts that the records of one segment of the log `system` tell of. */
export function startsIn(ndjson: Uint8Array): SealedStart[] {
  const found: SealedStart[] = []
  for (const { recordedtime, data } of recordsWith(ndjson, MARK)) {
    const config = data['config']
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) found.push({ atMs: Date.parse(recordedtime), config })
  }
  return found
}
