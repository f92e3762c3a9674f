import type { JsonObject, JsonValue } from './json.ts'

/** One name by which a person is known, e.g. { kind: 'phone', value: '+13175550142' }. Personal: lives in memory only. */
export interface Alias {
  readonly kind: string
  readonly value: string
}

/** An event in its pack's shape: everything the record will say, before personal values are taken out. */
export interface MappedEvent {
  readonly trail: string
  /** Name and version of the pack, e.g. `genesys-interactions@1`. */
  readonly pack: string
  /** The pack's identity text: unique within tenant and trail. Becomes the record's `id`; never personal. */
  readonly id: string
  /** What the record is about (conversation id, message id). Never personal. */
  readonly subject: string
  /** CloudEvents `type`. */
  readonly type: string
  /** Event time in ms since the epoch; NaN if it has none. */
  readonly timeMs: number
  /** Event time as RFC 3339 text, or null. */
  readonly time: string | null
  /** CloudEvents `source`. Never personal. */
  readonly source: string
  /** `urn:sealtrail:schema:<pack>:<version>`, with `#newer` when the event has fields or enum values the schema does not know. */
  readonly schema: string
  readonly regulatorytag: string | null
  readonly data: JsonObject
  /** What of `data` must be equal for the same identity to be a duplicate and no conflict. May be `data` itself; empty: nothing but `agree`. */
  readonly compared: JsonObject
  /** What deliveries of the same identity must agree on wherever both state it (null: does not), whatever their routes. Null: the pack names nothing. */
  readonly agree: readonly JsonValue[] | null
  readonly order: Order
  /** For trails with status precedence (notifications), rank from 1; null elsewhere. */
  readonly status: { readonly name: string; readonly rank: number } | null
  /** Persons by role (`customer`, `agent`, …), aliases in the pack's order of preference. */
  readonly people: Readonly<Record<string, readonly Alias[]>>
}

/** What the sequencer needs to put events of one subject in their logical order. */
export interface Order {
  /** Ordinal of the type in the pack's `states` list (ties at equal time are broken by it), 0..65535. */
  readonly rank: number
  /** Session the event belongs to; constraints such as start before end hold within one session. */
  readonly session: string | null
  /** Whether the event opens or closes its session. */
  readonly effect: 'opens' | 'closes' | null
  /** 0 = no phase; within one session lower phases go first whatever their time says (start 1, end 2, acw 3). */
  readonly phase: number
}
