import { closeSync, openSync, readSync } from 'node:fs'
import { SealtrailError } from '../../errors.ts'
import { crashPoint } from '../../observe/crash-point.ts'
import type { Position } from '../../event/position.ts'
import type { Journal } from '../journal.ts'
import { corrupt, unwritable } from './failure.ts'
import { createFile, io, listFiles, pathOf, syncFolder, writeAll } from './folder.ts'
import { FILE_HEADER, FRAME_HEADER, MAX_ENTRY, fileHeader, frameAt, isFileHeader, laterAppend, writeFrame } from './frame.ts'

export interface JournalOptions {
  /** A file this long gets no further append; 64 MiB unless said. */
  readonly rotateBytes?: number
  /** Number of the first file of a journal that does not exist yet: positions already sealed must never come again. */
  readonly firstFile?: number
}

/** A journal of files, with what opening it had to cut. */
export interface FileJournal extends Journal {
  /** The torn end of the last append that opening cut away, or null. It was never acknowledged. */
  readonly cut: { readonly file: number; readonly offset: number; readonly bytes: number } | null
  /** As `Journal.replay`, from a position of a frame on when one is given. */
  replay(from?: Position): AsyncIterable<{ position: Position; entry: Uint8Array }>
  /** About how many bytes it takes on disk, for metrics. */
  readonly bytes: number
  /** Why appends are refused until `reopen` succeeds, or null; for readiness. */
  readonly failed: SealtrailError | null
  /**
   * After a failure: cuts what was not acknowledged and goes on in a new file, since the pages of the old one may be lost.
   * Resolves to true when appends are taken again, false when the disk still refuses; then it may be tried again.
   */
  reopen(): Promise<boolean>
}

interface Waiting {
  readonly entries: readonly Uint8Array[]
  readonly resolve: (positions: Position[]) => void
  readonly reject: (error: unknown) => void
}

/** One write takes waiting appends up to this many bytes; a longer single append is written in several. */
const GROUP_BYTES = 8 * 1024 * 1024
const PROBE_BYTES = 4096

/**
 * Opens or creates the journal in a folder (whose parent exists) that one process holds. A torn tail of the last file is cut and the cut synced.
 * @throws SealtrailError DATA_CORRUPT naming file and offset when a frame that had been synced is damaged or a file is
 *   missing between two; DATA_UNWRITABLE when the folder cannot be written.
 */
export async function openJournal(folder: string, options: JournalOptions = {}): Promise<FileJournal> {
  let current = -1
  try {
    await io.mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    const files = await listFiles(folder)
    if (files.length === 0) {
      const first = options.firstFile ?? 1
      current = await createFile(folder, first)
      return new Files(folder, [first], current, FILE_HEADER, null, options)
    }
    const last = files[files.length - 1] ?? 0
    current = await io.open(pathOf(folder, last), 'r+')
    const bytes = await io.readFile(current)
    const { end, cut } = checkLast(bytes, last)
    if (end === 0 || cut !== null) await io.truncate(current, end)
    if (end === 0) await writeAll(current, fileHeader(last), FILE_HEADER, 0)
    if (end === 0 || cut !== null) await io.fsync(current)
    return new Files(folder, files, current, Math.max(end, FILE_HEADER), cut, options)
  } catch (error) {
    if (current >= 0) await io.close(current)
    throw error instanceof SealtrailError ? error : unwritable('open', error)
  }
}

/** Where the good frames of the last file end; 0 when its creation was interrupted before the header was whole. */
function checkLast(bytes: Buffer, file: number): { end: number; cut: FileJournal['cut'] } {
  if (!isFileHeader(bytes, file)) {
    if (bytes.length < FILE_HEADER || bytes.every((byte) => byte === 0)) return { end: 0, cut: null }
    // The header is synced before the first append, so with frames behind it this is no torn write.
    throw corrupt(file, 0, 'does not begin with its header')
  }
  let at = FILE_HEADER
  for (let length = frameAt(bytes, at); length > 0; length = frameAt(bytes, at)) at += FRAME_HEADER + length
  if (at === bytes.length) return { end: at, cut: null }
  if (laterAppend(bytes, at) >= 0) throw corrupt(file, at, 'is damaged, and good entries of later appends follow')
  return { end: at, cut: { file, offset: at, bytes: bytes.length - at } }
}

