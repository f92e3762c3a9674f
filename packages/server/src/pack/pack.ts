import type { ErrorCode } from '../errors.ts'
import type { Input } from '../event/input.ts'
import type { MappedEvent } from '../event/mapped.ts'

/** What a pack says of a field: whose the value is and what becomes of it. */
export type FieldRule =
  | { readonly class: 'plain' }
  /** Committed under the key of `whose` (a role of MappedEvent.people), or of the interaction when nobody is known. `token`: searchable by keyed token, in the index only. */
  | { readonly class: 'personal'; readonly kind: string; readonly whose: string | null; readonly token: boolean }
  /** An open map: becomes an array of commitments to {key, value}; the names in `allow` stay plain. */
  | { readonly class: 'map'; readonly allow: ReadonlySet<string>; readonly whose: string | null }
  /** Sensitive authentication data: the event is refused. */
  | { readonly class: 'refuse' }
  /** Left out of the record. */
  | { readonly class: 'drop' }

/** Classification tree over the mapped data: a node per key, `items` for array elements, `any` for keys not named. */
export interface FieldNode {
  readonly rule: FieldRule | null
  readonly keys: ReadonlyMap<string, FieldNode>
  readonly items: FieldNode | null
  readonly any: FieldNode | null
}

export type PackResult =
  /** `dropped` counts fanned-out events the filter did not keep; events empty and dropped > 0 is `filtered`. */
  | { readonly kind: 'events'; readonly events: readonly MappedEvent[]; readonly dropped: number }
  | { readonly kind: 'unmatched' }
  /** Quarantine with this code; `message` names paths and expressions, never values. */
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string }

/** A compiled pack bound to one trail. Pure: `apply` reads nothing but its arguments and never throws. */
export interface Pack {
  readonly name: string
  readonly version: number
  readonly trail: string
  /** `sha256:` hex over the pack's files, sealed in the system trail when it changes. */
  readonly digest: string
  readonly fields: FieldNode
  /** Held and released by state (interactions) or sealed at once (notifications). */
  readonly sequenced: boolean
  /** Status names by rank, highest precedence = highest rank; empty for trails without. */
  readonly statuses: ReadonlyMap<string, number>
  /** Which record types open and close a session, and what state they put a participant in; read by the state replay. */
  readonly states: PackStates
  apply(input: Input, context: PackContext): PackResult
}

/** Values expressions may read besides `event` and `raw`. */
export interface PackContext {
  readonly tenant: string
}

export interface PackStates {
  /** type → the state it puts its participant in, e.g. `…user.start` → `interacting`; null when it changes none. */
  readonly byType: ReadonlyMap<string, { readonly state: string | null; readonly effect: 'opens' | 'closes' | null; readonly phase: number; readonly rank: number }>
}
