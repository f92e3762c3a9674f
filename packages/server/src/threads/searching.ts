import { Worker } from 'node:worker_threads'
import { SealtrailError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { Searched } from '../privacy/search.ts'
import type { SearchWorkerData } from './search-worker.ts'

interface Said {
  readonly bytes?: number
  readonly searched?: Searched
  readonly failed?: { readonly code: ErrorCode; readonly message: string }
}

/** Searches in a thread of its own, so that sealing goes on. @param ended ends it early; it then rejects with NOT_READY. @throws SealtrailError as `searchFiles` */
export function searchInThread(what: SearchWorkerData, onProgress: (bytes: number) => void, ended: AbortSignal): Promise<Searched> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './search-worker.ts' : './search-worker.js', import.meta.url), { workerData: what })
    const end = (): void => void worker.terminate()
    ended.addEventListener('abort', end)
    worker.on('message', ({ bytes, searched, failed }: Said) => {
      if (bytes !== undefined) onProgress(bytes)
      if (searched !== undefined) resolve(searched)
      if (failed !== undefined) reject(new SealtrailError(failed.code, failed.message))
    })
    worker.once('error', reject)
    worker.once('exit', () => {
      ended.removeEventListener('abort', end)
      reject(new SealtrailError('NOT_READY', 'the search ended before its end'))
    })
  })
}
