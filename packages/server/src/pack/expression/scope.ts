import type { JsonObject, JsonValue } from '../../event/json.ts'

/** What expressions may read. One mutable object per pack is filled for each event, so that evaluating allocates nothing. */
export interface Scope {
  /** The event after unwrapping, fan-out and normalising. */
  event: JsonValue
  /** The input as received. */
  raw: JsonValue
  event_type: JsonValue
  /** The mapped data; null until it is mapped. */
  data: JsonValue
  /** CloudEvents context attributes of the input, or null. */
  context: JsonValue
  /** What follows `{id}.` in the matched topic pattern, or the whole topic. */
  topic: JsonValue
  /** What stood for `{id}` in the topic. */
  topic_id: JsonValue
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
export const NAMES: readonly (keyof Scope & string)[] = ['event', 'raw', 'event_type', 'data', 'context', 'topic', 'topic_id', 'tenant', 'within', 'tables']

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
  return {
    event: null,
    raw: null,
    event_type: null,
    data: null,
    context: null,
    topic: null,
    topic_id: null,
    tenant: null,
    within: null,
    tables,
    receivedMs: 0,
    locals: [],
  }
}
