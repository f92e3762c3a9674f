import type { JsonObject, JsonValue } from '../../event/json.ts'

/** What the replay and the totals read of a record's data; the rest of a day need not be held in memory. */
const NAMES = [
  'sessionId',
  'participantId',
  'purpose',
  'userId',
  'queueId',
  'currentState',
  'state',
  'mediaType',
  'disconnectType',
  'wrapupCode',
  'delivery_status',
] as const

/** The members of the data, and of the payload in the plain shape, that count; committed values are lists and never among them. */
export function slim(data: JsonObject): JsonObject {
  const out: Record<string, JsonValue> = {}
  for (const name of NAMES) {
    const value = data[name]
    if (typeof value === 'string') out[name] = value
  }
  const { transfer, payload } = data
  if (isObject(transfer) && typeof transfer['kind'] === 'string') out['transfer'] = { kind: transfer['kind'] }
  if (isObject(payload)) out['payload'] = slim(payload)
  return out
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
