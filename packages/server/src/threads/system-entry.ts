import { spliceRecord } from '@sealtrail/evidence'
import type { Batch } from '../event/batch.ts'
import { FLAG, NO_SESSION, encodeEntry, entryBound } from '../event/entry.ts'
import type { EntryDraft } from '../event/entry.ts'
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
  return batchOf([draftOf(event, { log: SYSTEM_LOG, trail: SYSTEM_LOG, room: 'system' }, nowMs, tenant, hashes)])
}

/** The same for a log of summaries: `sealtrail.summary.<what>`. @param trail whose summaries they are */
export function summaryBatch(log: string, trail: string, events: readonly SystemEvent[], nowMs: number, tenant: string, hashes: KeyedHashes): Batch {
  return batchOf(events.map((event) => draftOf(event, { log, trail, room: 'summary' }, nowMs, tenant, hashes)))
}

interface Place {
  readonly log: string
  /** Whose identities its records have. */
  readonly trail: string
  readonly room: 'system' | 'summary'
}

function draftOf(event: SystemEvent, { log, trail, room }: Place, nowMs: number, tenant: string, hashes: KeyedHashes): EntryDraft {
  const { identity, auditid } = identify(hashes, tenant, trail, event.id, nowMs)
  const time = new Date(nowMs).toISOString()
  const { text, bytes, lateAt, sequenceAt } = spliceRecord({
    auditid,
    data: event.data,
    dataschema: `urn:sealtrail:schema:${room}.${event.what}:1`,
    id: event.id,
    provenance: 'pushed',
    recordedtime: time,
    regulatorytag: null,
    source: 'urn:sealtrail:server',
    subject: event.subject,
    time,
    type: `sealtrail.${room}.${event.what}`,
  })
  return {
    flags: FLAG.system,
    statusRank: 0,
    phase: 0,
    rank: 0,
    timeMs: nowMs,
    receivedMs: nowMs,
    identity,
    fingerprint: '\0'.repeat(16),
    subjectToken: subjectToken(log, event.subject),
    session: NO_SESSION,
    log,
    subject: event.subject,
    tokens: [],
    recordText: text,
    recordBytes: bytes,
    lateAt,
    sequenceAt,
  }
}

function batchOf(drafts: readonly EntryDraft[]): Batch {
  const entries = Buffer.alloc(drafts.reduce((sum, draft) => sum + entryBound(draft), 0))
  const offsets = new Uint32Array(drafts.length + 1)
  drafts.forEach((draft, i) => (offsets[i + 1] = encodeEntry(draft, null, entries, offsets[i] as number)))
  const end = offsets[drafts.length] as number
  return { entries: entries.subarray(0, end), offsets, rows: new Uint8Array(0), rowOffsets: new Uint32Array(drafts.length + 1), wait: 'durable' }
}
