import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { SealtrailError } from '../../errors.ts'
import type { Head, HeadStore } from '../head.ts'

/** "STRL": says whose file this is. */
const APPLICATION = 0x5354524c
const VERSION = 2
const FORMER = 1
/** As SQLite writes an added column into the table's text. */
const VERSION_COLUMN = ", version TEXT NOT NULL DEFAULT ''"
/** As SQLite stores them, ordered by name. */
const TABLES = [
  'CREATE TABLE checkpoint (log TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE head (log TEXT PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL, segment TEXT NOT NULL, digest TEXT NOT NULL, seal TEXT NOT NULL' +
    VERSION_COLUMN +
    ') STRICT, WITHOUT ROWID',
]
/** Of version 1, whose heads knew no version of their segment: brought to this one at the first opening for writing. */
const FORMER_TABLES = TABLES.map((table) => table.replace(VERSION_COLUMN, ''))
const HOW_TO_GO_ON = 'put back a copy of head.sqlite, however old: it is rolled forward over the segments; without one move it away and run `sealtrail recover`'

interface Row {
  readonly size: number
  readonly root: string
  readonly segment: string
  readonly digest: string
  readonly seal: string
  /** '' for none. */
  readonly version: string
}

/**
 * The head of every log in one SQLite file: write-ahead log, `synchronous = FULL`, so a swap that returned true is on the
 * disk. A row carries a digest over itself, since SQLite has no checksums and a flipped bit in a root would otherwise be
 * believed until the next segment.
 */
export class SqliteHead implements HeadStore {
  readonly #db: DatabaseSync
  readonly #read: StatementSync
  readonly #create: StatementSync
  readonly #swap: StatementSync
  readonly #checkpoint: StatementSync
  readonly #saveCheckpoint: StatementSync
  readonly #logs: StatementSync

