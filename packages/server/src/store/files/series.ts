import { constants } from 'node:fs'
import { segmentKey } from '@sealtrail/evidence'
import { SealtrailError } from '../../errors.ts'
import { parseIndexedKey } from '../key.ts'
import type { Lock } from '../store.ts'
import { SegmentTable } from '../table.ts'
import { type Disk, reason } from './disk.ts'
import { decodeHeader, encodeHeader, headerLength } from './header.ts'
import { RemovedList } from './removed.ts'
import { type Damage, type Found, scan } from './scan.ts'

const { O_APPEND, O_CREAT, O_RDONLY, O_RDWR } = constants
/** `<first index of its first segment>[.<n>].ndjson.zst`; the number only when the name was taken by a closed file. */
const NAME = /^\d{20}(\.\d+)?\.ndjson\.zst$/
/** place = file number × SPAN + offset: a file closes at 64 MiB, so offsets stay far below. */
const SPAN = 2 ** 36
const OPEN_FILES = 64
const DAY_MS = 86_400_000
const LIST = '.removed'

interface AppendFile {
  readonly name: string
  /** Scanned up to here. */
  end: number
  /** Bytes from here on are not believed: their fdatasync failed. */
  limit: number
  damage: Damage[]
  tail: Found | null
  /** Seen read-only: nothing is added any more, so it is looked at again only when a key is missing. */
  closed: boolean
  /** UTC day on which the locks of its objects end, since the epoch; objects of another day go to another file, so that a file can go as a whole. */
  day: number | null
  /** Objects in it that were not removed. */
  left: number
  readonly removed: RemovedList
  /** Its last object was removed, and the file with it. */
  gone: boolean
}

/**
 * The segments of one log in a folder of append files. Files are only ever added to: a torn tail, a failed write or a
 * damaged last object closes the file as it is, and the next segment opens a new one. So no repair can destroy evidence
 * or another writer's object.
 */
