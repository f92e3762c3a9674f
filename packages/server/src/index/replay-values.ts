import { isCommitment } from '@sealtrail/evidence'
import type { FieldState } from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { addState } from './disclose.ts'
import type { ReplayRecord } from './logical-order.ts'
import { dataFor } from './reading.ts'
import type { ProvenRecord, ReadingDeps } from './reading.ts'
import type { View } from './views.ts'

/** What the replay reads of a record's data, or of its payload. A trail may have any of it committed. */
const NAMES = ['sessionId', 'participantId', 'userId', 'queueId', 'purpose', 'currentState', 'state'] as const

type States = Readonly<Record<string, FieldState>>

/**
 * The events as one reader may have them replayed: what a trail commits of that which the replay reads is put back as far as
 * the reader sees it. With the states of these fields, for records that have any.
 */
export async function withValues<E extends ReplayRecord & { readonly record: ProvenRecord }>(
  events: readonly E[],
  view: View,
  deps: Pick<ReadingDeps, 'trails' | 'vault'>,
): Promise<{ events: E[]; values: ReadonlyMap<ProvenRecord, States> }> {
  const values = new Map<ProvenRecord, States>()
  const read = await Promise.all(
    events.map(async (event) => {
      const paths = committed(event.data)
      if (paths.length === 0) return event
      const { data, states } = await dataFor(event.record, view, deps)
      values.set(event.record, Object.fromEntries(paths.flatMap((path) => (states[path] === undefined ? [] : [[path, states[path]]]))))
      return { ...event, data: putBack(event.data, data, paths) }
    }),
  )
  return { events: read, values }
}

/** Of several records the least readable state of each field. */
export function worst(all: readonly States[]): States {
  const states: Record<string, FieldState> = {}
  for (const each of all) for (const name of Object.keys(each)) addState(states, name, each[name] as FieldState)
  return states
}

function committed(data: JsonObject): string[] {
  const payload = objectAt(data)
  return NAMES.flatMap((name) => [...(isCommitment(data[name]) ? [name] : []), ...(isCommitment(payload?.[name]) ? [`payload.${name}`] : [])])
}

function putBack(data: JsonObject, flat: JsonObject, paths: readonly string[]): JsonObject {
  const out: JsonObject = { ...data }
  for (const path of paths) {
    const name = path.replace('payload.', '')
    if (name === path) out[name] = flat[name] ?? null
    else out['payload'] = { ...objectAt(out), [name]: objectAt(flat)?.[name] ?? null }
  }
  return out
}

function objectAt({ payload }: JsonObject): JsonObject | null {
  const value: JsonValue | undefined = payload
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
}
