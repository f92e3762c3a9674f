import { Buffer } from 'node:buffer'
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import { crashPoint } from '../../observe/crash-point.ts'
import { THIS_THREAD, renewLevel } from '../../observe/renew-level.ts'
import { SharedLevel } from '../../observe/shared-level.ts'
import { Condemned } from '../condemned.ts'
import type { ErasableVault, OwnedRow, PersonKeys } from '../erasable.ts'
import type { OtherThreads } from '../other-threads.ts'
import type { DataKey, KeyAnswer, Opened, OwnerTokens, Vault, VaultRow } from '../vault.ts'
import { failure, openDatabase, repairDatabase } from './database.ts'
import { redact, rowsUnder, scrub } from './erasing.ts'
import { KeyRows } from './key-rows.ts'
import { latin1 } from '../row.ts'
import { KeyStore } from './key-store.ts'
import type { KeyStoreOptions } from './key-store.ts'
import { openRowWith } from './open.ts'
import { People } from './people.ts'
import { hasRows, readRows } from './read.ts'
import { readRowsOf } from './read-many.ts'
import { rewrap, wrappedElsewhere, wrappedUnder } from './rewrap.ts'
import type { Wrapped } from './rewrap.ts'
import { disclosureKey } from './rows.ts'

/** Room that a disk must have before the vault is tried again, beyond what it certainly needs. */
const SPARE_BYTES = 1024 * 1024

const EXPIRED_TOGETHER = 1000

interface Waiting {
  readonly rows: readonly VaultRow[]
  resolve(): void
  reject(error: SealtrailError): void
}

export interface LevelVaultOptions extends KeyStoreOptions {
  /** Those that have it open, too, or remember keys; none unless given. */
  readonly threads?: OtherThreads
}

const ALONE: OtherThreads = { forget: async () => {}, settled: async () => {}, renew: (folder) => renewLevel(folder, [THIS_THREAD]) }

/** The vault on LevelDB: the one instance a process has that writes. Other threads read through `LevelVaultReader`. */
export class LevelVault implements Vault, ErasableVault {
  readonly #level: SharedLevel
  readonly #rows: KeyRows
  readonly #keys: KeyStore
  readonly #people: People
  readonly #wrapping: KeyStoreOptions['keys']
  readonly #condemned = new Condemned()
  readonly #threads: OtherThreads
  /** Rows are changed by one at a time, or what one deletes the other may write again. */
  #changing: Promise<unknown> = Promise.resolve()
  #making: Promise<unknown> = Promise.resolve()
  #waiting: Waiting[] = []
  #writing: Promise<void> | null = null
  #closed = false
  #failed: SealtrailError | null = null

  private constructor(level: SharedLevel, options: LevelVaultOptions) {
    this.#level = level
    this.#rows = new KeyRows(level)
    this.#wrapping = options.keys
    this.#keys = new KeyStore(this.#rows, options, this.#condemned.ids)
    this.#people = new People(this.#rows)
    this.#threads = options.threads ?? ALONE
  }

  /** Makes a damaged folder openable again, with all rows that can still be read. @throws SealtrailError as `open` */
  static repair(folder: string): Promise<void> {
    return repairDatabase(folder)
  }

