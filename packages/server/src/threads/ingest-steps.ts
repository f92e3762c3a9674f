import { hash, randomFillSync } from 'node:crypto'
import { disclosureDigest, commitmentOf, makeDisclosure, spliceRecord } from '@sealtrail/evidence'
import type { RecordDraft } from '@sealtrail/evidence'
import { isErrorCode } from '../errors.ts'
import type { Batch } from '../event/batch.ts'
import type { Draft } from '../event/draft.ts'
import { FLAG, NO_SESSION, encodeEntry, entryBound } from '../event/entry.ts'
import { identify } from '../event/identity.ts'
import type { Input } from '../event/input.ts'
import type { MappedEvent } from '../event/mapped.ts'
import type { TakeSteps } from '../flow.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import type { Pack, PackResult } from '../pack/pack.ts'
import { fingerprintText } from '../protect/fingerprint.ts'
import { protect } from '../protect/protect.ts'
import type { ProtectEnv } from '../protect/protect.ts'
import { auditIdBytes16, sealRow } from '../vault/encrypt.ts'
import type { DataKey, OwnerTokens } from '../vault/vault.ts'

export interface IngestEnv {
  readonly tenant: string
  readonly origin: string
  /** Trails in the order they are tried, with their packs in the order they are tried. */
  readonly packs: ReadonlyMap<string, readonly Pack[]>
  readonly hashes: KeyedHashes
  readonly protect: ProtectEnv
  keysFor(owners: readonly OwnerTokens[]): Promise<readonly DataKey[]>
}
