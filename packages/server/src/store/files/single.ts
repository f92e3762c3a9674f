import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { SealtrailError } from '../../errors.ts'
import { crashPoint } from '../../observe/crash-point.ts'
import type { Lock } from '../store.ts'
import { type Disk, reason } from './disk.ts'
import { formatHeader, MAX_HEADER, parseHeader } from './header.ts'
import { isStateName } from './state.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants
/** Beside each object: what was declared of its retention, in the words of an append file's header. */
const LOCK = '.lock'
const TEMPORARY = '.new-'

/** Objects with a file of their own (hash packs): `<folder>/<name>`, read-only, and `<name>.lock` beside it. */
export class SingleFiles {
  readonly #disk: Disk
  readonly #folder: string

  constructor(disk: Disk, folder: string) {
    this.#disk = disk
    this.#folder = folder
  }

  /**
   * Writes the object under a temporary name, makes it durable, then links it to its name, which fails if the name is taken.
   * @throws SealtrailError NOT_DURABLE
   */
  async write(name: string, key: string, bytes: Uint8Array, sha256: string, lock: Lock): Promise<void> {
    try {
      this.#disk.makeDirectory(this.#folder)
      // The declaration goes first: a crash between the two leaves a declaration of nothing, never an undeclared object.
      await this.#write(`${name}${LOCK}`, Buffer.from(formatHeader({ key, size: bytes.length, sha256, lock }), 'latin1'))
      crashPoint('single:declared')
      await this.#write(name, bytes)
      crashPoint('single:linked')
      this.#disk.syncDirectory(this.#folder)
      const back = this.read(name)
      if (back === null || Buffer.compare(back, bytes) !== 0) throw new Error('read back differs')
    } catch (error) {
      throw new SealtrailError('NOT_DURABLE', `object not stored: ${reason(error)}`, { cause: error })
    }
  }

  /** The object's bytes, or null if there is none. */
  read(name: string): Buffer | null {
    let fd: number
    try {
      fd = this.#disk.open(`${this.#folder}/${name}`, O_RDONLY)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
    try {
      const bytes = Buffer.allocUnsafe(this.#disk.stat(fd).size)
      return bytes.subarray(0, this.#disk.read(fd, bytes, 0))
    } finally {
      this.#disk.close(fd)
    }
  }

  /** Size and declared lock of an object, or null when there is none; `lock` null: its declaration cannot be read. */
  declared(name: string): { readonly size: number; readonly lock: Lock | null } | null {
    const size = this.#size(name)
    if (size === null) return null
    const line = this.read(`${name}${LOCK}`)
    const parsed = line === null || line.length > MAX_HEADER ? null : parseHeader(line.toString('latin1'))
    return { size, lock: parsed?.intact === true ? parsed.header.lock : null }
  }

  /** Removes an object and then what was declared of it; that there is none is success. */
  remove(name: string): void {
    this.#disk.remove(`${this.#folder}/${name}`)
    // Dying here leaves a declaration of nothing, as dying within `write` does.
    this.#disk.remove(`${this.#folder}/${name}${LOCK}`)
    if (this.#disk.names(this.#folder).length > 0) this.#disk.syncDirectory(this.#folder)
  }

  #size(name: string): number | null {
    try {
      const fd = this.#disk.open(`${this.#folder}/${name}`, O_RDONLY)
      const { size } = this.#disk.stat(fd)
      this.#disk.close(fd)
      return size
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  /** Names of objects with their sizes, ascending. */
  *list(): IterableIterator<{ name: string; size: number }> {
    for (const name of this.#disk.names(this.#folder)) {
      if (name.startsWith('.') || name.endsWith(LOCK) || isStateName(name)) continue
      const fd = this.#disk.open(`${this.#folder}/${name}`, O_RDONLY)
      const { size } = this.#disk.stat(fd)
      this.#disk.close(fd)
      yield { name, size }
    }
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${this.#folder}/${TEMPORARY}${randomBytes(8).toString('hex')}`
    const fd = this.#disk.open(temporary, O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0o600)
    try {
      const written = await this.#disk.append(fd, [bytes])
      if (written !== bytes.length) throw new Error(`only ${written} bytes written`)
      this.#disk.freeze(fd)
      await this.#disk.datasync(fd)
      this.#disk.link(temporary, `${this.#folder}/${name}`)
    } catch (error) {
      this.#disk.remove(temporary)
      // The same bytes are already there (two writers, or a declaration of an object that was never finished).
      const taken = (error as NodeJS.ErrnoException).code === 'EEXIST' ? this.read(name) : null
      if (taken === null || Buffer.compare(taken, bytes) !== 0) throw error
    } finally {
      this.#disk.close(fd)
    }
  }
}