  /** @throws SealtrailError DATA_IN_USE, DATA_CORRUPT, DATA_UNWRITABLE. */
  static async open(folder: string, options: LevelVaultOptions): Promise<LevelVault> {
    return new LevelVault(await SharedLevel.open(folder, () => openDatabase(folder)), options)
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
      await this.#level.use((db) => db.compactRange(Uint8Array.of(0x7e), Uint8Array.of(0x7e)))
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
    const { bavail, bsize } = await statfs(this.#level.location)
    const sizes = await Promise.all((await this.#logs()).map(async (name) => (await stat(join(this.#level.location, name))).size))
    return bavail * bsize > 2 * sizes.reduce((sum, size) => sum + size, 0) + SPARE_BYTES
  }

  async #logs(): Promise<string[]> {
    return (await readdir(this.#level.location)).filter((name) => /^\d+\.log$/.test(name))
  }

  async keysFor(owners: readonly OwnerTokens[]): Promise<DataKey[]> {
    const found = owners.map((tokens) => this.#keys.remembered(tokens))
    const missing = owners.filter((_, i) => found[i] === null)
    if (missing.length === 0) return found as DataKey[]
    const made = await this.#serially(() => this.#keys.resolve(missing))
    let next = 0
    return found.map((key) => key ?? (made[next++] as DataKey))
  }

  get condemning(): boolean {
    return this.#condemned.ids.size > 0
  }

  condemns(row: VaultRow): boolean {
    return this.#condemned.holds(row)
  }

  insert(rows: readonly VaultRow[]): Promise<void> {
    // Whoever writes an event asks `condemns` before; here it is made certain.
    if (this.condemning && rows.some((row) => this.#condemned.holds(row))) return Promise.reject(new SealtrailError('PERSON_ERASED'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  rows(auditid: Uint8Array): Promise<VaultRow[]> {
    return this.#level.use((db) => readRows(db, auditid))
  }

  /** Rows stored for each of many audit ids, in the order asked: for audits. */
  rowsOf(auditids: readonly Uint8Array[]): Promise<VaultRow[][]> {
    return this.#level.use((db) => readRowsOf(db, auditids))
  }

  has(keys: readonly Uint8Array[]): Promise<boolean[]> {
    return this.#level.use((db) => hasRows(db, keys))
  }

  open(row: VaultRow, auditid: Uint8Array): Promise<Opened[]> {
    return openRowWith(row, auditid, (ids) => this.keysById(ids))
  }

  keysById(ids: readonly Uint8Array[]): Promise<KeyAnswer[]> {
    return this.#keys.byId(ids)
  }

  /** See `ErasableVault`; a question under way is answered from the rows as they are then. */
  personOf(tokens: readonly string[]): Promise<PersonKeys> {
    return this.#serially(() => this.#people.personOf(tokens))
  }

  /**
   * From here on the aliases are one person's, whose current key is that of the first; each list is one person's aliases.
   * Durable when it resolves. @throws SealtrailError TOO_LARGE
   */
  async merge(people: ReadonlyArray<readonly string[]>): Promise<void> {
    await this.#serially(async () => {
      const known: PersonKeys[] = []
      for (const tokens of people) known.push(await this.#people.personOf(tokens))
      await this.#people.merge(known.filter(({ keyIds }) => keyIds.length > 0))
      await this.insert([])
      this.#keys.forget()
    })
    await this.#threads.forget()
  }

  /**
   * From here on a name, under all its tokens, is somebody else's, with a key of their own; what was written stays where it is.
   * Resolves to how many keys it left. @throws SealtrailError BAD_REQUEST when it is the only name of one of them
   */
  async split(tokens: readonly string[]): Promise<number> {
    const left = await this.#serially(async () => {
      const { known, keys } = await this.#people.leave(tokens)
      if (keys === 0) return 0
      // A key now, not with its next event: in an event with the others' aliases it would be counted as theirs again.
      if (known.length > 0) this.#keys.keyApart(known)
      await this.insert([])
      this.#keys.forget()
      return keys
    })
    await this.#threads.forget()
    return left
  }

  /** @throws SealtrailError BAD_REQUEST as `split` would */
  async assertSplit(tokens: readonly string[]): Promise<void> {
    await this.#serially(() => this.#people.leave(tokens, true))
  }

  async condemn(keyIds: readonly string[]): Promise<void> {
    this.#condemned.add(keyIds)
    this.#keys.forget()
    // What was taken before is in this write, or in one under way.
    await this.insert([])
    await this.#threads.forget()
    await this.#threads.settled()
  }

  /** How many keys are wrapped under each wrapping key, those not durable before included. */
  async wrapped(): Promise<Wrapped> {
    await this.insert([])
    return wrappedUnder(this.#level)
  }

  /** Wraps every key that is wrapped under another key than the current one under that; how many. Durable when it resolves; may be killed and run again. */
  async rewrap(current: string): Promise<number> {
    await this.insert([])
    let count = 0
    for await (const ids of wrappedElsewhere(this.#level, current)) {
      await this.#serially(async () => {
        count += await rewrap(this.#rows, ids, this.#wrapping)
        await this.insert([])
        crashPoint('vault:rewrapped')
        // Dying here: these open under the current key, the others under the one they were wrapped under.
      })
    }
    return count
  }

  traces(keyIds: readonly string[]): ReturnType<ErasableVault['traces']> {
    return this.#people.traces(keyIds)
  }

  rowsUnder(keyIds: ReadonlySet<string>, onProgress?: (rows: number) => void): AsyncIterable<OwnedRow> {
    return rowsUnder(this.#level, keyIds, onProgress)
  }

  /** The caller has recorded the intent before, and records the completion after. */
  async destroyKeys(ids: readonly Uint8Array[], erasedMs: number, certificate: string): Promise<void> {
    await this.#serially(async () => {
      await this.#people.bury(ids.map(latin1), erasedMs, certificate)
      // Tombstones and aliases in one write: dying before it nothing is destroyed, after it everything.
      await this.insert([])
      crashPoint('vault:destroyed')
      this.#keys.forget()
    })
  }

  redact(rowKeys: readonly Uint8Array[], keyIds: ReadonlySet<string>): Promise<void> {
    return this.#alone(() => redact(this.#level, rowKeys, keyIds))
  }

  async scrub(what: Parameters<ErasableVault['scrub']>[0]): Promise<void> {
    await this.#alone(() => scrub(this.#level, what, this.#threads))
  }

  /**
   * Deletes the disclosure rows that nothing refers to: what a crash between vault and journal left. Only at start, before
   * anything is accepted: a row just inserted is not referred to yet. Returns how many were deleted.
   */
  async sweep(isReferenced: (rowKey: Uint8Array) => boolean | Promise<boolean>): Promise<number> {
    let deleted = 0
    let batch: Array<{ type: 'del'; key: Uint8Array }> = []
    try {
      await this.#level.use(async (db) => {
        const flush = async (): Promise<void> => {
          if (batch.length > 0) await db.batch(batch)
          deleted += batch.length
          batch = []
        }
        for await (const key of db.keys({ gte: Uint8Array.of(0x64), lt: Uint8Array.of(0x65) })) {
          if (key.length === 25 && (await isReferenced(key.subarray(1)))) continue
          batch.push({ type: 'del', key })
          if (batch.length >= 1000) await flush()
        }
        await flush()
      })
    } catch (cause) {
      throw failure('swept', cause)
    }
    return deleted
  }

  /**
   * Deletes the disclosures of records of which no copy is left, by audit id (16 bytes), and has their old copies compacted
   * away. People's keys stay: they may open other records. Durable when it resolves; that a row is gone already is success.
   */
  expire(auditids: readonly Uint8Array[]): Promise<number> {
    return this.#alone(() => this.#expire(auditids))
  }

  async #expire(auditids: readonly Uint8Array[]): Promise<number> {
    let deleted = 0
    let [least, most]: [Buffer | null, Buffer | null] = [null, null]
    try {
      for (let at = 0; at < auditids.length; at += EXPIRED_TOGETHER) {
        const rows = (await this.rowsOf(auditids.slice(at, at + EXPIRED_TOGETHER))).flat()
        if (rows.length === 0) continue
        const keys = rows.map(({ key }) => disclosureKey(key)).sort(Buffer.compare)
        await this.#level.use((db) =>
          db.batch(
            keys.map((key) => ({ type: 'del' as const, key })),
            { sync: true },
          ),
        )
        deleted += keys.length
        const [first, last] = [keys[0] as Buffer, keys.at(-1) as Buffer]
        if (least === null || Buffer.compare(first, least) < 0) least = first
        if (most === null || Buffer.compare(last, most) > 0) most = last
      }
      // Audit ids begin with the event's time: what expires together lies together, and little else is rewritten.
      if (least !== null && most !== null) await this.#level.use((db) => db.compactRange(least as Buffer, most as Buffer))
    } catch (cause) {
      throw cause instanceof SealtrailError ? cause : failure('written', cause)
    }
    return deleted
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#making.catch(() => {})
    while (this.#writing !== null) await this.#writing
    await this.#changing.catch(() => {})
    await this.#level.close()
  }

  /** Everything that has come in since the last write goes into one write and one fdatasync. */
  async #write(): Promise<void> {
    // Never to its end at once: with nothing to write it would clear `#writing` before its caller has set it.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      const operations = this.#rows.take()
      for (const { rows } of waiting) for (const { key, value } of rows) operations.push({ type: 'put', key: disclosureKey(key), value })
      try {
        if (this.#failed !== null) throw this.#failed
        crashPoint('vault:before')
        if (operations.length > 0) await this.#level.use((db) => db.batch(operations, { sync: true }))
        crashPoint('vault:after')
        this.#rows.saved()
        for (const each of waiting) each.resolve()
      } catch (cause) {
        this.#rows.unsave()
        const error = cause instanceof SealtrailError ? cause : failure('written', cause)
        this.#failed ??= error
        for (const each of waiting) each.reject(error)
      }
    }
    this.#writing = null
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(run, run)
    this.#changing = result.catch(() => {})
    return result
  }

  #serially<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new SealtrailError('NOT_DURABLE', 'the vault is closed'))
    const result = this.#making.then(run, run)
    this.#making = result.catch(() => {})
    return result
  }
}
