import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { readingsOf } from '../config/logs.ts'
import { openEraser } from '../config/open-eraser.ts'
import type { EraserEnv } from '../config/open-eraser.ts'
import type { Sealing } from '../config/sealing.ts'
import { aliasTokens } from '../event/alias.ts'
import { personTokens } from '../event/person-alias.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { exportsHolding } from '../privacy/handed-out.ts'
import type { People } from '../privacy/people.ts'
import type { PersonDesk } from '../privacy/person.ts'
import { personDesk } from '../privacy/person-desk.ts'
import { ErasureFiles } from '../privacy/work-file.ts'
import { startErasing } from './erasing.ts'
import type { ErasureParts, Erasing } from './erasing.ts'
import type { Holding } from './holding.ts'
import { SYSTEM_LOG } from './system-entry.ts'

export interface OpenErasingEnv extends Pick<EraserEnv, 'index' | 'forgetTokens' | 'scrubIndex' | 'exports' | 'search'> {
  readonly log: Log
  readonly now: () => number
  readonly metrics: Metrics
}

/** Erasures with everything they are carried out with. */
export function openErasing(
  config: Config,
  sealing: Sealing,
  legal: Pick<Holding, 'alone' | 'fold'>,
  parts: ErasureParts,
  { index, forgetTokens, scrubIndex, exports, search, ...env }: OpenErasingEnv,
): Erasing & { readonly people: PersonDesk } {
  const { records, sizes, vault } = sealing
  const files = new ErasureFiles(config.data, sealing.vkey(SYSTEM_LOG).split('+')[0] as string, sealing.keys)
  const eraser = openEraser(config, sealing, { now: env.now, vault, files, index, forgetTokens, scrubIndex, exports, search })
  const log = { size: (name: string) => sizes.get(name), range: (name: string, from: number, to: number) => records.range(name, from, to) }
  const people = peopleOf(config, sealing)
  const erasing = startErasing(config, sealing, legal, parts, {
    ...env,
    people,
    eraser,
    files,
    async exportsOf(list) {
      return (await exportsHolding(list, log)).map(({ id, at, to, purpose }) => ({ id, at, to, purpose }))
    },
  })
  return {
    ...erasing,
    people: personDesk({
      people,
      vault,
      eraser,
      seal: (event) => sealing.sealed(event),
      alone: (work) => legal.alone(work),
      newId: () => randomBytes(16).toString('hex'),
    }),
    async close() {
      eraser.close()
      await erasing.close()
    },
  }
}

/** Where people of a data directory are looked up. */
export function peopleOf(config: Config, { keys, packs, vault }: Sealing): People {
  const known = readingsOf(config, packs).flatMap(({ tokenKinds }) => [...tokenKinds.values()].flat())
  const kinds = [...new Set(['external-id', 'address', ...known])]
  const tokens = (kind: string, value: string): readonly string[] => aliasTokens(keys, config.tenant, kind, value)
  return {
    tokensOf: (person) => [...new Set(person.flatMap((alias) => personTokens(alias, kinds, tokens)))],
    personOf: (list) => vault.personOf(list),
    async destroyedBy(ids) {
      const answers = await vault.keysById(ids.map((id) => Buffer.from(id, 'latin1')))
      return answers.map((answer) => (answer.state === 'erased' ? answer.certificate : null))
    },
  }
}
