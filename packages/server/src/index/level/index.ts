import { isAuditId } from '@sealtrail/evidence'
import { ClassicLevel } from 'classic-level'
import { rewriteLevel } from '../../observe/rewrite-level.ts'
import { SharedLevel } from '../../observe/shared-level.ts'
import { readFields } from '../fields.ts'
import type { Batch, Facets, Forgotten, Index, Place, SubjectPlace, TimeMatch, TimePlace } from '../index.ts'
import { groupMatches } from '../facets.ts'
import { Groups, decodeGroup, encodeGroup, groupDecides } from './groups.ts'
import {
  AUDITID_KEY,
  PREFIX,
  SUBJECT_KEY,
  TIME_KEY,
  TOKEN_KEY,
  groupKey,
  logKey,
  sizeKey,
  writeAuditidKey,
  writeSubjectKey,
  writeTimeKey,
  writeTokenKey,
  writeU48,
} from './keys.ts'
import { MAX_U48 } from '../index.ts'
import { plainToken } from '../plain-token.ts'
import { forgetting, forgettingTokens } from './forget.ts'
import { mergeTimelines } from './merge.ts'
import type { Line } from './merge.ts'

/** Written into every index; another one is erased and built again. */
const INDEX_FORMAT = 'sealtrail/index/1'
const VERSION_KEY: Buffer = Buffer.of(PREFIX.version)
const MAX_LOGS = 0xffff
const EMPTY = Buffer.alloc(0)
/** So much of a token's key says nothing of it: prefix, log, and what many tokens have in common. */
const TOKEN_SHOWN = 5

type Database = ClassicLevel<Buffer, Buffer>
type Writer = { number: number; size: number; groups: Groups }

/**
 * The index in LevelDB: an LSM tree takes random keys at a flat price, where a B-tree slows down as it grows. Several threads
 * of one process may open the folder; one of them applies. Nothing is synced: after a power loss the tail of the index is
 * missing together with its marker, and is read again from the segments.
 */
export class LevelIndex implements Index {
  readonly #level: SharedLevel<Buffer>
  /** As last read: what can be said while the database is being opened anew. It is no more than there is. */
  readonly #sizes = new Map<string, number>()
  /** Beginnings of the keys of tokens that were forgotten and that tables may still hold, latin1. */
  readonly #forgotten = new Set<string>()
  readonly #writers = new Map<string, Writer>()
  readonly #numbers = new Map<string, number>()
  #nextLog = 0
  /** Records whose bytes could not be read when they were applied; they have no entry. `verify` names them. */
  unreadable = 0

  private constructor(level: SharedLevel<Buffer>) {
    this.#level = level
  }

  /**
   * Opens the index, or makes an empty one.
   * @throws the database's own error when it is damaged beyond opening, RangeError when it has another format: erase the folder, and open again.
   */
  static async open(directory: string): Promise<LevelIndex> {
    const level = await SharedLevel.open(directory, () => openDatabase(directory))
    const format = await level.use(async (db) => {
      const found = db.getSync(VERSION_KEY)
      if (found === undefined) await db.put(VERSION_KEY, Buffer.from(INDEX_FORMAT))
      return found?.toString() ?? INDEX_FORMAT
    })
    if (format === INDEX_FORMAT) return new LevelIndex(level)
    await level.close()
    throw new RangeError('an index of another format')
  }

  size(log: string): number {
    const db = this.#level.now
    if (db === null) return this.#sizes.get(log) ?? 0
    const number = this.#numberOf(db, log)
    const size = number === null ? 0 : sizeOf(db, number)
    this.#sizes.set(log, size)
    return size
  }

  apply(batch: Batch): Promise<void> {
    return this.#level.use((db) => this.#apply(db, batch))
  }

