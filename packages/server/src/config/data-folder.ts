import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { SealtrailError } from '../errors.ts'

/** Makes the data directory where it is missing, for its owner alone. @throws SealtrailError DATA_UNWRITABLE */
export function makeDataFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SealtrailError('DATA_UNWRITABLE', `the data directory cannot be made: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

/** Whether there is a file of the journal in its folder. */
export function hasJournal(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.journal'))
}
