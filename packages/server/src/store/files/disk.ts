import * as fs from 'node:fs'
import { promisify } from 'node:util'

/**
 * The few calls the file store makes of the operating system, so that a test can let each of them fail. Every call throws
 * the system's own error (`code` ENOSPC, EIO, EROFS, …).
 */
export interface Disk {
  open(path: string, flags: number, mode?: number): number
  close(fd: number): void
  /** One gathered write at the end of an O_APPEND file; resolves to the bytes written, fewer than asked when the disk is full. */
  append(fd: number, parts: readonly Uint8Array[]): Promise<number>
  datasync(fd: number): Promise<void>
  /** Fills `into` from `position`; returns the bytes read, fewer at the end of the file. */
  read(fd: number, into: Uint8Array, position: number): number
  /** Size in bytes, and whether the file still takes writes (mode bits; root could, we do not). */
  stat(fd: number): { size: number; writable: boolean }
  /** Makes the file read-only (0444). */
  freeze(fd: number): void
  /** Gives the finished temporary file its name, failing if the name is taken; the temporary name is gone afterwards. */
  link(from: string, to: string): void
  /** Puts one file in the place of another, in one step. */
  rename(from: string, to: string): void
  remove(path: string): void
  /** Names in a directory, ascending; none when it does not exist. */
  names(path: string): string[]
  /** Makes the directory and its parents, each made durable. */
  makeDirectory(path: string): void
  /** Makes names created in the directory durable. */
  syncDirectory(path: string): void
}

const writev = promisify(fs.writev)
/** Copying so little into the page cache takes less than sending it to another thread and back. */
const AT_ONCE = 256 * 1024
const fdatasync = promisify(fs.fdatasync)

export const nodeDisk: Disk = {
  open: (path, flags, mode) => fs.openSync(path, flags, mode),
  close: (fd) => fs.closeSync(fd),
  append: async (fd, parts) =>
    parts.reduce((sum, part) => sum + part.length, 0) <= AT_ONCE ? fs.writevSync(fd, parts) : (await writev(fd, parts)).bytesWritten,
  datasync: (fd) => fdatasync(fd),
  read(fd, into, position) {
    let done = 0
    while (done < into.length) {
      const n = fs.readSync(fd, into, done, into.length - done, position + done)
      if (n === 0) break
      done += n
    }
    return done
  },
  stat(fd) {
    const { size, mode } = fs.fstatSync(fd)
    return { size, writable: (mode & 0o222) !== 0 }
  },
  freeze: (fd) => fs.fchmodSync(fd, 0o444),
  link(from, to) {
    fs.linkSync(from, to)
    fs.unlinkSync(from)
  },
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path, { force: true }),
  names(path) {
    try {
      return fs.readdirSync(path).sort()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  },
  makeDirectory(path) {
    if (fs.existsSync(path)) return
    const parent = path.slice(0, Math.max(1, path.lastIndexOf('/')))
    if (parent !== path) this.makeDirectory(parent)
    try {
      fs.mkdirSync(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    this.syncDirectory(parent)
  },
  syncDirectory(path) {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  },
}

/** A short reason for a failed call: the system's code, never a path. */
export function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' ? code : error instanceof Error ? error.message : 'unknown'
}