  async #apply(db: Database, { log, first, records, tokens }: Batch): Promise<void> {
    const writer = await this.#writer(db, log)
    if (first > writer.size) throw new RangeError(`a batch from ${first} on an index of size ${writer.size}`)
    const end = first + records.length
    if (end <= writer.size) return
    const batch = db.batch()
    const onGroup = (number: number, group: Parameters<typeof encodeGroup>[0]): void => {
      batch.put(groupKey(writer.number, number), encodeGroup(group))
    }
    // The database copies key and value at once, so one buffer of each length serves all.
    const auditidKey = Buffer.alloc(AUDITID_KEY)
    const subjectKey = Buffer.alloc(SUBJECT_KEY)
    const timeKey = Buffer.alloc(TIME_KEY)
    const tokenKey = Buffer.alloc(TOKEN_KEY)
    const place = Buffer.alloc(6)
    for (let index = writer.size; index < end; index++) {
      const fields = readFields(records[index - first] as Uint8Array)
      if (fields === null) {
        this.unreadable++
        continue
      }
      writeU48(place, 0, index)
      writeAuditidKey(auditidKey, fields.auditid, writer.number)
      batch.put(auditidKey, place)
      writeSubjectKey(subjectKey, writer.number, fields.subject, fields.subjectsequence)
      batch.put(subjectKey, place)
      writeTimeKey(timeKey, writer.number, writer.groups.numberOf(fields, onGroup), fields.timeMs, index)
      batch.put(timeKey, EMPTY)
      for (const { token } of tokens[index - first] ?? []) {
        writeTokenKey(tokenKey, writer.number, token, index)
        batch.put(tokenKey, EMPTY)
      }
      if (fields.carrier !== '') {
        writeTokenKey(tokenKey, writer.number, plainToken('carrier_message_id', fields.carrier), index)
        batch.put(tokenKey, EMPTY)
      }
    }
    const size = Buffer.alloc(6)
    writeU48(size, 0, end)
    batch.put(sizeKey(writer.number), size)
    try {
      await batch.write()
    } catch (cause) {
      this.#writers.delete(log) // its groups may not have been written
      throw cause
    }
    writer.size = end
  }

  forget(batch: Batch): Promise<void> {
    return this.#level.use((db) => this.#forget(db, batch))
  }

  async #forget(db: Database, { log, first, records, tokens }: Batch): Promise<void> {
    const writer = await this.#writer(db, log)
    const keys = forgetting(writer.number, first, records, tokens, (fields) => writer.groups.numberOf(fields, () => {}))
    if (keys.length === 0) return
    await db.batch(keys.map((key) => ({ type: 'del' as const, key })))
    // LevelDB keeps what is deleted until it compacts; tokens of personal values must not wait for that.
    for (const prefix of [PREFIX.subject, PREFIX.time, PREFIX.token]) {
      const own = keys.filter((key) => key[0] === prefix).sort(Buffer.compare)
      if (own.length > 0) await db.compactRange(own[0] as Buffer, own.at(-1) as Buffer)
    }
  }

  forgetTokens(log: string, records: readonly Forgotten[]): Promise<void> {
    return this.#level.use(async (db) => {
      const number = this.#numberOf(db, log)
      if (number === null) return
      const keys = forgettingTokens(number, records)
      for (const key of keys) this.#forgotten.add(key.latin1Slice(0, TOKEN_SHOWN))
      if (keys.length > 0) await db.batch(keys.map((key) => ({ type: 'del' as const, key })))
    })
  }

  async scrub(): Promise<void> {
    const prefixes = [...this.#forgotten]
    await rewriteLevel(
      this.#level,
      prefixes.map((prefix) => Buffer.from(prefix, 'latin1')),
    )
    for (const prefix of prefixes) this.#forgotten.delete(prefix)
  }

  async auditid(auditid: string): Promise<Place[]> {
    if (!isAuditId(auditid)) return []
    const from = Buffer.alloc(AUDITID_KEY)
    const to = Buffer.alloc(AUDITID_KEY)
    writeAuditidKey(from, auditid, 0)
    writeAuditidKey(to, auditid, MAX_LOGS)
    return this.#level.use(async (db) => {
      const places: Place[] = []
      for await (const [key, value] of db.iterator({ gte: from, lte: to })) {
        const log = await this.#nameOf(db, key.readUInt16BE(17))
        if (log !== null) places.push({ log, index: value.readUIntBE(0, 6) })
      }
      return places
    })
  }

  subject(log: string, subject: string, after: number, limit: number): Promise<SubjectPlace[]> {
    return this.#level.use(async (db) => {
      const number = this.#numberOf(db, log)
      if (number === null || after >= 0xffff_ffff) return []
      const from = Buffer.alloc(SUBJECT_KEY)
      const to = Buffer.alloc(SUBJECT_KEY)
      writeSubjectKey(from, number, subject, Math.max(after, -1) + 1)
      writeSubjectKey(to, number, subject, 0xffff_ffff)
      const found = await db.iterator({ gte: from, lte: to, limit }).all()
      return found.map(([key, value]) => ({ subjectsequence: key.readUInt32BE(19), index: value.readUIntBE(0, 6) }))
    })
  }

  token(log: string, token: Uint8Array, options: { after: number; limit: number; newest?: boolean }): Promise<number[]> {
    return this.#level.use(async (db) => {
      const number = this.#numberOf(db, log)
      if (number === null || token.length !== 16) return []
      const from = Buffer.alloc(TOKEN_KEY)
      const to = Buffer.alloc(TOKEN_KEY)
      writeTokenKey(from, number, token, Math.max(options.after, -1) + 1)
      writeTokenKey(to, number, token, MAX_U48)
      const keys = await db.keys({ gte: from, lte: to, limit: options.limit, reverse: options.newest ?? false }).all()
      return keys.map((key) => key.readUIntBE(19, 6))
    })
  }

  async *timeline(log: string, facets: Facets, range: { from: number; to: number; after: TimePlace | null }): AsyncIterableIterator<TimeMatch> {
    const number = await this.#level.use((db) => this.#numberOf(db, log))
    const from = Math.max(0, Math.ceil(range.from))
    const to = Math.min(MAX_U48, Math.floor(range.to))
    if (number === null || !(from <= to)) return
    const { after } = range
    const start =
      after === null || after.timeMs < from
        ? { timeMs: from, index: 0 }
        : after.index < MAX_U48
          ? { timeMs: after.timeMs, index: after.index + 1 }
          : { timeMs: after.timeMs + 1, index: 0 }
    if (start.timeMs > to) return
    const groups = await this.#level.use((db) => groupsOf(db, number))
    const lines: Line[] = []
    for (const [key, value] of groups) {
      const group = decodeGroup(value)
      if (!groupMatches(group, facets)) continue
      const lower = Buffer.alloc(TIME_KEY)
      const upper = Buffer.alloc(TIME_KEY)
      writeTimeKey(lower, number, key.readUInt16BE(3), start.timeMs, start.index)
      writeTimeKey(upper, number, key.readUInt16BE(3), to, MAX_U48)
      const keys = this.#level.cursor<Buffer>(
        (db, last) => db.keys({ ...(last === null ? { gte: lower } : { gt: last }), lte: upper }),
        (item) => item,
      )
      lines.push({ keys, exact: groupDecides(group, facets) })
    }
    yield* mergeTimelines(lines)
  }

  async close(): Promise<void> {
    await this.#level.close()
  }

  async #writer(db: Database, log: string): Promise<Writer> {
    const known = this.#writers.get(log)
    if (known !== undefined) return known
    let number = this.#numberOf(db, log)
    if (number === null) {
      const numbers = await db.values({ gte: Buffer.of(PREFIX.log), lt: Buffer.of(PREFIX.log + 1) }).all()
      number = this.#nextLog = numbers.reduce((next, value) => Math.max(next, value.readUInt16BE(0) + 1), this.#nextLog)
      if (number > MAX_LOGS) throw new RangeError('too many logs for one index')
      const value = Buffer.alloc(2)
      value.writeUInt16BE(number)
      await db.put(logKey(log), value)
    }
    const groups = await groupsOf(db, number)
    const writer = { number, size: sizeOf(db, number), groups: new Groups(groups.map(([key, value]) => [key.readUInt16BE(3), decodeGroup(value)])) }
    this.#writers.set(log, writer)
    return writer
  }

  #numberOf(db: Database, log: string): number | null {
    const known = this.#numbers.get(log)
    if (known !== undefined) return known
    const value = db.getSync(logKey(log))
    if (value === undefined) return null
    const number = value.readUInt16BE(0)
    this.#numbers.set(log, number)
    return number
  }

  async #nameOf(db: Database, number: number): Promise<string | null> {
    for (const [log, known] of this.#numbers) if (known === number) return log
    for await (const [key, value] of db.iterator({ gte: Buffer.of(PREFIX.log), lt: Buffer.of(PREFIX.log + 1) })) {
      if (value.length === 2) this.#numbers.set(key.subarray(1).toString(), value.readUInt16BE(0))
    }
    for (const [log, known] of this.#numbers) if (known === number) return log
    return null
  }
}

function sizeOf(db: Database, log: number): number {
  return db.getSync(sizeKey(log))?.readUIntBE(0, 6) ?? 0
}

function groupsOf(db: Database, log: number): Promise<Array<[Buffer, Buffer]>> {
  return db.iterator({ gte: groupKey(log, 0), lte: groupKey(log, 0xffff) }).all()
}

async function openDatabase(directory: string): Promise<Database> {
  const db: Database = new ClassicLevel(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
    multithreading: true,
    writeBufferSize: 8 * 1024 * 1024,
    maxFileSize: 8 * 1024 * 1024,
    cacheSize: 16 * 1024 * 1024,
  })
  await db.open()
  return db
}
