import type { Worker } from 'node:worker_threads'
import { SealtrailError } from '../errors.ts'
import type { Forgotten } from '../index/index.ts'
import type { LevelThreads } from './level-threads.ts'

/** What the index thread can be asked to forget. */
export type ToForget =
  /** Records before their segments are removed. */
  | { readonly log: string; readonly first: number; readonly records: readonly Uint8Array[] }
  /** Tokens of records whose person is erased. */
  | { readonly log: string; readonly tokensOf: readonly Forgotten[] }
  /** What was forgotten, in all its files. */
  | 'scrub'

/**
 * No file of the index holds forgotten tokens any more. It is opened anew before, so that no reader has LevelDB keep what was
 * deleted, and after, since its list of files and its log name keys of the tables that were.
 * @param scrub in the thread that forgot
 */
export function scrubbing(folder: string, threads: LevelThreads, scrub: () => Promise<void>): () => Promise<void> {
  return async () => {
    await threads.renew(folder)
    await scrub()
    await threads.renew(folder)
  }
}

/** Has the index thread forget. @returns resolves once it has. @throws SealtrailError INDEX_BEHIND: it could not */
export function forgettingIn(worker: () => Worker | null): (what: ToForget) => Promise<void> {
  let next = 0
  return (what) =>
    new Promise((resolve, reject) => {
      const indexer = worker()
      const failed = (): void => reject(new SealtrailError('INDEX_BEHIND', 'the index could not forget what is to go'))
      if (indexer === null) return failed()
      const id = next++
      const listen = (message: { forgotten?: number; failed?: boolean }): void => {
        if (message?.forgotten !== id) return
        indexer.off('message', listen)
        if (message.failed === true) failed()
        else resolve()
      }
      indexer.on('message', listen)
      // Copies: records are views into a whole segment.
      indexer.postMessage({
        forget: id,
        what: typeof what === 'object' && 'records' in what ? { ...what, records: what.records.map((bytes) => Uint8Array.from(bytes)) } : what,
      })
    })
}
