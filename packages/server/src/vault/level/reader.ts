import type { KeyAnswer, Opened, Vault, VaultRow } from '../vault.ts'
import { SharedLevel } from '../../observe/shared-level.ts'
import { openDatabase } from './database.ts'
import { openRowWith } from './open.ts'
import { hasRows, readRows } from './read.ts'

/**
 * The vault for threads that only read: rows come from the shared database, keys from the thread that can unwrap them
 * (`Vault.keysById` behind a message), so no wrapping key leaves that thread, and it decides who may read.
 */
export class LevelVaultReader implements Pick<Vault, 'rows' | 'has' | 'open' | 'close'> {
  readonly #level: SharedLevel
  readonly #keysById: (ids: readonly Uint8Array[]) => Promise<KeyAnswer[]>

  private constructor(level: SharedLevel, keysById: (ids: readonly Uint8Array[]) => Promise<KeyAnswer[]>) {
    this.#level = level
    this.#keysById = keysById
  }

  /** @throws SealtrailError DATA_IN_USE when another process has the vault open, DATA_CORRUPT. */
  static async open(folder: string, keysById: (ids: readonly Uint8Array[]) => Promise<KeyAnswer[]>): Promise<LevelVaultReader> {
    return new LevelVaultReader(await SharedLevel.open(folder, () => openDatabase(folder)), keysById)
  }

  rows(auditid: Uint8Array): Promise<VaultRow[]> {
    return this.#level.use((db) => readRows(db, auditid))
  }

  has(keys: readonly Uint8Array[]): Promise<boolean[]> {
    return this.#level.use((db) => hasRows(db, keys))
  }

  open(row: VaultRow, auditid: Uint8Array): Promise<Opened[]> {
    return openRowWith(row, auditid, this.#keysById)
  }

  close(): Promise<void> {
    return this.#level.close()
  }
}
