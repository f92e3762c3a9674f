import type { Input } from '../event/input.ts'
import type { Kept, Pack, PackContext, PackResult } from '../pack/pack.ts'

/** What became of an input before mapping: the pack that took it and the events its filters kept, or why none did. */
export type Filtered =
  | { readonly kind: 'kept'; readonly pack: Pack; readonly kept: readonly Kept[]; readonly dropped: number }
  | Exclude<PackResult, { readonly kind: 'events' }>

/**
 * The first of `packs` that knows the input takes it, fans it out and keeps or drops each event; what is dropped is
 * counted. An input no pack knows is `unmatched`, never dropped. Pure; never throws.
 */
export function filter(packs: Iterable<Pack>, input: Input, context: PackContext): Filtered {
  for (const pack of packs) {
    const selection = pack.select(input, context)
    if (selection.kind === 'kept') return { kind: 'kept', pack, kept: selection.kept, dropped: selection.dropped }
    if (selection.kind === 'error') return { ...selection, trail: pack.trail }
  }
  return { kind: 'unmatched' }
}
