import { EvidenceError, auditIdBytes, spliceRecord, splitData } from '@sealtrail/evidence'
import type { RecordDraft, SplicedRecord } from '@sealtrail/evidence'
import type { Draft, StoredObject } from '../event/draft.ts'
import { NO_SESSION } from '../event/entry.ts'
import { EntryArena } from '../event/entry-arena.ts'
import type { Identity } from '../event/identity.ts'
import type { Input } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import { sessionToken, subjectToken } from '../event/subject-token.ts'
import { rowKey } from '../vault/encrypt.ts'

/** Where a record stands and what it is called: an event, or what takes its place. */
export type Placed = Pick<MappedEvent, 'trail' | 'id' | 'subject' | 'type' | 'source' | 'timeMs' | 'time' | 'regulatorytag' | 'order' | 'status'>

/** What a record says, and what the vault keeps of it. */
export interface Said extends Pick<Draft, 'fingerprint' | 'tokens' | 'owners' | 'code' | 'message'> {
  readonly flags: number
  /** Without personal values. */
  readonly data: JsonObject
  readonly schema: string
  /** Digest (base64url) of the first disclosure, or null when there is none. */
  readonly firstDigest: string | null
}

/** Makes records to be: the text of the record, the entry of the journal, the key of the vault's row. One a thread. */
export class Drafts {
  readonly #arena = new EntryArena()
  readonly #route: (trail: string, tag: string | null) => string

  /** @param route the log for the first event of a subject with this tag */
  constructor(route: (trail: string, tag: string | null) => string) {
    this.#route = route
  }

  /** @throws EvidenceError when the record cannot be written */
  make(input: Input, position: number, event: Placed, { identity, auditid }: Identity, said: Said): Draft {
    const { trail, subject, order } = event
    const log = this.#route(trail, event.regulatorytag)
    const { fingerprint, tokens } = said
    const [record, object] = spliced({
      auditid,
      data: said.data,
      dataschema: said.schema,
      id: event.id,
      provenance: input.provenance,
      recordedtime: recordedTime(input.receivedMs),
      regulatorytag: event.regulatorytag,
      source: event.source,
      subject,
      time: event.time,
      type: event.type,
    })
    const vaultKey = rowKey(auditIdBytes(auditid), said.firstDigest)
    const entry = this.#arena.write(
      {
        flags: said.flags,
        statusRank: event.status === null ? 0 : event.status.rank,
        phase: order.phase,
        rank: order.rank,
        timeMs: event.timeMs,
        receivedMs: input.receivedMs,
        identity,
        fingerprint,
        subjectToken: subjectToken(log, subject),
        session: order.session === null ? NO_SESSION : sessionToken(order.session),
        log,
        subject,
        tokens,
        recordText: record.text,
        recordBytes: record.bytes,
        lateAt: record.lateAt,
        sequenceAt: record.sequenceAt,
      },
      vaultKey,
    )
    const { owners, code, message } = said
    const draft: Draft = { position, trail, log, auditid, vaultKey, identity, fingerprint, code, message, tokens, owners, entry }
    return object === null ? draft : { ...draft, object }
  }
}

/** The record, with an object beside it where the data is too large for a leaf. @throws EvidenceError TOO_LARGE, NOT_I_JSON */
function spliced(fields: RecordDraft): [SplicedRecord, StoredObject | null] {
  try {
    return [spliceRecord(fields), null]
  } catch (error) {
    if (!(error instanceof EvidenceError) || error.code !== 'TOO_LARGE') throw error
    const { draft, object, digest } = splitData(fields)
    return [spliceRecord(draft), { digest, bytes: object }]
  }
}

let recordedMs = Number.NaN
let recordedText = ''

/** RFC 3339 of the receive time, which all events of a request share. */
function recordedTime(receivedMs: number): string {
  if (receivedMs !== recordedMs) {
    recordedText = new Date(receivedMs).toISOString()
    recordedMs = receivedMs
  }
  return recordedText
}
