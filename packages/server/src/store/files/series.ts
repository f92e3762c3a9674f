import { constants } from 'node:fs'
import { segmentKey } from '@sealtrail/evidence'
import { SealtrailError } from '../../errors.ts'
import { parseIndexedKey } from '../key.ts'
import type { Lock } from '../store.ts'
import { SegmentTable } from '../table.ts'
import { type Disk, reason } from './disk.ts'
import { encodeHeader } from './header.ts'
import { type Damage, type Found, scan } from './scan.ts'

const { O_APPEND, O_CREAT, O_RDONLY, O_RDWR } = constants
/** `<first index of its first segment>[.<n>].ndjson.zst`; the number only when the name was taken by a closed file. */
const NAME = /^\d{20}(\.\d+)?\.ndjson\.zst$/
/** place = file number × SPAN + offset: a file closes at 64 MiB, so offsets stay far below. */
const SPAN = 2 ** 36
const OPEN_FILES = 64

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
      this.#files.push({ name, end: 0, limit: Number.POSITIVE_INFINITY, damage: [], tail: null, closed: false })
    }
    for (const [number, file] of this.#files.entries()) if (all || !file.closed) this.#take(number)
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
      if (file.closed) continue
      const fd = this.#fd(number)
      await this.#disk.datasync(fd)
      if (this.#active === null && this.#usable(file)) this.#active = { file: number, fd: this.#disk.open(this.#path(file.name), O_RDWR | O_APPEND) }
      else this.#disk.freeze(fd)
    }
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
    if (this.table.find(first, digest).length === 0) this.refresh(true)
    const copies = this.known(first, digest)
    if (copies.length > 0) return copies
    // A cut-off object is handed out as far as it goes: its reader then says "damaged", not "never written".
    const key = segmentKey(this.#log, first, digest)
    for (const [number, file] of this.#files.entries()) {
      if (file.tail?.header.key === key) copies.push(this.#read(number * SPAN + file.tail.offset, file.tail.header.size))
    }
    return copies
  }

  /** The copies seen so far. */
  known(first: number, digest: string): Uint8Array[] {
    return this.table.find(first, digest).map((position) => this.#read(this.table.place(position), this.table.size(position)))
  }

  /** Bytes in the files that are no whole object. */
  damage(): { file: string; offset: number; length: number; why: Damage['why'] }[] {
    return this.#files.flatMap((file) => {
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
    try {
      const active = (this.#active ??= this.#create(first))
      const file = this.#files[active.file]!
      const written = await this.#disk.append(active.fd, [header, bytes])
      if (written !== header.length + bytes.length) throw new Error(`only ${written} bytes written`)
      await this.#disk.datasync(active.fd)
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
      }
      if (file.end >= this.#maxFileBytes) {
        this.#disk.freeze(active.fd)
        this.#disk.close(active.fd)
        this.#active = null
      }
    } catch (error) {
      this.#abandon()
      throw new SealtrailError('NOT_DURABLE', `segment not stored: ${reason(error)}`, { cause: error })
    }
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
      const file = { name, end: 0, limit: Number.POSITIVE_INFINITY, damage: [], tail: null, closed: false }
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
      const key = parseIndexedKey(header.key, 'segment')
      if (key !== null && key.log === this.#log) this.table.add(key.first, key.digest, header.size, number * SPAN + offset)
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
