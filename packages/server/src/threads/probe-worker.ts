import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { openStoreToProbe } from '../config/open-store.ts'
import type { Stored } from '../config/open-store.ts'
import { SealtrailError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { Metrics } from '../observe/metrics.ts'
import type { Snapshot } from '../observe/metrics.ts'
import { StoreCounts } from '../store/counted.ts'
import type { Probe, ProbeEnv } from '../store/store.ts'

/** One probe in a thread of its own, which no commit waits for; the thread ends with it. */
export type ProbeWorkerData = Stored
export interface ProbeAnswer {
  readonly outcome: { readonly probe: Probe } | { readonly error: { readonly code: ErrorCode; readonly message: string } }
  /** What it asked of the store. */
  readonly snapshot: Snapshot
}

const env: ProbeEnv = {
  now: Date.now,
  random: randomBytes,
  pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
}

const metrics = new Metrics()

async function outcome(): Promise<ProbeAnswer['outcome']> {
  try {
    const store = await openStoreToProbe(workerData as ProbeWorkerData, { counts: new StoreCounts(metrics) })
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
const answer: ProbeAnswer = { outcome: await outcome(), snapshot: metrics.snapshot() }
port.postMessage(answer)
