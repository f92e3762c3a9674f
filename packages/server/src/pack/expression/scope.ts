import type { JsonObject, JsonValue } from '../../event/json.ts'

/** What expressions may read. One mutable object per pack is filled for each event, so that evaluating allocates nothing. */
export interface Scope {
  /** The event after unwrapping, fan-out and normalising. */
  event: JsonValue
  /** The input as received. */
  raw: JsonValue
  event_type: JsonValue
  /** `{ id }`: the tenant of the credential. */
  tenant: JsonValue
  /** The elements an event was fanned out of, outermost (the unwrapped body) first. */
  within: JsonValue
  /** Constant look-up maps of the pack. */
  tables: JsonValue
  receivedMs: number
  /** Values of comprehension variables, by slot. */
  locals: JsonValue[]
}

/** Names an expression may use, with the scope field each reads. */
export const NAMES: readonly (keyof Scope & string)[] = ['event', 'raw', 'event_type', 'tenant', 'within', 'tables']

/** Evaluates one expression. @throws ExpressionError when a value has the wrong type for an operator. */
export type Run = (scope: Scope) => JsonValue

/** An expression failed on an event. The message names operators and types, never values. */
export class ExpressionError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ExpressionError'
  }
}

export function newScope(tables: JsonObject): Scope {
  return { event: null, raw: null, event_type: null, tenant: null, within: null, tables, receivedMs: 0, locals: [] }
}
