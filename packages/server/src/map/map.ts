import type { Input } from '../event/input.ts'
import type { MappedEvent } from '../event/mapped.ts'
import type { Kept, Pack, PackContext, PackResult } from '../pack/pack.ts'

/**
 * Each kept event in its pack's shape, with identity, subject, time and schema. One event that cannot be mapped makes the
 * whole input an error: it is quarantined whole, so that a replay finds all its events again. Pure; never throws.
 */
export function map(pack: Pack, kept: readonly Kept[], dropped: number, input: Input, context: PackContext): PackResult {
  const events: MappedEvent[] = []
  for (const one of kept) {
    const mapping = pack.map(one, input, context)
    if (mapping.kind === 'error') return { ...mapping, trail: pack.trail }
    events.push(mapping.event)
  }
  return { kind: 'events', events, dropped, trail: pack.trail }
}
