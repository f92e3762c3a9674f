import type { JsonObject } from '../../src/event/json.ts'
import { callEvents } from '../flow/fixtures/call.ts'

export const DAY_MS = 86_400_000
/** The call of the fixture begins here. */
const FIXTURE_MS = Date.UTC(2026, 2, 5, 9, 30, 0, 120)

/** A call that begins at this time: the fixture's eighteen events, and an agent's hold of twenty seconds within. */
export function callAt(seed: number, startMs: number): JsonObject[] {
  const shift = startMs - FIXTURE_MS
  const moved = callEvents(seed).map((event) => JSON.parse(JSON.stringify(event, (key, value: unknown) => moveTime(key, value, shift))) as JsonObject)
  const start = bodyOf(moved[7] as JsonObject)
  const held = (afterMs: number, state: string, n: number): JsonObject => ({
    ...(moved[7] as JsonObject),
    id: `hold-${seed}-${n}`,
    'detail-type': 'v2.detail.events.agent.{id}.state',
    detail: {
      topicName: `v2.detail.events.agent.${String(start['userId'])}.state`,
      version: '2',
      eventBody: {
        userId: start['userId'] ?? null,
        conversationId: start['conversationId'] ?? null,
        participantId: start['participantId'] ?? null,
        sessionId: start['sessionId'] ?? null,
        mediaType: 'VOICE',
        sessionStart: startMs + 39_820,
        currentState: state,
        currentStateStart: startMs + afterMs,
        originatingDirection: 'INBOUND',
        queueId: start['queueId'] ?? null,
      },
      metadata: { CorrelationId: `c-${seed}-${n}` },
      timestamp: new Date(startMs + afterMs).toISOString(),
    },
  })
  return [...moved.slice(0, 9), held(60_000, 'HOLD', 1), held(80_000, 'INTERACT', 2), ...moved.slice(9)]
}

/** The same call, wrapped up as a complaint. */
export function complaint(call: readonly JsonObject[]): JsonObject[] {
  return call.map((event) => JSON.parse(JSON.stringify(event).replace(/"wrapupCode":"[^"]+"/g, '"wrapupCode":"complaint"')) as JsonObject)
}

export function conversationOf(call: readonly JsonObject[]): string {
  return String(bodyOf(call[0] as JsonObject)['conversationId'])
}

function bodyOf(event: JsonObject): JsonObject {
  return (event['detail'] as JsonObject)['eventBody'] as JsonObject
}

function moveTime(key: string, value: unknown, shift: number): unknown {
  if ((key === 'eventTime' || key === 'milestoneTime') && typeof value === 'number') return value + shift
  if ((key === 'time' || key === 'timestamp') && typeof value === 'string') return new Date(Date.parse(value) + shift).toISOString()
  return value
}