class Files implements FileJournal {
  readonly cut: FileJournal['cut']
  readonly #folder: string
  readonly #rotateBytes: number
  readonly #files: number[]
  readonly #readers = new Map<number, number>()
  readonly #probe = Buffer.allocUnsafe(PROBE_BYTES)
  #buffer = Buffer.allocUnsafe(1024 * 1024)
  #fd: number
  #file: number
  #offset: number
  #waiting: Waiting[] = []
  #writing: Promise<void> | null = null
  #releasing: Promise<void> = Promise.resolve()
  #failed: SealtrailError | null = null
  #closed = false
  #turned = false

  constructor(folder: string, files: number[], fd: number, offset: number, cut: FileJournal['cut'], options: JournalOptions) {
    this.#folder = folder
    this.#files = files
    this.#file = files[files.length - 1] ?? 0
    this.#fd = fd
    this.#offset = offset
    this.cut = cut
    this.#rotateBytes = options.rotateBytes ?? 64 * 1024 * 1024
  }

  get end(): Position {
    return { file: this.#file, offset: this.#offset }
  }

  get failed(): SealtrailError | null {
    return this.#failed
  }

  get bytes(): number {
    return (this.#files.length - 1) * this.#rotateBytes + this.#offset
  }

  /**
   * Appends that arrive while one is being synced share the next write. After a failed write or sync the journal refuses
   * every further append until it is opened again: the kernel may have dropped the pages, and a later sync would lie.
   */
  append(entries: readonly Uint8Array[]): Promise<Position[]> {
    for (const entry of entries) {
      if (entry.length === 0 || entry.length > MAX_ENTRY) throw new RangeError(`a journal entry has 1 to ${MAX_ENTRY} bytes`)
    }
    if (this.#closed) return Promise.reject(new SealtrailError('NOT_DURABLE', 'the journal is closed'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject })
      this.#writing ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    // What is appended in the same turn of the loop joins; and the caller has stored this promise before it can end.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group: Waiting[] = []
      for (let bytes = 0; this.#waiting.length > 0 && bytes < GROUP_BYTES;) {
        const next = this.#waiting.shift() as Waiting
        for (const entry of next.entries) bytes += entry.length
        group.push(next)
      }
      try {
        if (this.#failed !== null) throw this.#failed
        const positions = await this.#write(group.flatMap((waiting) => waiting.entries))
        let from = 0
        for (const waiting of group) waiting.resolve(positions.slice(from, (from += waiting.entries.length)))
      } catch (error) {
        this.#failed ??= error instanceof SealtrailError ? error : unwritable('append', error)
        for (const waiting of group) waiting.reject(this.#failed)
      }
    }
    this.#writing = null
  }

  async #write(entries: readonly Uint8Array[]): Promise<Position[]> {
    const positions: Position[] = []
    for (let next = 0; next < entries.length;) {
      if (this.#offset >= this.#rotateBytes || this.#turned) await this.#rotate()
      let to = next
      let size = 0
      do size += FRAME_HEADER + (entries[to++]?.length ?? 0)
      while (to < entries.length && size < GROUP_BYTES)
      if (this.#buffer.length < size) this.#buffer = Buffer.allocUnsafe(size * 2)
      const start = this.#offset
      let at = 0
      for (; next < to; next++) {
        positions.push({ file: this.#file, offset: start + at })
        at = writeFrame(this.#buffer, at, entries[next] as Uint8Array, start)
      }
      await writeAll(this.#fd, this.#buffer, size, start)
      crashPoint('journal:written')
      await io.fdatasync(this.#fd)
      crashPoint('journal:synced')
      this.#offset = start + size
    }
    return positions
  }

  async #rotate(): Promise<void> {
    const next = this.#file + 1
    const fd = await createFile(this.#folder, next)
    this.#readers.set(this.#file, this.#fd)
    this.#fd = fd
    this.#file = next
    this.#offset = FILE_HEADER
    this.#files.push(next)
    this.#turned = false
  }

  turn(): void {
    this.#turned ||= this.#offset > FILE_HEADER
  }

  get oldest(): number {
    return this.#files[0] ?? this.#file
  }

  async rotate(): Promise<number> {
    while (this.#writing !== null) await this.#writing
    if (this.#failed !== null) throw this.#failed
    if (this.#closed) throw new SealtrailError('NOT_DURABLE', 'the journal is closed')
    if (this.#offset <= FILE_HEADER) return this.#file
    // Appends that arrive meanwhile wait, as they do for a write.
    const turned = this.#rotate()
    const writing = turned.then(
      () => this.#drain(),
      () => this.#drain(),
    )
    this.#writing = writing
    await turned.catch((error: unknown) => {
      throw unwritable('rotate', error)
    })
    return this.#file
  }

  async reopen(): Promise<boolean> {
    // Appends that arrive meanwhile are refused: `#failed` stands until the new file does.
    while (this.#writing !== null) await this.#writing
    if (this.#closed) return false
    if (this.#failed === null) return true
    try {
      await io.truncate(this.#fd, this.#offset)
      await io.fsync(this.#fd)
      // Dying from here on: the old file ends with its last acknowledged entry, the new one is empty or not there.
      await this.#rotate()
      this.#failed = null
      return true
    } catch {
      return false
    }
  }

  read(position: Position): Uint8Array {
    const { file, offset } = position
    const fd = this.#reader(file)
    let bytes = this.#probe
    let got = readSync(fd, bytes, 0, PROBE_BYTES, offset)
    if (got <= FRAME_HEADER) throw corrupt(file, offset, 'is missing')
    const size = FRAME_HEADER + bytes.readUInt32LE(4)
    if (size > FRAME_HEADER + MAX_ENTRY) throw corrupt(file, offset, 'is damaged')
    if (size > got) {
      bytes = Buffer.allocUnsafe(size)
      got = readSync(fd, bytes, 0, size, offset)
    }
    if (frameAt(bytes.subarray(0, Math.min(got, size)), 0) < 0) throw corrupt(file, offset, 'is damaged')
    return bytes === this.#probe ? Uint8Array.prototype.slice.call(bytes, FRAME_HEADER, size) : bytes.subarray(FRAME_HEADER, size)
  }

  #reader(file: number): number {
    if (file === this.#file) return this.#fd
    let fd = this.#readers.get(file)
    if (fd === undefined) {
      if (!this.#files.includes(file)) throw corrupt(file, 0, 'is missing')
      fd = openSync(pathOf(this.#folder, file), 'r')
      this.#readers.set(file, fd)
    }
    return fd
  }

  async *replay(from?: Position): AsyncGenerator<{ position: Position; entry: Uint8Array }> {
    const end = this.end
    for (const file of this.#files.filter((number) => number <= end.file && number >= (from?.file ?? 0))) {
      const whole = await io.readFile(pathOf(this.#folder, file))
      const bytes = file === end.file ? whole.subarray(0, end.offset) : whole
      if (!isFileHeader(bytes, file)) throw corrupt(file, 0, 'does not begin with its header')
      for (let at = file === from?.file ? from.offset : FILE_HEADER; at < bytes.length;) {
        const length = frameAt(bytes, at)
        // Only the last file can be torn, and opening has cut it.
        if (length < 0) throw corrupt(file, at, 'is damaged')
        // A copy: whoever keeps one entry must not keep its whole file.
        yield { position: { file, offset: at }, entry: Uint8Array.prototype.slice.call(bytes, at + FRAME_HEADER, at + FRAME_HEADER + length) }
        at += FRAME_HEADER + length
      }
    }
  }

  /** Deletes oldest first and syncs each, so that neither a crash nor a failure leaves a gap. The file being written stays. */
  release(position: Position): Promise<void> {
    const released = this.#releasing.then(() => this.#release(position))
    this.#releasing = released.catch(() => {})
    return released
  }

  async #release(position: Position): Promise<void> {
    for (let file = this.#files[0] ?? 0; file < Math.min(position.file, this.#file); file = this.#files[0] ?? 0) {
      const fd = this.#readers.get(file)
      this.#readers.delete(file)
      try {
        if (fd !== undefined) await io.close(fd)
        await io.unlink(pathOf(this.#folder, file))
        crashPoint('journal:released')
        this.#files.shift()
        await syncFolder(this.#folder)
      } catch (error) {
        throw unwritable('release', error)
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writing
    await this.#releasing
    for (const fd of this.#readers.values()) closeSync(fd)
    this.#readers.clear()
    closeSync(this.#fd)
  }
}
