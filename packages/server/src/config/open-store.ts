import { join } from 'node:path'
import { SqliteHead } from '../head/sqlite/head.ts'
import { FileStore } from '../store/files/store.ts'

export interface OpenOptions {
  /** For all but the one that seals: nothing is created or changed. */
  readonly readOnly?: boolean
}

/** The write-once store of a data directory. @throws SealtrailError DATA_UNWRITABLE */
export function openStore(data: string, options: OpenOptions = {}): Promise<FileStore> {
  return FileStore.open(join(data, 'store'), options)
}

/** The heads of its logs. @throws SealtrailError DATA_CORRUPT, DATA_UNWRITABLE */
export function openHeads(data: string, options: OpenOptions = {}): SqliteHead {
  return SqliteHead.open(join(data, 'head.sqlite'), options)
}
