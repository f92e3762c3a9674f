import { Buffer } from 'node:buffer'
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import { crashPoint } from '../../observe/crash-point.ts'
import type { DataKey, KeyAnswer, Opened, OwnerTokens, Vault, VaultRow } from '../vault.ts'
import type { Database } from './database.ts'
import { failure, openDatabase, repairDatabase } from './database.ts'
import { KeyStore } from './key-store.ts'
import type { KeyStoreOptions } from './key-store.ts'
import { openRowWith } from './open.ts'
import { hasRows, readRows } from './read.ts'
import { readRowsOf } from './read-many.ts'
import { aliasKey, disclosureKey, keyKey } from './rows.ts'

/** Room that a disk must have before the vault is tried again, beyond what it certainly needs. */
const SPARE_BYTES = 1024 * 1024

const EXPIRED_TOGETHER = 1000

interface Waiting {
  readonly rows: readonly VaultRow[]
  resolve(): void
  reject(error: SealtrailError): void
}

/** The vault on LevelDB: the one instance a process has that writes. Other threads read through `LevelVaultReader`. */
export class LevelVault implements Vault {
  readonly #db: Database
  readonly #keys: KeyStore
  #making: Promise<unknown> = Promise.resolve()
  #waiting: Waiting[] = []
  #writing: Promise<void> | null = null
  #closed = false
  #failed: SealtrailError | null = null

  private constructor(db: Database, options: KeyStoreOptions) {
    this.#db = db
    this.#keys = new KeyStore(db, options)
  }

  /** Makes a damaged folder openable again, with all rows that can still be read. @throws SealtrailError as `open` */
  static repair(folder: string): Promise<void> {
    return repairDatabase(folder)
  }

  /** @throws SealtrailError DATA_IN_USE, DATA_CORRUPT, DATA_UNWRITABLE. */
  static async open(folder: string, options: KeyStoreOptions): Promise<LevelVault> {
    return new LevelVault(await openDatabase(folder), options)
  }

  /** Why nothing is written until `heal` succeeds, or null; for readiness. */
  get failed(): SealtrailError | null {
    return this.#failed
  }

