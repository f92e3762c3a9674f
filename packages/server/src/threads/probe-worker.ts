import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { openStoreToProbe } from '../config/open-store.ts'
import type { Stored } from '../config/open-store.ts'
import { SealtrailError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { Probe, ProbeEnv } from '../store/store.ts'

/** One probe in a thread of its own, which no commit waits for; the thread ends with it. */
export type ProbeWorkerData = Stored
export type ProbeAnswer = { readonly probe: Probe } | { readonly error: { readonly code: ErrorCode; readonly message: string } }

const env: ProbeEnv = {
  now: Date.now,
  random: randomBytes,
  pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
}

async function answer(): Promise<ProbeAnswer> {
  try {
    const store = await openStoreToProbe(workerData as ProbeWorkerData)
    try {
      return { probe: await store.probe(env) }
    } finally {
      await store.close()
    }
  } catch (error) {
    const known = error instanceof SealtrailError
    return { error: { code: known ? error.code : 'INTERNAL', message: known ? error.message : error instanceof Error ? error.name : 'unknown' } }
  }
}

const port = parentPort as MessagePort
port.postMessage(await answer())
