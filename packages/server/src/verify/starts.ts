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

const STORED = Buffer.from('"type":"sealtrail.system.stored"')

/** The versions of objects that the records of one segment of the log `system` name. */
export function* storedIn(ndjson: Uint8Array): Generator<{ readonly key: string; readonly version: string }> {
  for (const { data } of recordsWith(ndjson, STORED)) {
    const objects = Array.isArray(data['objects']) ? data['objects'] : []
    for (const object of objects) {
      const { key, version } = (object ?? {}) as { key?: unknown; version?: unknown }
      if (typeof key === 'string' && typeof version === 'string') yield { key, version }
    }
  }
}

/** The starts that the records of one segment of the log `system` tell of. */
export function startsIn(ndjson: Uint8Array): SealedStart[] {
  const found: SealedStart[] = []
  for (const { recordedtime, data } of recordsWith(ndjson, MARK)) {
    const config = data['config']
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) found.push({ atMs: Date.parse(recordedtime), config })
  }
  return found
}
