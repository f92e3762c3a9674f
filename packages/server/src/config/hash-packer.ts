import { SealtrailError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import { packedSize, storeHashPacks } from '../seal/hashpacks.ts'
import type { HashFiles } from '../seal/tiles.ts'
import type { Lock, Store } from '../store/store.ts'

/** Stores a log's hash packs behind its commits, one call after the other. */
export interface HashPacker {
  /** What is due at this committed size is stored soon; what cannot be stored now is tried again with the next call. */
  pack(size: number): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

export async function hashPacker(log: string, files: HashFiles, store: Store, lock: () => Lock, serverLog: Log): Promise<HashPacker> {
  let packed = await packedSize(store, log)
  let packing: Promise<void> = Promise.resolve()
  return {
    pack(size) {
      packing = packing
        .then(async () => {
          packed = await storeHashPacks(log, files, store, packed, size, lock())
        })
        .catch((error: unknown) =>
          serverLog.warn('a hash pack could not be stored yet', { log, code: error instanceof SealtrailError ? error.code : 'INTERNAL' }),
        )
    },
    idle: () => packing,
  }
}
