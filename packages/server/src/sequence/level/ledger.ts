import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { SealtrailError } from '../../errors.ts'
import { checkLevel } from '../../observe/level-check.ts'
import type { Known, Ledger, LedgerBatch, Marker } from '../ledger.ts'
import type { SubjectState } from '../subject.ts'
import { Recent } from './recent.ts'
import { decodeKnown, decodeMarker, decodeSubject, encodeKnown, encodeMarker, encodeSubject, identityKey, logKey, subjectKey } from './rows.ts'
import type { MarkerRow } from './rows.ts'

type Level = ClassicLevel<Buffer, Buffer>

export interface LedgerOptions {
  /** Begin with nothing, whatever is there: why the segments disagree with it. */
  readonly fresh?: string
  /** Subject states kept in memory; 50,000 unless said (about 300 bytes each). */
  readonly recentSubjects?: number
  /** Rows between two flushes, hence about how many records are replayed after a crash; 100,000 unless said. */
  readonly flushRows?: number
}

export interface OpenedLedger {
  readonly ledger: Ledger
  /** Why an existing ledger was thrown away (the caller replays the log from its beginning), or null. */
  readonly rebuilt: string | null
}

/** So few rows, found in memory mostly, are read in less time than the way to another thread and back takes. */
const AT_ONCE = 16

const BEHIND_ALL = Buffer.from('~')

/** In the folder once a damaged row was read: whatever else it says is not to be believed. */
const DAMAGED = 'DAMAGED'

/**
 * Opens or creates the ledger in a folder that one process holds. A damaged one is thrown away, as it can be derived again.
 * Nothing is synced while writing: after a crash `marker` says what LevelDB had certainly written out, and the log is
 * replayed from there.
 * @throws SealtrailError DATA_IN_USE, DATA_UNWRITABLE
 */
export async function openLedger(folder: string, options: LedgerOptions = {}): Promise<OpenedLedger> {
  let rebuilt = existsSync(folder) ? (options.fresh ?? (await damageIn(folder))) : null
  if (rebuilt === null) {
    try {
      return { ledger: await LevelLedger.open(folder, options), rebuilt }
    } catch (error) {
      rebuilt = damage(error)
      if (rebuilt === null) throw cannotOpen(error)
    }
  }
  await destroy(folder)
  return { ledger: await LevelLedger.open(folder, options), rebuilt }
}

/** What is wrong in a folder that nobody has open; files that another process is writing may look damaged. */
async function damageIn(folder: string): Promise<string | null> {
  if (existsSync(join(folder, DAMAGED))) return 'a damaged row was found in it'
  const [first] = await checkLevel(folder)
  return first === undefined ? null : `${first.file}: ${first.message}`
}

/** Unlike deleting the folder this asks for LevelDB's lock first: a running server keeps its ledger. */
async function destroy(folder: string): Promise<void> {
  try {
    await ClassicLevel.destroy(folder)
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    throw cannotOpen(error)
  }
}

/** What the system says when the files are not to blame. A damaged table sends LevelDB to offsets that do not exist: "Invalid argument". */
const NOT_THE_FILES = /No space left|Permission denied|not permitted|Read-only|Input\/output|Too many open|quota|Cannot allocate/

/** What is wrong with the files, or null when it is not the files that are wrong. */
function damage(error: unknown): string | null {
  if (error instanceof SealtrailError) return error.code === 'DATA_CORRUPT' ? error.message : null
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : ''
    if (code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && !NOT_THE_FILES.test(cause.message))) return 'LevelDB found it damaged'
  }
  return null
}

function cannotOpen(error: unknown): SealtrailError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
    return new SealtrailError('DATA_IN_USE', 'the ledger is held by another process', { cause: error })
  }
  return new SealtrailError('DATA_UNWRITABLE', 'the ledger cannot be opened', { cause: error })
}

class LevelLedger implements Ledger {
  readonly #folder: string
  readonly #level: Level
  readonly #markers: Map<string, MarkerRow>
  readonly #names = new Map<number, string>()
  readonly #recent: Recent<SubjectState>
  readonly #flushRows: number
  #rows = 0
  #flushing: Promise<void> | null = null

