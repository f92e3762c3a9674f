import type { Order } from '../event/mapped.ts'
import type { PackStates } from './pack.ts'
import type { Place } from './yaml.ts'

/** Rank of types that `states` does not name: after all that it does. */
const LAST = 65_535

/** Reads `states`: the types in the order that breaks ties, each with what it does to its session. @throws SealtrailError PACK_INVALID */
export function readStates(place: Place | undefined): PackStates {
  const byType = new Map<string, { state: string | null; effect: 'opens' | 'closes' | null; phase: number; rank: number }>()
  place?.items().forEach((item: Place, rank) => {
    const entries = item.entries(['type', 'effect', 'phase', 'state'])
    const type = entries.get('type') ?? item.fail('a state needs "type"')
    if (byType.has(type.text())) type.fail(`${type.text()} is listed twice`)
    if (rank >= LAST) type.fail('too many states')
    const effect = entries.get('effect')?.text() ?? null
    if (effect !== null && effect !== 'opens' && effect !== 'closes') item.fail('"effect" is opens or closes')
    const state = entries.get('state')?.scalar() ?? null
    byType.set(type.text(), { state: state === null ? null : String(state), effect, phase: entries.get('phase')?.integer() ?? 0, rank })
  })
  return { byType }
}

/** What the sequencer needs of an event of `type` in `session`. */
export function orderOf(states: PackStates, type: string, session: string | null): Order {
  const state = states.byType.get(type)
  if (state === undefined) return { rank: LAST, session, effect: null, phase: 0 }
  return { rank: state.rank, session, effect: session === null ? null : state.effect, phase: state.phase }
}
