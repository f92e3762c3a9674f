import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { SealtrailError } from '../errors.ts'
import { searchFiles } from '../privacy/search.ts'
import type { Pattern } from '../privacy/work-file.ts'

/** The thread that looks for what an erasure destroyed. */
export interface SearchWorkerData {
  readonly folder: string
  readonly patterns: readonly Pattern[]
  readonly except: readonly string[]
}

const port = parentPort as MessagePort
const { folder, patterns, except } = workerData as SearchWorkerData
try {
  const searched = await searchFiles(folder, patterns, except, (bytes) => port.postMessage({ bytes }))
  port.postMessage({ searched })
} catch (error) {
  port.postMessage({
    failed: error instanceof SealtrailError ? { code: error.code, message: error.message } : { code: 'INTERNAL', message: 'the search ended' },
  })
}
