import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { SealtrailError } from '../errors.ts'

/**
 * Runs `work` while no server can open the data directory: a running one holds the ledger's lock.
 * @throws SealtrailError DATA_IN_USE when a server holds it, NOT_FOUND when it is no data directory
 */
export async function holdDirectory<T>(data: string, work: () => T | Promise<T>): Promise<T> {
  const folder = join(data, 'ledger')
  if (!existsSync(folder)) throw new SealtrailError('NOT_FOUND', 'this is no data directory: it has no ledger')
  const ledger = new ClassicLevel(folder, { createIfMissing: false, compression: false })
  try {
    await ledger.open()
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause
    if (cause?.code === 'LEVEL_LOCKED') throw new SealtrailError('DATA_IN_USE', 'a server holds the data directory; stop it first', { cause: error })
    // Damaged: it is rebuilt at the next start, and nobody else can have it open.
    return work()
  }
  try {
    return await work()
  } finally {
    await ledger.close()
  }
}
