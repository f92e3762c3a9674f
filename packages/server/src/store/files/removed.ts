import { constants } from 'node:fs'
import type { Disk } from './disk.ts'

const { O_APPEND, O_CREAT, O_RDONLY, O_RDWR } = constants
const LINE = /^\d{20}-[0-9a-f]{32}$/

/**
 * `<append file>.removed`: names of its segments that were removed once their lock had ended, one a line. The bytes go when
 * all segments of the file are named; until then they lie there and are not handed out.
 */
export class RemovedList {
  readonly #disk: Disk
  readonly #path: string
  readonly #names = new Set<string>()
  #read = 0

  constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
  }

  get isEmpty(): boolean {
    return this.#names.size === 0
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** Takes in what was added since the last call, by whoever; returns the names that are new. attacker: who can write the files can hide segments, which `verify` finds. */
  refresh(): string[] {
    let fd: number
    try {
      fd = this.#disk.open(this.#path, O_RDONLY)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    try {
      const bytes = Buffer.allocUnsafe(Math.max(0, this.#disk.stat(fd).size - this.#read))
      const text = bytes.toString('latin1', 0, this.#disk.read(fd, bytes, this.#read))
      // A last line without its newline was never acknowledged.
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      this.#read += whole.length
      const fresh = whole.split('\n').filter((name) => LINE.test(name) && !this.#names.has(name))
      for (const name of fresh) this.#names.add(name)
      return fresh
    } finally {
      this.#disk.close(fd)
    }
  }

  /** Durable when it resolves. */
  async add(name: string): Promise<void> {
    const fd = this.#disk.open(this.#path, O_RDWR | O_APPEND | O_CREAT, 0o600)
    try {
      // Ends whatever a crash cut off; an empty line is none.
      const line = Buffer.from(`\n${name}\n`, 'latin1')
      if ((await this.#disk.append(fd, [line])) !== line.length) throw new Error('written in part')
      await this.#disk.datasync(fd)
    } finally {
      this.#disk.close(fd)
    }
  }

  discard(): void {
    this.#disk.remove(this.#path)
  }
}
