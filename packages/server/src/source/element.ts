import { parseIJson } from '@sealtrail/evidence'
import type { JsonLimits } from '@sealtrail/evidence'
import type { ErrorCode } from '../errors.ts'
import type { Input, Provenance } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import { unwrapCloudEvent } from './cloudevent.ts'

/** What every input of one request has in common. */
export interface Arrival {
  readonly trail: string | null
  readonly receivedMs: number
  readonly provenance: Provenance
}

export interface ElementOptions extends Arrival {
  readonly limits: JsonLimits
  /** True when the bytes must be a CloudEvent; else an object that says `specversion` is taken for one. */
  readonly cloudEvent: boolean
}

/**
 * The bytes of one event as an input. Never throws: whatever is wrong becomes its `problem`, and the input is
 * quarantined. Also how quarantined bytes come back (replay) and how lines of files come in.
 */
export function toInput(bytes: Uint8Array, options: ElementOptions): Input {
  const parsed = parseIJson(bytes, options.limits)
  if ('problem' in parsed) return broken(bytes, options, parsed.problem.code, parsed.problem.message)
  if (parsed.reserved) return broken(bytes, options, 'RESERVED_KEY', 'a key is one of _sd, _sd_alg, ...')
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return broken(bytes, options, 'UNMATCHED', 'the event is no JSON object')
  if (!options.cloudEvent && typeof value['specversion'] !== 'string') return whole(bytes, options, value)
  const event = unwrapCloudEvent(value, options.limits)
  if ('message' in event) return options.cloudEvent ? broken(bytes, options, 'UNMAPPABLE', event.message) : whole(bytes, options, value)
  return {
    bytes,
    value: event.value,
    problem: null,
    context: event.context,
    trail: options.trail,
    receivedMs: options.receivedMs,
    provenance: options.provenance,
  }
}

/** An input that can only be quarantined. */
export function broken(bytes: Uint8Array, arrival: Arrival, code: ErrorCode, message: string): Input {
  const { trail, receivedMs, provenance } = arrival
  return { bytes, value: null, problem: { code, message }, context: null, trail, receivedMs, provenance }
}

function whole(bytes: Uint8Array, arrival: Arrival, value: JsonObject): Input {
  const { trail, receivedMs, provenance } = arrival
  return { bytes, value, problem: null, context: null, trail, receivedMs, provenance }
}