  /**
   * Tries to go on after a failed write: LevelDB's log may end in half a batch, and what was written behind it would be
   * lost at the next opening. So its memory table must become a file and a new log begin first. Resolves to true when
   * writes are taken again; false when the disk still refuses, or when LevelDB does until it is opened again (`failed` then
   * says so).
   */
  async heal(): Promise<boolean> {
    while (this.#writing !== null) await this.#writing
    if (this.#failed === null) return true
    if (this.#closed) return false
    try {
      // A table that cannot be written whole would be the end of this LevelDB until it is opened again.
      if (!(await this.#hasRoom())) return false
      const before = await this.#logs()
      // Of a range that holds nothing: LevelDB writes the memory table out first. It does not say whether it could.
      await this.#db.compactRange(Uint8Array.of(0x7e), Uint8Array.of(0x7e))
      const after = await this.#logs()
      if (after.length !== 1 || before.includes(after[0] as string)) {
        this.#failed = new SealtrailError('DATA_UNWRITABLE', 'the vault must be opened again after its disk was full: restart the server')
        return false
      }
      this.#failed = null
      return true
    } catch {
      return false
    }
  }

  /** Whether the disk takes the memory table, which is about as long as the logs that hold the same. */
  async #hasRoom(): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#db.location)
    const sizes = await Promise.all((await this.#logs()).map(async (name) => (await stat(join(this.#db.location, name))).size))
    return bavail * bsize > 2 * sizes.reduce((sum, size) => sum + size, 0) + SPARE_BYTES
  }

  async #logs(): Promise<string[]> {
    return (await readdir(this.#db.location)).filter((name) => /^\d+\.log$/.test(name))
  }

  async keysFor(owners: readonly OwnerTokens[]): Promise<DataKey[]> {
    const found = owners.map((tokens) => this.#keys.remembered(tokens))
    const missing = owners.filter((_, i) => found[i] === null)
    if (missing.length === 0) return found as DataKey[]
    const made = await this.#serially(() => this.#keys.resolve(missing))
    let next = 0
    return found.map((key) => key ?? (made[next++] as DataKey))
  }

  insert(rows: readonly VaultRow[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  rows(auditid: Uint8Array): Promise<VaultRow[]> {
    return readRows(this.#db, auditid)
  }

  /** Rows stored for each of many audit ids, in the order asked: for audits. */
  rowsOf(auditids: readonly Uint8Array[]): Promise<VaultRow[][]> {
    return readRowsOf(this.#db, auditids)
  }

  has(keys: readonly Uint8Array[]): Promise<boolean[]> {
    return hasRows(this.#db, keys)
  }

  open(row: VaultRow, auditid: Uint8Array): Promise<Opened[]> {
    return openRowWith(row, auditid, (ids) => this.keysById(ids))
  }

  keysById(ids: readonly Uint8Array[]): Promise<KeyAnswer[]> {
    return this.#keys.byId(ids)
  }

  /**
   * Destroys keys for ever: a tombstone in the place of each, its aliases gone, old copies compacted away. Durable when it
   * resolves. The caller has recorded the intent before, and records the completion after.
   */
  async destroyKeys(ids: readonly Uint8Array[], erasedMs: number, certificate: string): Promise<void> {
    await this.#serially(async () => {
      const tokens = await this.#keys.bury(ids, erasedMs, certificate)
      await this.insert([])
      try {
        await this.#db.batch(
          tokens.map((token) => ({ type: 'del' as const, key: aliasKey(token) })),
          { sync: true },
        )
        // LevelDB keeps overwritten values until it compacts; a wrapped key must not wait for that.
        for (const id of ids) {
          const at = keyKey(Buffer.from(id).toString('latin1'))
          await this.#db.compactRange(at, at)
        }
        for (const token of tokens) await this.#db.compactRange(aliasKey(token), aliasKey(token))
      } catch (cause) {
        throw failure('written', cause)
      }
    })
  }

  /** Ids of all keys that aliases (16-byte tokens, latin1) ever named and that are not destroyed with their links. */
  keyIdsOf(tokens: readonly string[]): Promise<Uint8Array[]> {
    return this.#keys.idsOf(tokens)
  }

  /**
   * Deletes the disclosure rows that nothing refers to: what a crash between vault and journal left. Only at start, before
   * anything is accepted: a row just inserted is not referred to yet. Returns how many were deleted.
   */
  async sweep(isReferenced: (rowKey: Uint8Array) => boolean | Promise<boolean>): Promise<number> {
    let deleted = 0
    let batch: Array<{ type: 'del'; key: Uint8Array }> = []
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await this.#db.batch(batch)
      deleted += batch.length
      batch = []
    }
    try {
      for await (const key of this.#db.keys({ gte: Uint8Array.of(0x64), lt: Uint8Array.of(0x65) })) {
        if (key.length === 25 && (await isReferenced(key.subarray(1)))) continue
        batch.push({ type: 'del', key })
        if (batch.length >= 1000) await flush()
      }
      await flush()
    } catch (cause) {
      throw failure('swept', cause)
    }
    return deleted
  }

  /**
   * Deletes the disclosures of records of which no copy is left, by audit id (16 bytes), and has their old copies compacted
   * away. People's keys stay: they may open other records. Durable when it resolves; that a row is gone already is success.
   */
  async expire(auditids: readonly Uint8Array[]): Promise<number> {
    let deleted = 0
    let [least, most]: [Buffer | null, Buffer | null] = [null, null]
    try {
      for (let at = 0; at < auditids.length; at += EXPIRED_TOGETHER) {
        const rows = (await this.rowsOf(auditids.slice(at, at + EXPIRED_TOGETHER))).flat()
        if (rows.length === 0) continue
        const keys = rows.map(({ key }) => disclosureKey(key)).sort(Buffer.compare)
        await this.#db.batch(
          keys.map((key) => ({ type: 'del' as const, key })),
          { sync: true },
        )
        deleted += keys.length
        const [first, last] = [keys[0] as Buffer, keys.at(-1) as Buffer]
        if (least === null || Buffer.compare(first, least) < 0) least = first
        if (most === null || Buffer.compare(last, most) > 0) most = last
      }
      // Audit ids begin with the event's time: what expires together lies together, and little else is rewritten.
      if (least !== null && most !== null) await this.#db.compactRange(least, most)
    } catch (cause) {
      throw cause instanceof SealtrailError ? cause : failure('written', cause)
    }
    return deleted
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#making.catch(() => {})
    while (this.#writing !== null) await this.#writing
    await this.#db.close()
  }

  /** Everything that has come in since the last write goes into one write and one fdatasync. */
  async #write(): Promise<void> {
    // Never to its end at once: with nothing to write it would clear `#writing` before its caller has set it.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      const operations = this.#keys.take()
      for (const { rows } of waiting) for (const { key, value } of rows) operations.push({ type: 'put', key: disclosureKey(key), value })
      try {
        if (this.#failed !== null) throw this.#failed
        crashPoint('vault:before')
        if (operations.length > 0) await this.#db.batch(operations, { sync: true })
        crashPoint('vault:after')
        this.#keys.saved()
        for (const each of waiting) each.resolve()
      } catch (cause) {
        this.#keys.unsave()
        const error = cause instanceof SealtrailError ? cause : failure('written', cause)
        this.#failed ??= error
        for (const each of waiting) each.reject(error)
      }
    }
    this.#writing = null
  }

  #serially<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new SealtrailError('NOT_DURABLE', 'the vault is closed'))
    const result = this.#making.then(run, run)
    this.#making = result.catch(() => {})
    return result
  }
}
