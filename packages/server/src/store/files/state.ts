import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { Lock } from '../store.ts'
import type { Disk } from './disk.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants
/** `<object name>.state`: what was declared of an object after it was written. */
const STATE = '.state'
const FORMAT = 'sealtrail/lock/1'
const MAX_BYTES = 4096

/** A lock made longer, or a legal hold, declared after the object was written. */
export interface State {
  readonly lock: Lock | null
  readonly legalHold: boolean
}

export function isStateName(name: string): boolean {
  return name.endsWith(STATE)
}

/**
 * Side files of one folder, `<object name>.state`, one line each: canonical JSON, space, CRC-32 of it (8 hex), newline.
 *   {"format":"sealtrail/lock/1","hold":true,"mode":"COMPLIANCE","name":"…","retainuntil":"2033-01-01T00:00:00.000Z"}
 * What the object's own header declares holds where there is none. Declared, not enforced.
 */
export class StateFiles {
  readonly #disk: Disk
  readonly #folder: string

  constructor(disk: Disk, folder: string) {
    this.#disk = disk
    this.#folder = folder
  }

  /** What was declared later, or null. A damaged file counts as a hold: nothing is removed on the word of half a line. attacker: who can write the files. */
  read(name: string): State | null {
    let fd: number
    try {
      fd = this.#disk.open(this.#path(name), O_RDONLY)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
    try {
      const bytes = Buffer.allocUnsafe(Math.min(this.#disk.stat(fd).size, MAX_BYTES))
      return parse(bytes.toString('latin1', 0, this.#disk.read(fd, bytes, 0)), name) ?? { lock: null, legalHold: true }
    } finally {
      this.#disk.close(fd)
    }
  }

  /** Durable when it returns; a crash leaves the old state or the new one. */
  async write(name: string, state: State): Promise<void> {
    const temporary = `${this.#folder}/.new-${randomBytes(8).toString('hex')}`
    const fd = this.#disk.open(temporary, O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0o600)
    const bytes = Buffer.from(format(state, name), 'latin1')
    try {
      if ((await this.#disk.append(fd, [bytes])) !== bytes.length) throw new Error('written in part')
      await this.#disk.datasync(fd)
      // Dying before this line: the old state holds. After it and before the sync of the folder: one of the two.
      this.#disk.rename(temporary, this.#path(name))
    } catch (error) {
      this.#disk.remove(temporary)
      throw error
    } finally {
      this.#disk.close(fd)
    }
    this.#disk.syncDirectory(this.#folder)
  }

  remove(name: string): void {
    this.#disk.remove(this.#path(name))
  }

  #path(name: string): string {
    return `${this.#folder}/${name}${STATE}`
  }
}

function format({ lock, legalHold }: State, name: string): string {
  const json = JSON.stringify({
    format: FORMAT,
    hold: legalHold,
    mode: lock?.mode ?? null,
    name,
    retainuntil: lock === null ? null : new Date(lock.retainUntilMs).toISOString(),
  })
  return `${json} ${crc32(json).toString(16).padStart(8, '0')}\n`
}

function parse(line: string, expected: string): State | null {
  try {
    const { format: of, hold, mode, name, retainuntil } = JSON.parse(line.slice(0, line.lastIndexOf('}') + 1)) as Record<string, unknown>
    if (of !== FORMAT || name !== expected || typeof hold !== 'boolean') return null
    const retainUntilMs = typeof retainuntil === 'string' ? Date.parse(retainuntil) : Number.NaN
    const lock = (mode === 'COMPLIANCE' || mode === 'GOVERNANCE') && Number.isFinite(retainUntilMs) ? { mode, retainUntilMs } : null
    const state: State = { lock: lock as Lock | null, legalHold: hold }
    return line === format(state, expected) ? state : null
  } catch {
    return null
  }
}
