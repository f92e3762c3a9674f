import type { Tile } from '@sealtrail/tlog'
import type { Input, InputResult } from '../event/input.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { ExportAsked, ExportJob, Requester } from '../export/export.ts'
import type { StoreState } from '../store/verdict.ts'

export type Role = 'ingest' | 'auditor' | 'officer' | 'security' | 'admin'
export const ROLES: readonly Role[] = ['ingest', 'auditor', 'officer', 'security', 'admin']
/** Who may see records. */
export const READERS: readonly Role[] = ['auditor', 'officer', 'admin']

/** Who asks: the token's name (never the token), its role, and the reference given in `X-Audit-Purpose`, if any. */
export interface Viewer {
  readonly name: string
  readonly role: Role
  /** A reference such as a case number, `[A-Za-z0-9._:/#-]{1,64}`: it is sealed in clear, so no room for a person's name. */
  readonly purpose: string | null
}

export interface SubmitOptions {
  /** `sealed`: resolve when every input that is not held has its commit, or after `limits.answerWithinMs`; `durable`: resolve after the journal's fsync. */
  readonly wait: 'sealed' | 'durable'
  readonly receipts: 'full' | 'lean'
}

/** The way in: filter to seal. */
export interface Flow {
  /**
   * One result per input, in order; every input is durable (or answered from the ledger) when it resolves.
   * A result of outcome `sealed` or `quarantined` has a receipt once committed; without one it is accepted only.
   * A conflicting input has code IDENTITY_CONFLICT whatever its outcome says.
   * @throws SealtrailError NOT_DURABLE, OVERLOADED, LOG_STOPPED, NOT_READY, UNKNOWN_TRAIL: nothing of the batch was acknowledged.
   */
  submit(inputs: readonly Input[], options: SubmitOptions): Promise<InputResult[]>
  /** Accepted and not sealed yet, or null when this event is not under way. */
  underWay(auditid: string): Promise<InputResult | null>
  /** Synchronous and cheap; reasons never hold a personal value. */
  ready(): { readonly ok: boolean; readonly reasons: readonly string[]; readonly stores: readonly StoreState[] }
}

export interface NotificationQuery {
  readonly message_uuid?: string
  readonly customer_external_id?: string
  readonly carrier_message_id?: string
}

export interface RecordQuery {
  readonly log?: string
  readonly subject?: string
  readonly type?: string
  readonly status?: string
  readonly tag?: string
  readonly schema_version?: string
  /** Event time, ms since the epoch, inclusive. */
  readonly fromMs?: number
  /** Event time, ms since the epoch, exclusive. */
  readonly toMs?: number
  /** 1..1000. */
  readonly limit: number
  /** Opaque, as given in `next`. */
  readonly cursor?: string
}

/** A record that was shown, and of which of its fields the value was, in clear or masked: dotted paths. */
export interface Shown {
  readonly log: string
  readonly auditid: string
  readonly disclosed?: readonly string[]
  readonly masked?: readonly string[]
}

/** An answer ready to be sent, with what the read log says of it. */
export interface Reading {
  readonly body: JsonObject
  readonly shown: readonly Shown[]
}

/**
 * The way out. Each answer recomputes its records' hashes and carries inclusion proofs; whatever the viewer may not see
 * is null there already. Null: unknown, answered 404. @throws SealtrailError INDEX_BEHIND, DATA_CORRUPT, BAD_REQUEST (cursor).
 */
export interface Reader {
  auditNotifications(query: NotificationQuery, viewer: Viewer): Promise<Reading | null>
  /** `{id, closed, records, gaps, next}`. */
  interaction(id: string, page: { readonly limit: number; readonly cursor?: string }, viewer: Viewer): Promise<Reading | null>
  /** `{id, at, state, participants, subjectsequence}`; null before the first event. */
  interactionState(id: string, atMs: number, viewer: Viewer): Promise<Reading | null>
  /** `{records, next, lag}`. */
  records(query: RecordQuery, viewer: Viewer): Promise<Reading>
  record(auditid: string, viewer: Viewer): Promise<Reading | null>
  /**
   * Whether a value is the one a record commits to at a dotted path. Null: no such record.
   * @param ask called once the place is known, before the vault is asked: counts and seals it, or throws
   * @throws SealtrailError NOT_FOUND (nothing committed there), FORBIDDEN, TOO_MANY_CHECKS, RECORDS_EXPIRED
   */
  check(
    asked: CheckAsked,
    viewer: Viewer,
    ask: (place: { readonly log: string; readonly auditid: string; readonly path: string }) => Promise<void>,
  ): Promise<CheckAnswer | null>
  /** C2SP tlog-proof text of the record. `log` is what the role is checked against. */
  proof(auditid: string): Promise<{ readonly log: string; readonly text: string } | null>
  /** The result of a sealed event with its receipt; null when unknown (or filtered: these leave nothing). */
  eventResult(auditid: string): Promise<InputResult | null>
  /** The published note; null when there is no such log, or nothing of it is published yet. */
  checkpoint(log: string): Promise<string | null>
}