  static async open(folder: string, options: LedgerOptions): Promise<LevelLedger> {
    const level: Level = new ClassicLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      writeBufferSize: 8 * 1024 * 1024,
      cacheSize: 16 * 1024 * 1024,
      maxFileSize: 16 * 1024 * 1024,
    })
    await level.open()
    try {
      const markers = new Map<string, MarkerRow>()
      for await (const [key, value] of level.iterator({ gte: Buffer.from('l'), lt: Buffer.from('m') })) {
        const row = decodeMarker(key, value)
        markers.set(key.toString('utf8', 1), { ...row, marker: row.safe })
      }
      return new LevelLedger(folder, level, markers, options)
    } catch (error) {
      await level.close()
      throw error
    }
  }

  private constructor(folder: string, level: Level, markers: Map<string, MarkerRow>, options: LedgerOptions) {
    this.#folder = folder
    this.#level = level
    this.#markers = markers
    for (const [log, { logNumber }] of markers) this.#names.set(logNumber, log)
    this.#recent = new Recent(options.recentSubjects ?? 50_000)
    this.#flushRows = options.flushRows ?? 100_000
  }

  async known(identities: readonly string[]): Promise<(Known | null)[]> {
    const keys = identities.map(identityKey)
    const values = await this.#read(keys)
    return values.map((value, i) => {
      if (value === undefined) return null
      const { logNumber, ...known } = this.#believe(() => decodeKnown(keys[i] as Buffer, value))
      return { log: this.#names.get(logNumber) ?? this.#damaged(`row of an unknown log ${logNumber}`), ...known }
    })
  }

  async subjects(tokens: readonly string[]): Promise<(SubjectState | null)[]> {
    const states: (SubjectState | null)[] = []
    const keys: Buffer[] = []
    const places: number[] = []
    tokens.forEach((token, i) => {
      const state = this.#recent.get(token)
      states.push(state ?? null)
      if (state !== undefined) return
      keys.push(subjectKey(token))
      places.push(i)
    })
    if (keys.length === 0) return states
    const values = await this.#read(keys)
    values.forEach((value, n) => {
      if (value !== undefined) states[places[n] as number] = this.#believe(() => decodeSubject(keys[n] as Buffer, value))
    })
    return states
  }

  async write({ log, rows, subjects, marker }: LedgerBatch): Promise<void> {
    const batch = this.#level.batch()
    const known = this.#rowOf(log)
    // The number is taken now, the marker only once its rows are written: a flush meanwhile must not call them safe.
    this.#markers.set(log, known)
    const row = { ...known, marker }
    for (const each of rows) {
      const key = identityKey(each.identity)
      batch.put(key, encodeKnown(key, row.logNumber, each))
    }
    for (const [token, state] of subjects) {
      const key = subjectKey(token)
      batch.put(key, encodeSubject(key, state))
      this.#recent.set(token, state)
    }
    const key = logKey(log)
    batch.put(key, encodeMarker(key, row))
    this.#rows += rows.length
    await batch.write()
    this.#markers.set(log, { ...this.#rowOf(log), marker })
    if (this.#rows >= this.#flushRows && this.#flushing === null) {
      this.#rows = 0
      this.#flushing = this.#flush().finally(() => (this.#flushing = null))
      // A flush that failed is tried again at the next turn or at closing; until then only a replay would be longer.
      this.#flushing.catch(() => {})
    }
  }

  async forget(identities: readonly string[]): Promise<void> {
    await this.#level.batch(identities.map((identity) => ({ type: 'del' as const, key: identityKey(identity) })))
  }

  async forgetContent(identities: readonly string[]): Promise<void> {
    // What is in memory goes into a file of its own first: a table that holds both values of a row would not be looked at again.
    await this.#level.compactRange(BEHIND_ALL, BEHIND_ALL)
    const keys = identities.map(identityKey)
    const values = await this.#read(keys)
    const batch = this.#level.batch()
    values.forEach((value, i) => {
      const key = keys[i] as Buffer
      if (value === undefined) return
      const { logNumber, ...known } = this.#believe(() => decodeKnown(key, value))
      batch.put(key, encodeKnown(key, logNumber, { ...known, identity: identities[i] as string, fingerprint: '' }))
    })
    await batch.write()
    await this.compact()
  }

  async compact(): Promise<void> {
    await this.#level.compactRange(Buffer.from('i'), Buffer.from('j'))
  }

  marker(log: string): Marker | null {
    return this.#markers.get(log)?.marker ?? null
  }

  logs(): string[] {
    return [...this.#markers.keys()]
  }

  async close(): Promise<void> {
    await this.#flushing?.catch(() => {})
    try {
      await this.#flush()
    } finally {
      await this.#level.close()
    }
  }

  /**
   * Makes everything written so far durable. LevelDB syncs a memory table when it becomes a file, and a compaction of a
   * range, even an empty one, first writes the memory table out; syncing single writes would not cover the log file before.
   */
  async #flush(): Promise<void> {
    const flushed = [...this.#markers]
    if (flushed.every(([, { marker, safe }]) => marker.size === safe.size)) return
    await this.#level.compactRange(BEHIND_ALL, BEHIND_ALL)
    const batch = this.#level.batch()
    for (const [log, { marker }] of flushed) {
      const row = { ...this.#rowOf(log), safe: marker }
      this.#markers.set(log, row)
      const key = logKey(log)
      batch.put(key, encodeMarker(key, row))
    }
    await batch.write({ sync: true })
  }

  #rowOf(log: string): MarkerRow {
    const row = this.#markers.get(log)
    if (row !== undefined) return row
    const logNumber = this.#markers.size + 1
    this.#names.set(logNumber, log)
    const none = { size: 0, root: '' }
    return { logNumber, marker: none, safe: none }
  }

  async #read(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    try {
      return keys.length <= AT_ONCE ? keys.map((key) => this.#level.getSync(key)) : await this.#level.getMany(keys)
    } catch (error) {
      const what = damage(error)
      if (what === null) throw error
      return this.#damaged(what)
    }
  }

  #believe<T>(decode: () => T): T {
    try {
      return decode()
    } catch (error) {
      return this.#damaged((error as Error).message)
    }
  }

  #damaged(what: string): never {
    writeFileSync(join(this.#folder, DAMAGED), `${what}\n`)
    throw new SealtrailError('DATA_CORRUPT', `the ledger state is damaged (${what}); it is rebuilt at the next start`, { stopsLog: true })
  }
}
