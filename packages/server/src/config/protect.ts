import { SealtrailError } from '../errors.ts'
import type { JsonValue } from '../event/json.ts'
import { loadPack } from '../pack/load.ts'
import { overrideFields } from '../pack/override.ts'
import type { Overridden, Protect } from '../pack/override.ts'
import { ruleAt } from '../pack/fields.ts'
import { detect } from '../protect/detect.ts'
import { nearest } from './nearest.ts'
import type { StoreReading } from './store-keys.ts'

/**
 * What a trail says of its fields, each entry checked against every pack of the trail, so that a mistake is named where it
 * stands. A pack that does not load says so itself when it is opened.
 * @param warn told of a path that no pack names: it may be a slip of the pen
 */
export function readProtect(
  trail: string,
  folders: readonly string[],
  { find, mistake }: StoreReading,
  warn: (path: string, message: string) => void,
): Protect {
  const path = `trails.${trail}.protect`
  const written = find<Record<string, JsonValue>>(path)
  if (written === null) return {}
  const packs = folders.flatMap((folder) => packOf(folder, trail) ?? [])
  for (const [name, method] of Object.entries(written)) {
    const at = `${path}.${name}`
    const reason = (method as { plain?: unknown } | null)?.plain
    // It is sealed in clear, at each start.
    if (typeof reason === 'string' && detect(reason, 'reason') !== null)
      mistake(at, `${at}: the reason holds a personal value; name the matter, not the person`)
    for (const pack of packs) {
      try {
        overrideFields(pack, { [name]: method }, path)
      } catch (error) {
        if (!(error instanceof SealtrailError)) throw error
        mistake(at, error.message)
        break
      }
    }
    if (packs.length > 0 && packs.every((pack) => ruleAt(pack.fields, name) === null)) {
      const meant = nearest(name, [...new Set(packs.flatMap((pack) => [...pack.fields.keys.keys()]))])
      if (meant !== null) warn(at, `${at}: no pack of the trail names it; did you mean "${meant}"?`)
    }
  }
  return written
}

function packOf(folder: string, trail: string): Overridden | null {
  try {
    return loadPack(folder, { trail })
  } catch (error) {
    if (error instanceof SealtrailError) return null
    throw error
  }
}
