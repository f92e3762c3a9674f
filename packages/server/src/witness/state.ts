import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { cosignatureVerifier, openCheckpoint, parseCheckpoint, parseNote } from '@sealtrail/tlog'
import type { Witnessed } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'

/** "STRW": says whose file this is. */
const APPLICATION = 0x53545257
const VERSION = 1

/** The checkpoint of one log cosigned last. */
export interface Cosigned extends Witnessed {
  /** As it is served to monitors: the log's lines and ours. */
  readonly note: string
}

/**
 * What a witness has cosigned, one row for each origin. The file is locked as long as it is open, so that no second process
 * can cosign from an older state; a row is on the disk before `swap` returns.
 */
export class WitnessState {
  readonly #db: DatabaseSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #latest = new Map<string, Cosigned>()

  private constructor(db: DatabaseSync) {
    this.#db = db
    this.#insert = db.prepare('INSERT INTO cosigned (origin, size, root, note) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    this.#update = db.prepare('UPDATE cosigned SET size = ?, root = ?, note = ? WHERE origin = ? AND size = ? AND root = ?')
  }

  /**
   * Opens the file, made when missing, and checks every row: its own cosignature must be on it.
   * @param vkey of this witness
   * @throws SealtrailError DATA_IN_USE, DATA_CORRUPT, DATA_UNWRITABLE
   */
  static open(path: string, vkey: string): WitnessState {
    let db: DatabaseSync | null = null
    try {
      db = new DatabaseSync(path, { timeout: 500 })
      // Rollback journal, every commit synced with its directory; the lock taken now is kept until the process ends.
      db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; BEGIN EXCLUSIVE')
      const application = one(db, 'PRAGMA application_id')
      if (application === 0 && one(db, 'SELECT count(*) FROM sqlite_schema') === 0) {
        db.exec(`CREATE TABLE cosigned (origin TEXT PRIMARY KEY, size TEXT NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL) STRICT;
          PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}`)
      } else if (application !== APPLICATION || one(db, 'PRAGMA user_version') !== VERSION) throw corrupt('it is no state file of this version')
      db.exec('COMMIT')
      if (one(db, 'PRAGMA integrity_check') !== 'ok') throw corrupt('its integrity check fails')
      const state = new WitnessState(db)
      state.#load(vkey)
      return state
    } catch (error) {
      db?.close()
      throw failure(error)
    }
  }

  /** What was cosigned last, or null. */
  latest(origin: string): Cosigned | null {
    return this.#latest.get(origin) ?? null
  }

  origins(): string[] {
    return [...this.#latest.keys()].sort()
  }

  /**
   * Replaces `expected` (null: none) by `next`; on the disk when it returns true. False: `expected` is not the latest, and
   * nothing may be cosigned. @throws SealtrailError DATA_UNWRITABLE: nothing may be cosigned either
   */
  swap(origin: string, expected: Witnessed | null, next: Cosigned): boolean {
    try {
      const { changes } =
        expected === null
          ? this.#insert.run(origin, String(next.size), next.root, next.note)
          : this.#update.run(String(next.size), next.root, next.note, origin, String(expected.size), expected.root)
      if (Number(changes) !== 1) return false
    } catch (error) {
      throw failure(error)
    }
    this.#latest.set(origin, next)
    return true
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  #load(vkey: string): void {
    const verifier = cosignatureVerifier(vkey)
    for (const row of this.#db.prepare('SELECT origin, size, root, note FROM cosigned').all()) {
      const { origin, size, root, note } = row as { origin: string; size: string; root: Uint8Array; note: string }
      try {
        // The row is believed because this witness signed it, not because it is in the file.
        const opened = openCheckpoint(note, { origin, log: [verifier], extensions: 'allow' })
        if (String(opened.size) !== size || !Buffer.from(opened.root).equals(root)) throw corrupt('a row says otherwise than its checkpoint')
        this.#latest.set(origin, { size: opened.size, root: opened.root, note })
      } catch (error) {
        if (error instanceof SealtrailError) throw error
        const parsed = safely(() => parseCheckpoint(parseNote(note).text, { extensions: 'allow' }))
        throw corrupt(parsed === null ? 'a row holds no checkpoint' : 'a row is not cosigned by this witness’s key')
      }
    }
  }
}

function one(db: DatabaseSync, sql: string): unknown {
  const row = db.prepare(sql).get()
  return row === undefined ? undefined : Object.values(row)[0]
}

function safely<T>(run: () => T): T | null {
  try {
    return run()
  } catch {
    return null
  }
}

function corrupt(what: string): SealtrailError {
  return new SealtrailError('DATA_CORRUPT', `witness.sqlite: ${what}; never start again from nothing under the same key: restore the file, or make a new key`)
}

/** SQLite's own result codes: 5 BUSY, 11 CORRUPT, 26 NOTADB. */
function failure(error: unknown): SealtrailError {
  if (error instanceof SealtrailError) return error
  const { errcode, errstr } = error as { errcode?: number; errstr?: string }
  const code = (errcode ?? 0) & 0xff
  if (code === 5) return new SealtrailError('DATA_IN_USE', 'another witness holds this data directory', { cause: error })
  if (code === 11 || code === 26) return corrupt(errstr ?? 'damaged')
  return new SealtrailError('DATA_UNWRITABLE', `witness.sqlite: ${errstr ?? 'cannot be opened or written'}`, { cause: error })
}
