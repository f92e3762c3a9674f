import { loadPack } from '../pack/load.ts'
import type { Pack } from '../pack/pack.ts'
import type { Config } from './config.ts'

/** The packs of every trail, compiled. */
export interface OpenPacks {
  readonly byTrail: ReadonlyMap<string, readonly Pack[]>
  of(trail: string): readonly Pack[]
}

/** Loads each trail's packs with what the trail's configuration says of filter, map and subscription. @throws SealtrailError PACK_INVALID */
export function openPacks(config: Config): OpenPacks {
  const byTrail = new Map<string, readonly Pack[]>()
  for (const [name, trail] of Object.entries(config.trails)) {
    byTrail.set(
      name,
      trail.packs.map((folder) =>
        loadPack(folder, { trail: name, filter: trail.filter, map: trail.map, subscription: trail.subscription, protect: trail.protect }),
      ),
    )
  }
  return { byTrail, of: (trail) => byTrail.get(trail) ?? [] }
}
