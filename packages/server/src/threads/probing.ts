import { Worker } from 'node:worker_threads'
import type { Stored } from '../config/open-store.ts'
import { SealtrailError } from '../errors.ts'
import { mergeSnapshots } from '../observe/metrics.ts'
import type { Snapshot } from '../observe/metrics.ts'
import type { Probe } from '../store/store.ts'
import type { ProbeAnswer, ProbeWorkerData } from './probe-worker.ts'

/** A probe waits for short locks to end; one that takes longer hangs. */
const LIMIT_MS = 10 * 60_000

export interface Probing {
  /** @throws SealtrailError STORE_UNREADABLE and what else the store throws: there was no probe */
  probe(): Promise<Probe>
  /** What all probes so far have asked of the store. */
  snapshot(): Snapshot
  /** Ends a probe under way, which then has failed. */
  end(): Promise<void>
}

/** Probes a store, each time in a thread of its own. */
export function probeInThreads({ data, store }: Stored): Probing {
  const { place, timeoutMs, unlocked, replica = null } = store
  const workerData: ProbeWorkerData = { data, store: { place, timeoutMs, unlocked, replica } }
  const file = import.meta.url.endsWith('.ts') ? './probe-worker.ts' : './probe-worker.js'
  const running = new Set<Worker>()
  let asked: Snapshot = []
  return {
    probe: () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(file, import.meta.url), { workerData })
        running.add(worker)
        const failed = (why: string): void => reject(new SealtrailError('STORE_UNREADABLE', why))
        const limit = setTimeout(() => {
          failed(`the probe did not end within ${LIMIT_MS / 60_000} minutes`)
          void worker.terminate()
        }, LIMIT_MS)
        worker.once('message', ({ outcome, snapshot }: ProbeAnswer) => {
          asked = mergeSnapshots([asked, snapshot])
          if ('probe' in outcome) resolve(outcome.probe)
          else reject(new SealtrailError(outcome.error.code, outcome.error.message))
          void worker.terminate()
        })
        worker.once('error', (error: unknown) => failed(`the probe broke off (${error instanceof Error ? error.name : 'unknown'})`))
        worker.once('exit', () => {
          clearTimeout(limit)
          running.delete(worker)
          failed('the probe was ended')
        })
      }),
    snapshot: () => asked,
    async end() {
      await Promise.all([...running].map((worker) => worker.terminate()))
    },
  }
}
