import { rm } from 'node:fs/promises'
import { Follower } from '../follower.ts'
import type { FollowerDeps } from '../follower.ts'
import { LevelIndex } from './index.ts'

export interface RebuildDeps extends Pick<FollowerDeps, 'records' | 'tokens'> {
  onProgress(done: number, total: number): void
}

/**
 * Erases the index folder and builds it again from segments and vault; resolves to the number of records in it. No other
 * thread may have the folder open. Stopped half-way, it goes on from there when the server starts.
 * @throws what reading the segments throws
 */
export async function rebuildIndex(directory: string, { records, tokens, onProgress }: RebuildDeps): Promise<number> {
  await rm(directory, { recursive: true, force: true })
  const index = await LevelIndex.open(directory)
  const logs = records.logs()
  const total = logs.reduce((sum, log) => sum + records.size(log), 0)
  const done = (): number => logs.reduce((sum, log) => sum + index.size(log), 0)
  let failure: { readonly error: unknown } | null = null
  const follower = new Follower({
    index,
    records,
    tokens,
    onProgress: () => onProgress(done(), total),
    onFailure: (error) => {
      failure = { error }
    },
  })
  try {
    await follower.catchUp()
    if (failure !== null) throw (failure as { readonly error: unknown }).error
    return done()
  } finally {
    await index.close()
  }
}
