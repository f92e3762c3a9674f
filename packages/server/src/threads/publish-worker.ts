import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { createLog } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import { HashFiles } from '../seal/tiles.ts'
import { publisherOf } from './publishing.ts'
import type { PublishingOptions } from './publishing.ts'
import { Caller, answer } from './rpc.ts'

/** The publishing thread: reads committed checkpoints and hash files, so that no witness can slow a commit. */
export type PublishWorkerData = Pick<PublishingOptions, 'config' | 'vkeys'>

const parent = parentPort as MessagePort
const { config, vkeys } = workerData as PublishWorkerData
const files = new Map<string, HashFiles>()
const caller = new Caller(parent)
const metrics = new Metrics()
const log = createLog({ now: Date.now })
const publisher = publisherOf({
  config,
  vkeys,
  tree(name) {
    let open = files.get(name)
    if (open === undefined) files.set(name, (open = HashFiles.open(join(config.data, 'tiles', name), { readOnly: true })))
    return open
  },
  // The file stands already: if this thread's word is lost, the next start reads it.
  onFork: (alarm) => void caller.call('forked', alarm).catch(() => log.error('the sealing thread could not be told of a fork alarm', { log: alarm.log })),
  now: Date.now,
  log,
  metrics,
})

answer(parent, {
  snapshot() {
    publisher.observe()
    return metrics.snapshot()
  },
  async close() {
    await publisher.close()
    for (const open of files.values()) open.close()
    setImmediate(() => process.exit(0))
  },
})
parent.postMessage('ready')
publisher.start()
