import type { Worker } from 'node:worker_threads'
import type { Config, WitnessConfig } from '../config/config.ts'
import type { Sealing } from '../config/open-sealing.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics, Snapshot } from '../observe/metrics.ts'
import type { ForkAlarm } from '../publish/alarm.ts'
import { Publisher } from '../publish/publisher.ts'
import type { Tree } from '../publish/publisher.ts'
import { checkpointPath, readCheckpoint } from '../seal/checkpoint.ts'
import { forkEvent } from './fork-events.ts'
import type { PublishWorkerData } from './publish-worker.ts'
import { Caller, answer } from './rpc.ts'

export interface Publishing {
  snapshot(): Promise<Snapshot>
  /** Ends the thread; what is not published by then is at the next start. */
  close(): Promise<void>
}

/** Starts the publishing thread beside a sealing thread: it asks witnesses, this one stops a log that forked. Null without witnesses. */
export async function startPublishing(config: Config, sealing: Sealing, env: { start(data: PublishWorkerData): Promise<Worker> }): Promise<Publishing | null> {
  const { witnesses } = config
  if (witnesses === null) return null
  const worker = await env.start({ config: { ...config, witnesses }, vkeys: sealing.vkeys() })
  answer(worker, { forked: (alarm: ForkAlarm) => stopForked(sealing, alarm) })
  const caller = new Caller(worker)
  return {
    snapshot: () => caller.call<Snapshot>('snapshot', null).catch((): Snapshot => []),
    close: () =>
      new Promise((resolve) => {
        worker.once('exit', () => resolve())
        void caller.call('close', null).catch(() => {})
      }),
  }
}

/** Stops the log of an alarm and seals the alarm in the system trail; where that cannot be now, the next start does it. */
export function stopForked(sealing: Sealing, alarm: ForkAlarm): void {
  sealing.fork(alarm)
  void sealing.system(forkEvent(alarm)).catch(() => {})
}

export interface PublishingOptions {
  readonly config: Config & { readonly witnesses: WitnessConfig }
  /** Verification key of each log that is taken to witnesses. */
  readonly vkeys: Readonly<Record<string, string>>
  tree(log: string): Tree
  onFork(alarm: ForkAlarm): void
  readonly now: () => number
  readonly log: Log
  readonly metrics: Metrics
}

/** The publisher over a data directory's checkpoint files. @throws SealtrailError CONFIG_INVALID */
export function publisherOf({ config, vkeys, tree, onFork, now, log, metrics }: PublishingOptions): Publisher {
  return new Publisher({
    data: config.data,
    settings: config.witnesses,
    vkeys,
    committed: (name) => readCheckpoint(checkpointPath(config.data, name), vkeys[name] as string),
    tree,
    onFork,
    now,
    log,
    metrics,
  })
}
