import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { syncFolder, unwritable, writeNew } from '../../durable-file.ts'
import { SealtrailError } from '../../errors.ts'

/** A folder of secret files: 0700, its files 0600, each file written once and never overwritten. */

const WHAT = 'the keyring'

/** True when there is a folder at the path that holds at least one file. */
export function folderExists(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw unwritable(WHAT, error)
  }
}

/**
 * Makes the folder with all files in it, at once: they are written and synced beside it, then the folder is renamed into place.
 * A crash leaves either nothing or everything. Returns false when there was a folder with files already, which is left as it was.
 */
export function createFolder(folder: string, files: ReadonlyMap<string, string>, unique: string): boolean {
  const beside = `${folder}.new-${unique}`
  try {
    mkdirSync(dirname(folder), { recursive: true })
    mkdirSync(beside, { mode: 0o700 })
    chmodSync(beside, 0o700)
    for (const [name, text] of files) writeNew(join(beside, name), text)
    syncFolder(beside)
    renameSync(beside, folder) // replaces an empty folder, fails on one that holds files
    syncFolder(dirname(folder))
    return true
  } catch (error) {
    rmSync(beside, { recursive: true, force: true })
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    throw unwritable(WHAT, error)
  }
}

/** Adds one file, durably and whole; fails rather than overwrite. @throws SealtrailError DATA_UNWRITABLE. */
export function addFile(folder: string, name: string, text: string, unique: string): void {
  const beside = join(folder, `.new-${unique}`)
  try {
    writeNew(beside, text)
    linkSync(beside, join(folder, name)) // unlike rename, refuses an existing name
    unlinkSync(beside)
    syncFolder(folder)
  } catch (error) {
    rmSync(beside, { force: true })
    throw unwritable(WHAT, error)
  }
}

/** Replaces one file at once, durably: after a crash it is the old one or the new one. @throws SealtrailError DATA_UNWRITABLE. */
export function replaceFile(folder: string, name: string, text: string, unique: string): void {
  const beside = join(folder, `.new-${unique}`)
  try {
    writeNew(beside, text)
    renameSync(beside, join(folder, name))
    syncFolder(folder)
  } catch (error) {
    rmSync(beside, { force: true })
    throw unwritable(WHAT, error)
  }
}

/** Removes one file, durably, where it is there; what was written over its place on the disk is the disk's affair. @throws SealtrailError DATA_UNWRITABLE. */
export function removeFile(folder: string, name: string): void {
  try {
    rmSync(join(folder, name), { force: true })
    syncFolder(folder)
  } catch (error) {
    throw unwritable(WHAT, error)
  }
}

/** All files of the folder but unfinished ones. @throws SealtrailError KEY_PERMISSIONS when group or others may do anything with it. */
export function readFolder(folder: string): Map<string, string> {
  try {
    const place = lstatSync(folder)
    if (!place.isDirectory() || (place.mode & 0o077) !== 0) throw open('folder', place.mode)
    const files = new Map<string, string>()
    for (const name of readdirSync(folder).sort()) {
      if (name.startsWith('.new-')) continue
      const file = openSync(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW)
      try {
        const stat = fstatSync(file)
        if (!stat.isFile() || (stat.mode & 0o077) !== 0) throw open(name, stat.mode)
        files.set(name, readFileSync(file, 'utf8'))
      } finally {
        closeSync(file)
      }
    }
    return files
  } catch (error) {
    if (error instanceof SealtrailError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw open('a symbolic link', 0o777)
    throw new SealtrailError('KEY_UNKNOWN', `the keyring cannot be read: ${(error as NodeJS.ErrnoException).code}`, { cause: error })
  }
}

function open(what: string, mode: number): SealtrailError {
  return new SealtrailError('KEY_PERMISSIONS', `the keyring (${what}) has mode ${(mode & 0o777).toString(8)}; only its owner may read it`)
}
