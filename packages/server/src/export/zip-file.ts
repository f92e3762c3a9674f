import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, unlinkSync } from 'node:fs'
import { crc32, deflateRawSync } from 'node:zlib'
import type { BundleFile } from '@sealtrail/evidence'
import { writeAll } from './spool.ts'
import type { Spool } from './spool.ts'

/**
 * Writes a zip (APPNOTE 6.3.10) from front to back, sizes always before the bytes, no comments, no times but one. Beyond 4 GiB
 * or 65,534 files it is a zip64:
 *
 *   50 4B 03 04 · version · 0 · method · time · date · crc · packed · size · name length · extra length · name · [zip64 extra] · bytes
 */
export class ZipFile {
  readonly #fd: number
  readonly #path: string
  readonly #stamp: readonly [number, number]
  readonly #hash = createHash('sha256')
  readonly #central: Buffer[] = []
  readonly #files: BundleFile[] = []
  #at = 0

  /** @param nowMs the one time all entries carry, to two seconds. */
  constructor(path: string, nowMs: number) {
    this.#path = path
    this.#fd = openSync(path, 'wx', 0o600)
    const at = new Date(nowMs)
    this.#stamp = [
      (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
      (Math.max(0, at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    ]
  }

  /** What was added so far, by path. */
  files(): BundleFile[] {
    return [...this.#files].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Adds a small file; hashes and tokens are not worth packing. */
  add(name: string, content: string | Uint8Array, pack = true): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const packed = pack ? deflateRawSync(bytes, { level: 6 }) : bytes
    const method = pack && packed.length < bytes.length ? 8 : 0
    const body = method === 8 ? packed : bytes
    this.#header({ name, method, crc: crc32(bytes), packed: body.length, size: bytes.length })
    this.#write(body)
    this.#files.push({ path: name, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
  }

  /** Adds a file that was ended. */
  addSpool(name: string, spool: Spool): void {
    this.#header({ name, method: 8, crc: spool.crc, packed: spool.packed, size: spool.size })
    for (const piece of spool.pieces()) this.#write(piece)
    this.#files.push({ path: name, size: spool.size, sha256: spool.sha256 })
  }

  /** Writes the directory, makes the file durable; returns its size and hex SHA-256. */
  end(): { size: number; sha256: string } {
    const start = this.#at
    for (const header of this.#central) this.#write(header)
    this.#write(endRecords(this.#central.length, this.#at - start, start))
    fsyncSync(this.#fd)
    closeSync(this.#fd)
    return { size: this.#at, sha256: this.#hash.digest('hex') }
  }

  /** Gives it up. */
  abort(): void {
    closeSync(this.#fd)
    unlinkSync(this.#path)
  }

  #header(entry: { name: string; method: number; crc: number; packed: number; size: number }): void {
    const { name, method, crc, packed, size } = entry
    const wide = packed >= 0xffffffff || size >= 0xffffffff
    const far = this.#at >= 0xffffffff
    const path = Buffer.from(name, 'latin1')
    const common = Buffer.alloc(22)
    common.writeUInt16LE(wide || far ? 45 : 20, 0)
    common.writeUInt16LE(method, 4)
    common.writeUInt16LE(this.#stamp[0], 6)
    common.writeUInt16LE(this.#stamp[1], 8)
    common.writeUInt32LE(crc, 10)
    common.writeUInt32LE(wide ? 0xffffffff : packed, 14)
    common.writeUInt32LE(wide ? 0xffffffff : size, 18)
    const local = wide ? extra([size, packed]) : Buffer.alloc(0)
    const central = wide || far ? extra([...(wide ? [size, packed] : []), ...(far ? [this.#at] : [])]) : Buffer.alloc(0)
    const lengths = (more: Buffer): Buffer => u16(path.length, more.length)
    this.#central.push(
      Buffer.concat([
        // Made on Unix: the upper half of the attributes is a mode, -rw-------.
        u32(0x02014b50),
        u16((3 << 8) | 45),
        common,
        lengths(central),
        u16(0, 0, 0),
        u32(0o100600 * 0x10000, far ? 0xffffffff : this.#at),
        path,
        central,
      ]),
    )
    this.#write(Buffer.concat([u32(0x04034b50), common, lengths(local), path, local]))
  }

  #write(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#at += writeAll(this.#fd, bytes, this.#at)
  }
}

function endRecords(count: number, bytes: number, at: number): Buffer {
  const wide = count >= 0xffff || bytes >= 0xffffffff || at >= 0xffffffff
  const start = at + bytes
  const records: Buffer[] = []
  if (wide) {
    records.push(u32(0x06064b50), u64(44), u16((3 << 8) | 45, 45), u32(0, 0), u64(count, count, bytes, at))
    records.push(u32(0x07064b50, 0), u64(start), u32(1))
  }
  const short = Math.min(count, 0xffff)
  records.push(u32(0x06054b50), u16(0, 0, short, short), u32(Math.min(bytes, 0xffffffff), Math.min(at, 0xffffffff)), u16(0))
  return Buffer.concat(records)
}

function extra(values: readonly number[]): Buffer {
  return Buffer.concat([u16(1, values.length * 8), u64(...values)])
}

function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  values.forEach((value, i) => bytes.writeUInt16LE(value, 2 * i))
  return bytes
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i))
  return bytes
}

function u64(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt(value), 8 * i))
  return bytes
}
