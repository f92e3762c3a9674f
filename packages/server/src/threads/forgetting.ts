import type { Worker } from 'node:worker_threads'
import { SealtrailError } from '../errors.ts'

/** Has the index thread forget records before their segments are removed. @returns resolves once it has */
export function forgettingIn(worker: () => Worker | null): (log: string, first: number, records: readonly Uint8Array[]) => Promise<void> {
  let next = 0
  return (log, first, records) =>
    new Promise((resolve, reject) => {
      const indexer = worker()
      const failed = (): void => reject(new SealtrailError('INDEX_BEHIND', 'the index could not forget what expires, so it stays'))
      if (indexer === null) return failed()
      const id = next++
      const listen = (message: { forgotten?: number; failed?: boolean }): void => {
        if (message?.forgotten !== id) return
        indexer.off('message', listen)
        if (message.failed === true) failed()
        else resolve()
      }
      indexer.on('message', listen)
      // Copies: these are views into a whole segment.
      indexer.postMessage({ forget: id, log, first, records: records.map((bytes) => Uint8Array.from(bytes)) })
    })
}
