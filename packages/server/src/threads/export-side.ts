import { sign } from 'node:crypto'
import { join } from 'node:path'
import type { JsonObject } from '@sealtrail/evidence'
import type { Config } from '../config/config.ts'
import { readingsOf } from '../config/logs.ts'
import type { OpenPacks } from '../config/open-packs.ts'
import { makeBundle } from '../export/bundle.ts'
import type { ExportMade, ExportOrder } from '../export/export.ts'
import { LevelIndex } from '../index/level/index.ts'
import type { AnswerKeys } from '../keys/answers.ts'
import { interactionTokens } from '../event/alias.ts'
import { keyedHashes } from '../keys/hashes.ts'
import type { IngestKeys } from '../keys/keys.ts'
import { listTimestamps } from '../publish/timestamp/stored.ts'
import type { PersonKeys } from '../vault/erasable.ts'
import type { KeyAnswer } from '../vault/vault.ts'
import { checkpointView } from './checkpoint-view.ts'
import { openReadSide } from './read-side.ts'
import type { Sizes } from './sizes.ts'

/** What a thread needs to make bundles; all of it can be sent to one. */
export interface ExportGround {
  readonly config: Config
  readonly keys: IngestKeys
  readonly vkeys: Readonly<Record<string, string>>
  /** Signs the SD-JWTs: auditors find the key where they find that of the answers. */
  readonly answerKeys: AnswerKeys
  /** Raw public keys of segments, base64. */
  readonly segmentKeys: readonly string[]
  readonly version: string
}

const INDEX_WITHIN_MS = 60_000

/** Opens what an export reads, makes the bundle, closes it again. @throws SealtrailError as `makeBundle` */
export async function runExport(
  order: ExportOrder,
  path: string,
  ground: ExportGround & {
    readonly sizes: Sizes
    readonly packs: OpenPacks
    keysById(ids: readonly Uint8Array[]): Promise<KeyAnswer[]>
    personOf(tokens: readonly string[]): Promise<PersonKeys>
  },
  onProgress: (records: number) => void,
): Promise<ExportMade> {
  const { config, sizes, packs, vkeys } = ground
  const side = await openReadSide(config, sizes, ground.keysById)
  const index = await LevelIndex.open(join(config.data, 'index'))
  const keyed = keyedHashes(ground.keys)
  const { secret, published } = ground.answerKeys
  try {
    return await makeBundle(
      order,
      path,
      {
        index,
        records: side.records,
        vault: side.vault,
        trails: readingsOf(config, packs),
        keyed,
        tenant: config.tenant,
        maxRecords: config.limits.exportRecords,
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        indexWithinMs: INDEX_WITHIN_MS,
        checkpoints: checkpointView(config, vkeys, sizes.logs),
        stamps: (log, options) => listTimestamps(config.data, log, options),
        hashes: (log) => side.hashes(log),
        vkeys,
        segmentKeys: ground.segmentKeys,
        wrapper: { kid: published[0].keyid, x: published[0].x, sign: (text) => sign(null, Buffer.from(text), secret) },
        schemas: schemasOf(packs),
        version: ground.version,
        purposeRequired: config.auth.purposeRequired,
        interactionTokens: (subject) => interactionTokens(keyed, config.tenant, subject),
        personOf: (tokens) => ground.personOf(tokens),
      },
      onProgress,
    )
  } finally {
    await index.close()
    await side.close()
  }
}

function schemasOf(packs: OpenPacks): Map<string, JsonObject> {
  return new Map(
    [...packs.byTrail.values()].flatMap((list) => list.flatMap((pack) => pack.schemas.map(({ uri, schema }): [string, JsonObject] => [uri, schema]))),
  )
}
