import { hash } from 'node:crypto'
import type { Disk } from './disk.ts'
import { decodeHeader, MAGIC, MAX_HEADER, type ObjectHeader } from './header.ts'

/** An object found in an append file. */
export interface Found {
  readonly header: ObjectHeader
  /** Where its bytes begin. */
  readonly offset: number
}

/** Bytes that are no whole object: a torn write, or damage. Never removed: they may be evidence. */
export interface Damage {
  readonly offset: number
  readonly length: number
  readonly why: 'no header' | 'cut off' | 'digest differs' | 'header damaged'
}

export interface Scan {
  readonly found: readonly Found[]
  readonly damage: readonly Damage[]
  /** Where the next scan goes on: the end of the last object, before an unfinished one. */
  readonly end: number
  /** An unfinished object at the end of the file: another thread may be writing it, or a crash cut it off. */
  readonly tail: Found | null
}

const WINDOW = 16384

/**
 * The objects of an append file from `from` to `limit`, by hopping from header to header. An object is believed whole
 * when another header (or, the digest being right, nothing) follows it; else the scan looks inside for the next header,
 * because a write cut short by a full disk may be followed by another writer's whole object.
 */
export function scan(disk: Disk, fd: number, from: number, limit: number): Scan {
  const found: Found[] = []
  const damage: Damage[] = []
  const window = new Window(disk, fd, limit)
  let at = from
  let tail: Found | null = null
  while (at < limit) {
    const here = window.header(at)
    if (here === null) {
      const next = window.search(at + 1)
      if (next === null) break
      damage.push({ offset: at, length: next - at, why: 'no header' })
      at = next
      continue
    }
    const { header, length, intact } = here
    const offset = at + length
    const stop = offset + header.size
    if (stop > limit) {
      const next = window.search(offset)
      if (next === null) {
        tail = { header, offset }
        break
      }
      damage.push({ offset: at, length: next - at, why: 'cut off' })
      at = next
      continue
    }
    found.push({ header, offset })
    if (!intact) damage.push({ offset: at, length, why: 'header damaged' })
    const followed = stop < limit && window.header(stop) !== null
    if (followed || digestOf(disk, fd, offset, header.size) === header.sha256) {
      at = stop
      continue
    }
    const next = window.search(offset)
    at = next !== null && next < stop ? next : stop
    damage.push({ offset, length: at - offset, why: 'digest differs' })
  }
  return { found, damage, end: at, tail }
}

/** SHA-256 of a part of the file, lower-case hex. */
export function digestOf(disk: Disk, fd: number, offset: number, size: number): string {
  const bytes = Buffer.allocUnsafe(size)
  const n = disk.read(fd, bytes, offset)
  return hash('sha256', bytes.subarray(0, n), 'hex')
}

class Window {
  readonly #disk: Disk
  readonly #fd: number
  readonly #limit: number
  readonly #bytes = Buffer.allocUnsafe(WINDOW)
  #start = 0
  #length = 0

  constructor(disk: Disk, fd: number, limit: number) {
    this.#disk = disk
    this.#fd = fd
    this.#limit = limit
  }

  header(at: number): ReturnType<typeof decodeHeader> {
    const need = Math.min(at + 8 + MAX_HEADER, this.#limit)
    if (at < this.#start || need > this.#start + this.#length) this.#load(at)
    return decodeHeader(this.#bytes.subarray(0, this.#length), at - this.#start)
  }

  /** The next offset from `from` on where a readable header stands, or null. */
  search(from: number): number | null {
    for (let start = from; start < this.#limit; start += WINDOW - MAGIC.length) {
      this.#load(start)
      const candidates: number[] = []
      const bytes = this.#bytes.subarray(0, this.#length)
      for (let i = bytes.indexOf(MAGIC); i >= 0; i = bytes.indexOf(MAGIC, i + 1)) candidates.push(start + i)
      for (const candidate of candidates) if (this.header(candidate) !== null) return candidate
    }
    return null
  }

  #load(start: number): void {
    this.#start = start
    const want = Math.max(0, Math.min(WINDOW, this.#limit - start))
    this.#length = want === 0 ? 0 : this.#disk.read(this.#fd, this.#bytes.subarray(0, want), start)
  }
}
