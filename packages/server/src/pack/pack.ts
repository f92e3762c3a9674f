import type { ErrorCode } from '../errors.ts'
import type { Input } from '../event/input.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'

/** What a pack says of a field: whose the value is and what becomes of it. */
export type FieldRule =
  | { readonly class: 'plain' }
  | PersonalRule
  /** An open map: becomes an array of commitments to {key, value}; the names in `allow` stay plain. */
  | { readonly class: 'map'; readonly allow: ReadonlySet<string>; readonly whose: string | null }
  /** Sensitive authentication data: the event is refused. */
  | { readonly class: 'refuse' }
  /** Left out of the record. */
  | { readonly class: 'drop' }

/** Committed under the key of `whose` (a role of MappedEvent.people), or of the interaction when nobody is known. */
export interface PersonalRule {
  readonly class: 'personal'
  readonly kind: string
  readonly whose: string | null
  /** Searchable by keyed token, in the erasable index only. */
  readonly token: boolean
  /** What of the value those see who may not see it; a rule of views, nothing of it is stored. */
  readonly mask: Mask | null
  /** The vault keeps the salt and not the value: it can be checked, and never read. */
  readonly verifyOnly: boolean
}

/** Which characters of a value are shown; see `index/mask.ts`. */
export type Mask = 'card' | 'card-8' | 'phone' | 'email' | 'address' | 'last4' | { readonly first: number; readonly last: number }

/** Classification tree over the mapped data: a node per key, `items` for array elements, `any` for keys not named. */
export interface FieldNode {
  readonly rule: FieldRule | null
  readonly keys: ReadonlyMap<string, FieldNode>
  readonly items: FieldNode | null
  readonly any: FieldNode | null
}

/** `trail`: of the pack that knows the input, when several were asked. */
export type PackResult =
  /** `dropped` counts fanned-out events the filter did not keep; an input of a known topic that holds no event counts one. Events empty is `filtered`. */
  | { readonly kind: 'events'; readonly events: readonly MappedEvent[]; readonly dropped: number; readonly trail?: string }
  | { readonly kind: 'unmatched' }
  /** Quarantine with this code; `message` names paths and expressions, never values. */
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string; readonly trail?: string }

/** An event a filter kept, not yet mapped: only the pack that made it can read `rule`. */
export interface Kept {
  readonly rule: unknown
  readonly event: JsonValue
  readonly within: JsonValue
  readonly eventType: JsonValue
  readonly topic: string | null
  readonly topicId: string | null
}

export type Selection =
  | { readonly kind: 'kept'; readonly kept: readonly Kept[]; readonly dropped: number }
  | { readonly kind: 'unmatched' }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string }

export type Mapping = { readonly kind: 'event'; readonly event: MappedEvent } | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string }

/** A compiled pack bound to one trail. Pure: its methods read nothing but their arguments and never throw. */
export interface Pack {
  readonly name: string
  readonly version: number
  readonly trail: string
  /** `sha256:` hex over the pack's files, sealed in the system trail when it changes. */
  readonly digest: string
  readonly fields: FieldNode
  /** Held and released by state (interactions) or sealed at once (notifications). */
  readonly sequenced: boolean
  /** Status names by rank, from 1, highest precedence = highest rank; empty for trails without. */
  readonly statuses: ReadonlyMap<string, number>
  /** Which record types open and close a session, and what state they put a participant in; read by the state replay. */
  readonly states: PackStates
  /** JSON Schemas of the mapped data, newest first; all versions ever used stay. */
  readonly schemas: readonly { readonly version: number; readonly uri: string; readonly schema: JsonObject }[]
  /** Match, fan out, keep or drop. */
  select(input: Input, context: PackContext): Selection
  /** Map one event that `select` kept of the same input. */
  map(kept: Kept, input: Input, context: PackContext): Mapping
  /** `select`, then `map` of all that was kept; one event that errs makes the whole input an error. */
  apply(input: Input, context: PackContext): PackResult
}

/** Values expressions may read besides `event` and `raw`. */
export interface PackContext {
  readonly tenant: string
}

export interface PackStates {
  /** type → the state it puts its participant in, e.g. `…user.start` → `interacting`; null when it changes none. */
  readonly byType: ReadonlyMap<
    string,
    { readonly state: string | null; readonly effect: 'opens' | 'closes' | null; readonly phase: number; readonly rank: number }
  >
}
