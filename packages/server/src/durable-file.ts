import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SealtrailError } from './errors.ts'

/**
 * Replaces a small file, mode 0600, in a folder that is made where it is missing; after a power loss it holds either the
 * old text or the new one. One writer at a time. @param what names it in the error. @throws SealtrailError DATA_UNWRITABLE
 */
export function replaceDurably(path: string, text: string, what: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeSynced(openSync(`${path}.next`, 'w', 0o600), text)
    renameSync(`${path}.next`, path)
    syncFolder(dirname(path))
  } catch (cause) {
    throw unwritable(what, cause)
  }
}

/** As `replaceDurably`, for a file that must not be there yet. @throws SealtrailError DATA_UNWRITABLE, also when it is */
export function createDurably(path: string, text: string, what: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeNew(path, text)
    syncFolder(dirname(path))
  } catch (cause) {
    throw unwritable(what, cause)
  }
}

/** Writes a new file, mode 0600, and syncs it; its name lasts once `syncFolder` has run. @throws the system's error, EEXIST when it is there */
export function writeNew(path: string, text: string): void {
  writeSynced(openSync(path, 'wx', 0o600), text)
}

/** Writes the whole text to an open file, syncs and closes it. @throws the system's error; it is closed then too */
export function writeSynced(file: number, text: string): void {
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Makes lasting which names a folder holds. @throws the system's error */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** `<what> cannot be written (<the system's code>)`. */
export function unwritable(what: string, cause: unknown): SealtrailError {
  return new SealtrailError('DATA_UNWRITABLE', `${what} cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, { cause })
}
