import { rm } from 'node:fs/promises'
import { checkLevel } from '../../observe/level-check.ts'
import { LevelIndex } from './index.ts'

/**
 * Opens the index for following, before any other thread opens it. A damaged one (`onDamage` is told what) is erased: it is
 * derived, and the follower builds it again while the answers come from the segments as far as they can. The caller holds
 * the data directory's lock: files another process is writing look damaged.
 */
export async function openIndex(directory: string, onDamage: (message: string) => void): Promise<LevelIndex> {
  const damage = await checkLevel(directory)
  for (const { file, message } of damage) onDamage(`index ${file}: ${message}; it is built again`)
  if (damage.length === 0) {
    try {
      return await LevelIndex.open(directory)
    } catch (error) {
      // Another process holds the folder: erasing it would take the index from under that one.
      if (isLocked(error)) throw error
      onDamage('the index cannot be opened; it is built again')
    }
  }
  await rm(directory, { recursive: true, force: true })
  return LevelIndex.open(directory)
}

function isLocked(error: unknown): boolean {
  for (let each = error as { code?: unknown; cause?: unknown } | undefined; each !== undefined && each !== null; each = each.cause as typeof each) {
    if (each.code === 'LEVEL_LOCKED') return true
  }
  return false
}
