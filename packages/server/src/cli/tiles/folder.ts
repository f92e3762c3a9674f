import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { formatTilePath, type Tile } from '@sealtrail/tlog'
import { SealtrailError } from '../../errors.ts'

/**
 * One log as static files, `FOLDER/checkpoint` and `FOLDER/tile/…`, uncompressed, as C2SP tlog-tiles names them: any web
 * server that serves files serves the log, and `file://` reads it too. A file appears whole or not at all, and what stands
 * is never changed.
 */
export class TileFolder {
  readonly #folder: string
  readonly #made = new Set<string>()
  written = 0
  kept = 0
  bytes = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The checkpoint of an earlier run, or null. */
  checkpoint(): string | null {
    return this.#read('checkpoint')?.toString('utf8') ?? null
  }

  setCheckpoint(note: string): void {
    this.#write('checkpoint', Buffer.from(note), { flush: true })
  }

  /** The tile an earlier run has written, or null. Empty is what a power loss leaves behind. */
  read(tile: Tile): Buffer | null {
    const bytes = this.#read(formatTilePath(tile))
    return bytes === null || bytes.length === 0 ? null : bytes
  }

  /** Puts a tile where there is none yet. @throws SealtrailError ALREADY_WRITTEN when there is another */
  put(tile: Tile, bytes: Uint8Array): void {
    const standing = this.read(tile)
    if (standing === null) {
      this.#write(formatTilePath(tile), bytes)
      this.written++
      this.bytes += bytes.length
    } else if (standing.equals(bytes)) this.kept++
    else throw this.differs(tile)
    // A log may delete a partial tile once the full one is there (c2sp.org/tlog-tiles); clients fall back to that.
    if (tile.width === 256) rmSync(join(this.#folder, `${formatTilePath(tile)}.p`), { recursive: true, force: true })
  }

  differs(tile: Tile): SealtrailError {
    return new SealtrailError(
      'ALREADY_WRITTEN',
      `${join(this.#folder, formatTilePath(tile))} holds other bytes than the log: find out why; moved away, it is written anew`,
    )
  }

  #read(path: string): Buffer | null {
    const file = join(this.#folder, path)
    return existsSync(file) ? readFileSync(file) : null
  }

  #write(path: string, bytes: Uint8Array, options: { flush?: boolean } = {}): void {
    const file = join(this.#folder, path)
    const folder = dirname(file)
    if (!this.#made.has(folder)) {
      mkdirSync(folder, { recursive: true })
      this.#made.add(folder)
    }
    writeFileSync(`${file}.next`, bytes, options)
    renameSync(`${file}.next`, file)
  }
}
