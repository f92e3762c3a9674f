import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalize } from '@sealtrail/evidence'
import type { Config } from '../config/config.ts'
import type { OpenPacks } from '../config/open-packs.ts'
import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { Admin } from '../http/ports.ts'
import { shownHit } from './hit-counts.ts'
import type { SealingPort } from './sealing-port.ts'

export interface AdminDeps {
  readonly config: Config
  readonly packs: OpenPacks
  readonly port: SealingPort
  readonly now: () => number
  /** Told of each rotation, before it is answered. */
  rotated(): Promise<void>
}

/** Keys, packs and schemas of a running server. Each change is sealed in the system trail under the name of who made it. */
export function adminOf({ config, packs, port, now, rotated }: AdminDeps): Admin {
  const all = (): Array<[string, OpenPacks['byTrail'] extends ReadonlyMap<string, readonly (infer P)[]> ? P : never]> =>
    [...packs.byTrail].flatMap(([trail, list]) => list.map((pack) => [trail, pack] as [string, typeof pack]))
  const duty = (what: string, subject: string, data: JsonObject): Promise<void> => port.system({ what, subject, id: `${subject}/${now()}`, data })
  return {
    keys: (uses) => port.keyList({ uses }),
    async rotateKey(name, viewer) {
      const key = await port.rotateKey({ name, by: viewer.name })
      await rotated()
      return key
    },
    rewrapKeys: (viewer) => port.rewrapKeys({ by: viewer.name }),
    endKey: (id, viewer) => port.endKey({ id, by: viewer.name }),
    async packs() {
      const found = await port.detected()
      return all().map(([trail, pack]) => ({
        // Since the server started: what the pack calls plain and is not.
        detected: found.filter((hit) => hit.trail === trail && hit.pack === `${pack.name}@${pack.version}`).map(shownHit),
        digest: pack.digest,
        name: pack.name,
        sequenced: pack.sequenced,
        trail,
        version: pack.version,
      }))
    },
    schemas: () =>
      Promise.resolve(
        all().flatMap(([trail, pack]) =>
          pack.schemas.map((schema): JsonValue => ({ pack: pack.name, schema: schema.schema, trail, uri: schema.uri, version: schema.version })),
        ),
      ),
    async addSchema({ pack: name, version, schema }, viewer) {
      const folder = Object.values(config.trails)
        .flatMap((trail) => trail.packs)
        .find((path) => path.split(/[\\/]/).at(-1) === name)
      if (folder === undefined) throw new SealtrailError('NOT_FOUND', 'no trail has a pack of this name')
      const file = join(folder, 'schema', `${version}.json`)
      // Versions that records were sealed under never change.
      if (existsSync(file)) throw new SealtrailError('BAD_REQUEST', `schema version ${version} of ${name} is there already; add the next one`)
      try {
        mkdirSync(join(folder, 'schema'), { recursive: true })
        writeFileSync(file, canonicalize(schema) + '\n', { flag: 'wx' })
      } catch (cause) {
        throw new SealtrailError('DATA_UNWRITABLE', `the schema cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause })
      }
      await duty('schema', `schema/${name}`, { by: viewer.name, pack: name, version })
      return { pack: name, version, active: 'at the next start' }
    },
  }
}
