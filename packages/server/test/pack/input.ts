import type { Input } from '../../src/event/input.ts'
import type { JsonObject } from '../../src/event/json.ts'

/** An input as the source step hands it on, received at the start of 2026. */
export function input(value: JsonObject | null, more: Partial<Input> = {}): Input {
  return {
    bytes: new TextEncoder().encode(JSON.stringify(value)),
    value,
    problem: null,
    context: null,
    trail: null,
    receivedMs: Date.UTC(2026, 0, 1),
    provenance: 'pushed',
    ...more,
  }
}