export interface CheckAsked {
  readonly auditid: string
  /** Dotted path, as in `field_states`. */
  readonly path: string
  readonly value: JsonValue
}

export interface CheckAnswer {
  readonly log: string
  readonly auditid: string
  readonly path: string
  /** `sealed`: the value is there. Else why nobody can say. */
  readonly state: 'sealed' | 'erased' | 'expired' | 'missing'
  /** Null when nobody can say. */
  readonly matches: boolean | null
}

/** Checks of values: counted by token and sealed, each before it is answered. */
export interface Checks {
  check(asked: CheckAsked, viewer: Viewer): Promise<CheckAnswer | null>
}

/** The logs as C2SP tlog-tiles serves them, up to the newest committed checkpoint. */
export interface Tiles {
  /**
   * The bytes of a hash tile or entry bundle in exactly the width asked for, led to the root of a signed checkpoint; null
   * when the log has no such tile, or there is no such log.
   * @throws SealtrailError DATA_CORRUPT when what is stored does not lead there: wrong bytes are never handed out.
   */
  read(log: string, tile: Tile): Promise<Uint8Array | null>
}

/** One disclosure to be sealed in the system trail; batched by whoever takes it. */
export interface ReadNote {
  readonly viewer: Viewer
  /** The route's operation, e.g. `readRecord`. */
  readonly operation: string
  /** Names of the query parameters given, never their values. */
  readonly parameters: readonly string[]
  readonly shown: Reading['shown']
  readonly atMs: number
}

export interface ReadLog {
  note(read: ReadNote): void
}

export interface Quarantine {
  /** `{records: [{auditid, log, index, recordedtime, code, reason, replayed}], next}`. */
  list(query: { readonly trail?: string; readonly code?: string; readonly limit: number; readonly cursor?: string }): Promise<JsonObject>
  /** Sends the kept bytes through the flow again: `{total, sealed, held, duplicate, filtered, quarantined, refused}`. Itself sealed in `system` with the viewer's name. */
  replay(which: { readonly trail?: string; readonly code?: string; readonly auditids?: readonly string[] }, viewer: Viewer): Promise<JsonObject>
}

/** Evidence bundles: ordered, made one after the other, fetched until they expire. */
export interface ExportDesk {
  /** @throws SealtrailError OVERLOADED, NOT_READY */
  create(asked: ExportAsked, requester: Requester): Promise<ExportJob>
  /** Newest first. */
  list(): Promise<ExportJob[]>
  get(id: string): Promise<ExportJob | null>
  /** Path of a ready export's zip. */
  file(id: string): string
}

/** Configuration a running server changes on request; every change is sealed in `system` with the viewer's name. */
export interface Admin {
  /** Public halves and names only. @param uses also how often each wrapping key is used, which is counted anew */
  keys(uses: boolean): Promise<JsonValue[]>
  rotateKey(name: string, viewer: Viewer): Promise<JsonObject>
  /** Has people's keys wrapped under the current wrapping key. */
  rewrapKeys(viewer: Viewer): Promise<JsonObject>
  /** Retires a log key that is not current, or destroys a wrapping key nothing is wrapped under. */
  endKey(id: string, viewer: Viewer): Promise<JsonObject>
  packs(): Promise<JsonValue[]>
  schemas(): Promise<JsonValue[]>
  addSchema(request: { readonly pack: string; readonly version: number; readonly schema: JsonObject }, viewer: Viewer): Promise<JsonObject>
}
