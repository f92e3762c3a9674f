import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32, createDeflateRaw } from 'node:zlib'
import type { DeflateRaw } from 'node:zlib'
import { SealtrailError } from '../errors.ts'

const PIECE = 128 * 1024
/** An export never takes the last of the disk: sealing needs it. */
const LEAVE_FREE = 256 * 2 ** 20
const LOOK_EVERY = 16 * 2 ** 20

/** @throws SealtrailError DATA_UNWRITABLE when little room is left on the disk of the folder */
export function assertRoom(folder: string): void {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < LEAVE_FREE) throw new SealtrailError('DATA_UNWRITABLE', 'an export would leave less than 256 MiB of the disk free')
}

/**
 * One file of a bundle while it is written: several grow side by side, and a zip takes them one after the other, so each is
 * packed into a file of its own first. Memory: two pieces. Readable by the server's user only, as it may hold personal values.
 */
export class Spool {
  readonly path: string
  size = 0
  packed = 0
  crc = 0
  readonly #fd: number
  readonly #deflate: DeflateRaw = createDeflateRaw({ level: 3, chunkSize: PIECE })
  readonly #hash = createHash('sha256')
  #piece: Buffer = Buffer.allocUnsafeSlow(PIECE)
  #filled = 0
  #looked = 0
  #failure: unknown = null
  #sha256: string | null = null

  constructor(path: string) {
    this.path = path
    this.#fd = openSync(path, 'wx+', 0o600)
    this.#deflate.on('data', (chunk: Buffer) => {
      try {
        if (this.#failure === null) this.packed += writeAll(this.#fd, chunk, this.packed)
      } catch (error) {
        this.#failure = error
      }
    })
    this.#deflate.on('error', (error) => (this.#failure ??= error))
  }

  /** Lower-case hex; known once ended. */
  get sha256(): string {
    if (this.#sha256 === null) throw new SealtrailError('INTERNAL', 'a file of an export was not ended')
    return this.#sha256
  }

  /** Appends a line and its newline. */
  async line(text: string | Uint8Array): Promise<void> {
    const length = typeof text === 'string' ? Buffer.byteLength(text) : text.length
    if (this.#filled + length + 1 > PIECE) await this.#flush()
    if (length + 1 > PIECE) {
      await this.#push(Buffer.concat([typeof text === 'string' ? Buffer.from(text) : text, Buffer.of(0x0a)]))
      return
    }
    if (typeof text === 'string') this.#piece.write(text, this.#filled, 'utf8')
    else this.#piece.set(text, this.#filled)
    this.#filled += length
    this.#piece[this.#filled++] = 0x0a
  }

  async end(): Promise<void> {
    await this.#flush()
    await new Promise<void>((resolve) => {
      this.#deflate.once('end', resolve)
      this.#deflate.once('error', () => resolve())
      this.#deflate.end()
    })
    if (this.#failure !== null) throw this.#failure
    this.#sha256 = this.#hash.digest('hex')
  }

  /** The packed bytes, piece by piece; the buffer is reused. */
  *pieces(): Generator<Uint8Array, void, undefined> {
    for (let at = 0; at < this.packed;) {
      const read = readSync(this.#fd, this.#piece, 0, Math.min(PIECE, this.packed - at), at)
      if (read === 0) throw new SealtrailError('DATA_UNWRITABLE', 'a file of an export became shorter')
      yield this.#piece.subarray(0, read)
      at += read
    }
  }

  close(): void {
    this.#deflate.destroy()
    closeSync(this.#fd)
    unlinkSync(this.path)
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return
    const full = this.#piece.subarray(0, this.#filled)
    this.#filled = 0
    // The stream holds on to what it is given until it is packed.
    await this.#push(Buffer.from(full))
  }

  async #push(bytes: Buffer): Promise<void> {
    this.crc = crc32(bytes, this.crc)
    this.#hash.update(bytes)
    this.size += bytes.length
    if (this.size - this.#looked > LOOK_EVERY) {
      this.#looked = this.size
      assertRoom(dirname(this.path))
    }
    await new Promise<void>((resolve) => {
      this.#deflate.write(bytes, () => resolve())
    })
    if (this.#failure !== null) throw this.#failure
  }
}

/** Writes all of it at `position`, returns its length. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): number {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, position + at)
  return bytes.length
}