export class SegmentSeries {
  readonly table: SegmentTable = new SegmentTable()
  readonly #disk: Disk
  readonly #folder: string
  readonly #log: string
  readonly #maxFileBytes: number
  readonly #files: AppendFile[] = []
  readonly #known = new Map<string, number>()
  readonly #fds = new Map<number, number>()
  #active: { file: number; fd: number } | null = null
  /** The file a write is under way in; what it adds is taken in when it is durable. */
  #appending: number | null = null
  #ready: Promise<void> | null = null
  #queue: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk, folder: string, log: string, maxFileBytes: number) {
    this.#disk = disk
    this.#folder = folder
    this.#log = log
    this.#maxFileBytes = maxFileBytes
  }

  /** Takes in what was appended since the last call, by whoever: new files, and new objects in open ones (`all`: in every file). */
  refresh(all = false): void {
    const names = this.#disk.names(this.#folder)
    for (const name of names) {
      if (!NAME.test(name) || this.#known.has(name)) continue
      this.#known.set(name, this.#files.length)
      this.#files.push(this.#file(name))
    }
    const there = new Set(names)
    for (const [number, file] of this.#files.entries()) {
      if (!there.has(file.name)) this.#forget(number)
      else if ((all || !file.closed) && number !== this.#appending) this.#take(number)
      if (!file.gone && there.has(file.name + LIST)) this.#strike(number)
    }
  }

  /** Ready to append: everything found is made durable first, since a process killed before its fdatasync leaves whole objects in the page cache only. */
  openForAppend(): Promise<void> {
    this.#ready ??= this.#openForAppend().catch((error) => {
      this.#ready = null
      throw error
    })
    return this.#ready
  }

  async #openForAppend(): Promise<void> {
    this.refresh()
    for (let number = this.#files.length - 1; number >= 0; number--) {
      const file = this.#files[number]!
      if (file.gone) continue
      // A crash came between striking the last of its objects and removing the file.
      if (file.left === 0 && !file.removed.isEmpty && this.#usable(file)) this.#discard(number)
      if (file.closed || file.gone) continue
      const fd = this.#fd(number)
      await this.#disk.datasync(fd)
      if (this.#active === null && this.#usable(file)) this.#active = { file: number, fd: this.#disk.open(this.#path(file.name), O_RDWR | O_APPEND) }
      else this.#disk.freeze(fd)
    }
    // Lists whose file went before them.
    for (const name of this.#disk.names(this.#folder))
      if (name.endsWith(LIST) && !this.#stands(name.slice(0, -LIST.length))) this.#disk.remove(this.#path(name))
    if (this.#files.length > 0) this.#disk.syncDirectory(this.#folder)
  }

  /**
   * Appends the object and reads it back; when it resolves the bytes are durable. One write at a time.
   * @throws SealtrailError NOT_DURABLE; the file is closed as it is and the next call uses a new one.
   */
  append(key: string, bytes: Uint8Array, sha256: string, lock: Lock): Promise<void> {
    const run = this.#queue.then(() => this.#append(key, bytes, sha256, lock))
    this.#queue = run.catch(() => {})
    return run
  }

  /** Every stored copy of the object, undamaged or not; none when the key is unknown. */
  copies(first: number, digest: string): Uint8Array[] {
    if (this.#positions(first, digest).length === 0) this.refresh(true)
    const copies = this.known(first, digest)
    if (copies.length > 0) return copies
    // A cut-off object is handed out as far as it goes: its reader then says "damaged", not "never written".
    const key = segmentKey(this.#log, first, digest)
    for (const [number, file] of this.#files.entries()) {
      if (!file.gone && file.tail?.header.key === key) copies.push(this.#read(number * SPAN + file.tail.offset, file.tail.header.size))
    }
    return copies
  }

  /** The copies seen so far. */
  known(first: number, digest: string): Uint8Array[] {
    return this.#positions(first, digest).map((position) => this.#read(this.table.place(position), this.table.size(position)))
  }

  /** Whether the segment at a position of the table was removed. */
  isRemoved(position: number): boolean {
    const file = this.#files[Math.floor(this.table.place(position) / SPAN)]!
    return file.gone || file.removed.has(nameOf(this.table.first(position), this.table.digest(position)))
  }

  /** Size and declared lock of a segment, or null when there is none; `lock` null: its header cannot be read. */
  declared(first: number, digest: string): { readonly size: number; readonly lock: Lock | null } | null {
    const position = this.#positions(first, digest)[0]
    if (position === undefined) return null
    const size = this.table.size(position)
    const place = this.table.place(position)
    const length = headerLength(segmentKey(this.#log, first, digest), size)
    const header = decodeHeader(Buffer.from(this.#read(place - length, length)), 0)
    return { size, lock: header?.intact === true ? header.header.lock : null }
  }

  /** Strikes the segment out, durably; the bytes go with the last one of their file. That there is none is success. @throws SealtrailError NOT_DURABLE */
  remove(first: number, digest: string): Promise<void> {
    const run = this.#queue.then(() => this.#remove(first, digest))
    this.#queue = run.catch(() => {})
    return run
  }

  async #remove(first: number, digest: string): Promise<void> {
    try {
      for (const number of new Set(this.#positions(first, digest).map((position) => Math.floor(this.table.place(position) / SPAN)))) {
        const file = this.#files[number]!
        await file.removed.add(nameOf(first, digest))
        // Dying here: struck out. The file goes at the next start, if this was its last object.
        this.#strike(number)
        if (file.left > 0) continue
        if (this.#active?.file === number) {
          this.#disk.close(this.#active.fd)
          this.#active = null
        }
        this.#discard(number)
      }
    } catch (error) {
      throw new SealtrailError('NOT_DURABLE', `segment not removed: ${reason(error)}`, { cause: error })
    }
  }

  /** Copies that were not removed. */
  #positions(first: number, digest: string): number[] {
    return this.table.find(first, digest).filter((position) => !this.isRemoved(position))
  }

  /** Takes in what the list of removed segments says. */
  #strike(number: number): void {
    const file = this.#files[number]!
    for (const name of file.removed.refresh()) {
      const [first, digest] = [Number(name.slice(0, 20)), name.slice(21)]
      file.left -= this.table.find(first, digest).filter((position) => Math.floor(this.table.place(position) / SPAN) === number).length
    }
  }

  /** Removes a file all of whose objects are struck out. One with damage stays: it may be evidence. */
  #discard(number: number): void {
    const file = this.#files[number]!
    if (file.damage.length > 0 || file.end !== this.#size(file)) return
    this.#disk.remove(this.#path(file.name))
    this.#disk.syncDirectory(this.#folder)
    // Only now the list: without it the struck out objects would be there again.
    file.removed.discard()
    this.#forget(number)
  }

  #forget(number: number): void {
    this.#files[number]!.gone = true
    const fd = this.#fds.get(number)
    if (fd === undefined) return
    this.#fds.delete(number)
    this.#disk.close(fd)
  }

  #file(name: string): AppendFile {
    const removed = new RemovedList(this.#disk, this.#path(name) + LIST)
    return { name, end: 0, limit: Number.POSITIVE_INFINITY, damage: [], tail: null, closed: false, day: null, left: 0, removed, gone: false }
  }

  /** Bytes in the files that are no whole object. */
  damage(): { file: string; offset: number; length: number; why: Damage['why'] }[] {
    return this.#files.flatMap((file) => {
      if (file.gone) return []
      const left = this.#size(file) - file.end
      const cut = left > 0 ? [{ offset: file.end, length: left, why: 'cut off' as const }] : []
      return [...file.damage, ...cut].map((damage) => ({ file: file.name, ...damage }))
    })
  }

  close(): void {
    for (const fd of this.#fds.values()) this.#disk.close(fd)
    this.#fds.clear()
    if (this.#active !== null) this.#disk.close(this.#active.fd)
    this.#active = null
  }

  async #append(key: string, bytes: Uint8Array, sha256: string, lock: Lock): Promise<void> {
    const header = encodeHeader({ key, size: bytes.length, sha256, lock })
    const { first, digest } = parseIndexedKey(key, 'segment')!
    const day = Math.floor(lock.retainUntilMs / DAY_MS)
    try {
      if (this.#active !== null && !this.#fits(this.#files[this.#active.file]!, day, nameOf(first, digest))) this.#close(this.#active)
      const active = (this.#active ??= this.#create(first))
      const file = this.#files[active.file]!
      // Who asks meanwhile does not see half of it, and nothing of it before it is durable.
      this.#appending = active.file
      const written = await this.#disk.append(active.fd, [header, bytes])
      if (written !== header.length + bytes.length) throw new Error(`only ${written} bytes written`)
      await this.#disk.datasync(active.fd)
      this.#appending = null
      let offset = file.end + header.length
      if (!this.#holds(active.fd, offset - header.length, header, bytes)) {
        // Another writer appended before us: find our own object behind its.
        const { size } = this.#disk.stat(active.fd)
        const mine = scan(this.#disk, active.fd, file.end, size).found.find((f) => f.header.sha256 === sha256 && f.header.key === key)
        if (mine === undefined || !this.#holds(active.fd, mine.offset - header.length, header, bytes)) throw new Error('read back differs')
        this.#take(active.file)
        offset = mine.offset
      } else {
        this.table.add(first, digest, bytes.length, active.file * SPAN + offset)
        file.end = offset + bytes.length
        file.day ??= day
        file.left++
      }
      if (file.end >= this.#maxFileBytes) this.#close(active)
    } catch (error) {
      this.#appending = null
      this.#abandon()
      throw new SealtrailError('NOT_DURABLE', `segment not stored: ${reason(error)}`, { cause: error })
    }
  }

  #stands(name: string): boolean {
    const number = this.#known.get(name)
    return number !== undefined && !this.#files[number]!.gone
  }

  /** An object goes where others end on the same day, and not where its name is struck out. */
  #fits(file: AppendFile, day: number, name: string): boolean {
    return (file.day ?? day) === day && !file.removed.has(name)
  }

  #close(active: { fd: number }): void {
    this.#active = null
    this.#disk.freeze(active.fd)
    this.#disk.close(active.fd)
  }

  #create(first: number): { file: number; fd: number } {
    this.#disk.makeDirectory(this.#folder)
    const stem = String(first).padStart(20, '0')
    for (let n = 0; ; n++) {
      const name = n === 0 ? `${stem}.ndjson.zst` : `${stem}.${n}.ndjson.zst`
      if (this.#known.has(name)) continue
      const fd = this.#disk.open(this.#path(name), O_RDWR | O_APPEND | O_CREAT, 0o644)
      // From here on `abandon` closes it whatever fails.
      this.#active = { file: this.#files.length, fd }
      this.#known.set(name, this.#files.length)
      const file = this.#file(name)
      this.#files.push(file)
      this.#disk.syncDirectory(this.#folder)
      this.#take(this.#active.file)
      if (!file.closed && this.#usable(file)) return this.#active
      this.#active = null
      this.#disk.close(fd)
    }
  }

  /** Never goes on in a file whose write or fdatasync failed: the page cache may hold what the disk does not. */
  #abandon(): void {
    const active = this.#active
    this.#active = null
    if (active === null) return
    const file = this.#files[active.file]!
    file.limit = file.end
    try {
      if (this.#disk.stat(active.fd).size === file.end) {
        // Nothing was written (disk full): the same file serves again.
        file.limit = Number.POSITIVE_INFINITY
        this.#active = active
        return
      }
      this.#disk.freeze(active.fd)
    } catch {
      // Read-only or failing disk: `limit` already keeps this instance away from it.
    }
    try {
      this.#disk.close(active.fd)
    } catch {
      // Nothing more can be done with it.
    }
  }

  #holds(fd: number, at: number, header: Buffer, bytes: Uint8Array): boolean {
    const back = Buffer.allocUnsafe(header.length + bytes.length)
    if (this.#disk.read(fd, back, at) !== back.length) return false
    return back.compare(header, 0, header.length, 0, header.length) === 0 && back.compare(bytes, 0, bytes.length, header.length) === 0
  }

  #take(number: number): void {
    const file = this.#files[number]!
    const stat = this.#disk.stat(this.#fd(number))
    file.closed = !stat.writable
    const size = Math.min(stat.size, file.limit)
    if (size <= file.end) return
    const { found, damage, end, tail } = scan(this.#disk, this.#fd(number), file.end, size)
    for (const { header, offset } of found) {
      file.day ??= Math.floor(header.lock.retainUntilMs / DAY_MS)
      const key = parseIndexedKey(header.key, 'segment')
      if (key === null || key.log !== this.#log) continue
      this.table.add(key.first, key.digest, header.size, number * SPAN + offset)
      file.left++
    }
    file.damage.push(...damage)
    file.end = end
    file.tail = tail
  }

  /** Whole up to its end and not full: the next object may follow. */
  #usable(file: AppendFile): boolean {
    const size = this.#size(file)
    return file.damage.length === 0 && file.end === size && size < this.#maxFileBytes
  }

  #size(file: AppendFile): number {
    return this.#disk.stat(this.#fd(this.#known.get(file.name)!)).size
  }

  #read(place: number, size: number): Uint8Array {
    const number = Math.floor(place / SPAN)
    const bytes = Buffer.allocUnsafe(size)
    return bytes.subarray(0, this.#disk.read(this.#fd(number), bytes, place - number * SPAN))
  }

  #fd(number: number): number {
    const known = this.#fds.get(number)
    if (known !== undefined) return known
    if (this.#fds.size >= OPEN_FILES) {
      const [oldest, fd] = this.#fds.entries().next().value!
      this.#disk.close(fd)
      this.#fds.delete(oldest)
    }
    const fd = this.#disk.open(this.#path(this.#files[number]!.name), O_RDONLY)
    this.#fds.set(number, fd)
    return fd
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`
  }
}

function nameOf(first: number, digest: string): string {
  return `${String(first).padStart(20, '0')}-${digest}`
}