  private constructor(db: DatabaseSync, former: boolean) {
    this.#db = db
    this.#read = db.prepare(`SELECT size, root, segment, digest, seal, ${former ? "''" : ''} version FROM head WHERE log = ?`)
    // A former file is only read.
    const version = former ? '' : ', version'
    this.#create = db.prepare(
      `INSERT INTO head (log, size, root, segment, digest, seal${version}) VALUES (?, ?, ?, ?, ?, ?${former ? '' : ', ?'}) ON CONFLICT DO NOTHING`,
    )
    this.#swap = db.prepare(
      `UPDATE head SET size = ?, root = ?, segment = ?, digest = ?, seal = ?${former ? '' : ', version = ?'} WHERE log = ? AND size = ? AND root = ? AND segment = ? AND digest = ?`,
    )
    this.#checkpoint = db.prepare('SELECT note FROM checkpoint WHERE log = ?')
    this.#saveCheckpoint = db.prepare('INSERT INTO checkpoint (log, note) VALUES (?, ?) ON CONFLICT DO UPDATE SET note = excluded.note')
    this.#logs = db.prepare('SELECT log FROM head ORDER BY log')
  }

  /**
   * Opens the file and checks it whole; made when missing, unless read-only.
   * @throws SealtrailError DATA_CORRUPT when it is damaged or another program's, DATA_UNWRITABLE when it cannot be opened.
   */
  static open(path: string, options: { readOnly?: boolean } = {}): SqliteHead {
    const readOnly = options.readOnly ?? false
    let db: DatabaseSync | null = null
    try {
      db = new DatabaseSync(readOnly ? untouched(path) : path, { readOnly, timeout: 5000 })
      const empty = one(db, 'PRAGMA application_id') === 0 && one(db, 'SELECT count(*) FROM sqlite_schema') === 0
      if (empty && !readOnly) {
        // The mode and the tables, before anybody can be told that a log exists.
        db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
        db.exec(`BEGIN IMMEDIATE; ${TABLES.map((table) => table.replace('TABLE', 'TABLE IF NOT EXISTS')).join('; ')};
          PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}; COMMIT`)
      }
      if (one(db, 'PRAGMA application_id') !== APPLICATION) throw damaged('it is not a head file')
      if (one(db, 'PRAGMA user_version') === FORMER && !readOnly) {
        assertTables(db, FORMER_TABLES)
        db.exec(`BEGIN IMMEDIATE; ALTER TABLE head ADD COLUMN ${VERSION_COLUMN.slice(2)}; PRAGMA user_version = ${VERSION}; COMMIT`)
      }
      const version = one(db, 'PRAGMA user_version')
      if (version !== VERSION && version !== FORMER) throw damaged('it is not a head file of this version')
      if (!readOnly) db.exec('PRAGMA synchronous = FULL')
      assertTables(db, version === FORMER ? FORMER_TABLES : TABLES)
      const verdict = one(db, 'PRAGMA integrity_check')
      if (verdict !== 'ok') throw damaged('its integrity check fails')
      const head = new SqliteHead(db, version === FORMER)
      for (const log of head.logs()) head.read(log)
      return head
    } catch (error) {
      db?.close()
      throw failure(error)
    }
  }

  read(log: string): Head | null {
    return guarded(() => {
      const row = this.#read.get(log) as unknown as Row | undefined
      if (row === undefined) return null
      const { size, root, segment, digest, version, seal } = row
      const head: Head = { size, root, segment, digest, ...(version === '' ? {} : { version }) }
      if (seal !== sealOf(log, head)) throw damaged('the row of a log is damaged')
      return head
    })
  }

  swap(log: string, expected: Head | null, next: Head): boolean {
    return guarded(() => {
      const values = [next.size, next.root, next.segment, next.digest, sealOf(log, next), next.version ?? ''] as const
      const done =
        expected === null ? this.#create.run(log, ...values) : this.#swap.run(...values, log, expected.size, expected.root, expected.segment, expected.digest)
      return Number(done.changes) === 1
    })
  }

  checkpoint(log: string): string | null {
    return guarded(() => (this.#checkpoint.get(log)?.['note'] as string | undefined) ?? null)
  }

  /** Stored at once, on the disk with the next swap: a lost copy is signed again, to the same bytes. */
  saveCheckpoint(log: string, note: string): void {
    guarded(() => {
      // In WAL mode NORMAL commits without a sync; the next FULL commit syncs the whole write-ahead log.
      this.#db.exec('PRAGMA synchronous = NORMAL')
      try {
        this.#saveCheckpoint.run(log, note)
      } finally {
        this.#db.exec('PRAGMA synchronous = FULL')
      }
    })
  }

  logs(): string[] {
    return guarded(() => this.#logs.all().map((row) => row['log'] as string))
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }
}

/** SQLite would leave a shared-memory file beside a database it only reads, unless told that nobody writes it. */
function untouched(path: string): string | URL {
  if (existsSync(`${path}-wal`)) return path
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  return url
}

function sealOf(log: string, { size, root, segment, digest, version }: Head): string {
  return hash('sha256', `${log}\n${size}\n${root}\n${segment}\n${digest}\n${version === undefined ? '' : `${version}\n`}`, 'hex')
}

function assertTables(db: DatabaseSync, wanted: readonly string[]): void {
  const tables = db.prepare('SELECT sql FROM sqlite_schema ORDER BY name').all()
  if (tables.map((row) => row['sql']).join() !== wanted.join()) throw damaged('its schema is damaged')
}

function one(db: DatabaseSync, sql: string): unknown {
  const row = db.prepare(sql).get()
  return row === undefined ? undefined : Object.values(row)[0]
}

function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw failure(error)
  }
}

function damaged(what: string): SealtrailError {
  return new SealtrailError('DATA_CORRUPT', `head.sqlite: ${what}; ${HOW_TO_GO_ON}`, { stopsLog: true })
}

/** SQLite's own result codes (the low byte of extended ones): 11 CORRUPT, 26 NOTADB; others are the disk's or a rival's. */
function failure(error: unknown): SealtrailError {
  if (error instanceof SealtrailError) return error
  const { errcode, errstr, code: kind } = error as { errcode?: number; errstr?: string; code?: string }
  const code = (errcode ?? 0) & 0xff
  if (code === 11 || code === 26 || kind === 'ERR_OUT_OF_RANGE')
    return new SealtrailError('DATA_CORRUPT', `head.sqlite: ${errstr ?? 'damaged'}; ${HOW_TO_GO_ON}`, { cause: error, stopsLog: true })
  return new SealtrailError('DATA_UNWRITABLE', `head.sqlite: ${errstr ?? 'cannot be opened or written'}`, { cause: error, stopsLog: true })
}
