import { close, fdatasync, fsync, ftruncate, mkdir, open, readFile, readdir, unlink, write, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crashPoint } from '../../observe/crash-point.ts'
import { corrupt } from './failure.ts'
import { FILE_HEADER, fileHeader } from './frame.ts'

const writeElsewhere = promisify(write)
/** Copying so little into the page cache takes less than sending it to another thread and back. */
const AT_ONCE = 256 * 1024

/** The system calls the journal makes; on descriptors, as a file handle would close itself when collected. */
export const io: {
  open(path: string, flags: string, mode?: number): Promise<number>
  close(fd: number): Promise<void>
  write(fd: number, bytes: Buffer, from: number, length: number, offset: number): Promise<{ bytesWritten: number }>
  fsync(fd: number): Promise<void>
  fdatasync(fd: number): Promise<void>
  truncate(fd: number, length: number): Promise<void>
  readFile(file: number | string): Promise<Buffer>
  readdir(path: string): Promise<string[]>
  mkdir(path: string, options: { mode: number }): Promise<void>
  unlink(path: string): Promise<void>
} = {
  open: promisify(open),
  close: promisify(close),
  write: async (fd, bytes, from, length, offset) =>
    length <= AT_ONCE ? { bytesWritten: writeSync(fd, bytes, from, length, offset) } : writeElsewhere(fd, bytes, from, length, offset),
  fsync: promisify(fsync),
  fdatasync: promisify(fdatasync),
  truncate: promisify(ftruncate),
  readFile: promisify(readFile),
  readdir: promisify(readdir),
  mkdir: promisify(mkdir),
  unlink: promisify(unlink),
}

/** Numbers of the journal files, ascending. @throws SealtrailError DATA_CORRUPT when one is missing between two. */
export async function listFiles(folder: string): Promise<number[]> {
  const files = (await io.readdir(folder)).filter((name) => /^\d{8}\.journal$/.test(name)).map((name) => Number.parseInt(name, 10))
  files.sort((a, b) => a - b)
  for (let i = 1; i < files.length; i++) {
    if (files[i] !== (files[i - 1] ?? 0) + 1) throw corrupt((files[i - 1] ?? 0) + 1, 0, 'is missing')
  }
  return files
}

/** Path of a journal file. */
export function pathOf(folder: string, file: number): string {
  return join(folder, `${String(file).padStart(8, '0')}.journal`)
}

/** Creates a file with its header; both the file and its name survive power loss. */
export async function createFile(folder: string, file: number): Promise<number> {
  const fd = await io.open(pathOf(folder, file), 'wx+', 0o600)
  try {
    crashPoint('journal:created')
    // Dying here: an empty last file, which opening gives its header.
    await writeAll(fd, fileHeader(file), FILE_HEADER, 0)
    await io.fsync(fd)
    await syncFolder(folder)
  } catch (error) {
    await io.close(fd)
    // Nothing was acknowledged in it, and its number is needed again once there is room.
    await io.unlink(pathOf(folder, file)).catch(() => {})
    throw error
  }
  return fd
}

/** Makes names created and deleted in the folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const fd = await io.open(folder, 'r')
  try {
    await io.fsync(fd)
  } finally {
    await io.close(fd)
  }
}

/** Writes the first `length` bytes at the offset, in as many calls as the system needs. */
export async function writeAll(fd: number, bytes: Buffer, length: number, offset: number): Promise<void> {
  let done = 0
  while (done < length) {
    const { bytesWritten } = await io.write(fd, bytes, done, length - done, offset + done)
    done += bytesWritten
  }
}
