import { spliceRecord } from '@sealtrail/evidence'
import type { Batch } from '../event/batch.ts'
import { FLAG, NO_SESSION, encodeEntry, entryBound } from '../event/entry.ts'
import { identify } from '../event/identity.ts'
import type { JsonObject } from '../event/json.ts'
import { subjectToken } from '../event/subject-token.ts'
import type { KeyedHashes } from '../keys/keys.ts'

export const SYSTEM_LOG = 'system'

/** Something the server did, for the system trail. Never a personal value: names of tokens, fields and records, counts, digests. */
export interface SystemEvent {
  /** `sealtrail.system.<what>` becomes the type. */
  readonly what: string
  /** What it is about, e.g. `counts/2026-11-22T17`; records of one subject are numbered. */
  readonly subject: string
  /** Unique: the same id twice is one record. */
  readonly id: string
  readonly data: JsonObject
}

/** A batch of one entry for the system trail, through the same journal and seal as everything else. */
export function systemBatch(event: SystemEvent, nowMs: number, tenant: string, hashes: KeyedHashes): Batch {
  const { identity, auditid } = identify(hashes, tenant, SYSTEM_LOG, event.id, nowMs)
  const time = new Date(nowMs).toISOString()
  const { text, bytes, lateAt, sequenceAt } = spliceRecord({
    auditid,
    data: event.data,
    dataschema: `urn:sealtrail:schema:system.${event.what}:1`,
    id: event.id,
    provenance: 'pushed',
    recordedtime: time,
    regulatorytag: null,
    source: 'urn:sealtrail:server',
    subject: event.subject,
    time,
    type: `sealtrail.system.${event.what}`,
  })
  const draft = {
    flags: FLAG.system,
    statusRank: 0,
    phase: 0,
    rank: 0,
    timeMs: nowMs,
    receivedMs: nowMs,
    identity,
    fingerprint: '\0'.repeat(16),
    subjectToken: subjectToken(SYSTEM_LOG, event.subject),
    session: NO_SESSION,
    log: SYSTEM_LOG,
    subject: event.subject,
    tokens: [],
    recordText: text,
    recordBytes: bytes,
    lateAt,
    sequenceAt,
  }
  const entries = Buffer.alloc(entryBound(draft))
  const end = encodeEntry(draft, null, entries, 0)
  return { entries: entries.subarray(0, end), offsets: Uint32Array.of(0, end), rows: new Uint8Array(0), rowOffsets: Uint32Array.of(0, 0), wait: 'durable' }
}
