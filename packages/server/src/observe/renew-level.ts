import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SealtrailError } from '../errors.ts'
import { releaseLevel, resumeLevel } from './shared-level.ts'

/** A thread that has a LevelDB open. */
export interface LevelHolder {
  release(location: string): Promise<void>
  resume(location: string): Promise<void>
}

export const THIS_THREAD: LevelHolder = { release: releaseLevel, resume: resumeLevel }

const ATTEMPTS = 5

/**
 * Closes a LevelDB in every thread and opens it anew: its list of files then names the tables there are and no other, and its
 * log of what it did is gone. Reads and writes wait meanwhile, some tens of milliseconds.
 * @param holders in the order in which they opened it: the first one's cache serves all, so it goes last and comes first
 * @throws SealtrailError NOT_DURABLE when somebody else kept it open: try again
 */
export async function renewLevel(location: string, holders: readonly LevelHolder[]): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await listOf(location)
    if (before === '') return // there is none
    try {
      for (const holder of holders.toReversed()) await holder.release(location)
      for (const name of ['LOG', 'LOG.old']) await rm(join(location, name), { force: true })
    } finally {
      for (const holder of holders) await holder.resume(location)
    }
    if ((await listOf(location)) !== before) return
  }
  throw new SealtrailError('NOT_DURABLE', 'a database could not be opened anew: another thread keeps it open')
}

/** The name of its list of files: a new one each time it is opened. */
async function listOf(location: string): Promise<string> {
  return readFile(join(location, 'CURRENT'), 'latin1').catch(() => '')
}
