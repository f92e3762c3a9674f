import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Config, TimestampConfig } from '../config/config.ts'
import { openStore } from '../config/open-store.ts'
import { authorizationOf } from '../config/time-stamp-roots.ts'
import { createLog, errorFields } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import { copyForReaders } from '../publish/timestamp/reader-files.ts'
import { Stamper } from '../publish/timestamp/stamper.ts'
import { checkpointView } from './checkpoint-view.ts'
import { Caller, answer } from './rpc.ts'

/** The time-stamping thread: reads checkpoints, asks authorities, and hands what is to be stored to the sealing thread. */
export interface TimestampWorkerData {
  readonly config: Config & { readonly timestamps: TimestampConfig }
  /** Verification key of each log that is stamped. */
  readonly vkeys: Readonly<Record<string, string>>
  /** Trusted roots of each authority, DER. */
  readonly roots: Readonly<Record<string, readonly Uint8Array[]>>
}

const parent = parentPort as MessagePort
const { config, vkeys, roots } = workerData as TimestampWorkerData
const logs = Object.keys(vkeys)
const caller = new Caller(parent)
const metrics = new Metrics()
const log = createLog({ now: Date.now })
const view = checkpointView(config, vkeys, logs)
/** Told to the sealing thread and not answered yet. */
const told = new Set<Promise<unknown>>()

function tell(name: 'authority' | 'notes', argument: unknown): void {
  const call = caller
    .call(name, argument)
    .catch((error: unknown) => log.error('the sealing thread could not be told of a time-stamp authority', errorFields(error)))
    .finally(() => told.delete(call))
  told.add(call)
}

await copied()
const { intervalMs, timeoutMs, authorities } = config.timestamps
const stamper = new Stamper({
  data: config.data,
  intervalMs,
  timeoutMs,
  authorities: authorities.map((authority) => {
    const { name, url, policy } = authority
    return { name, url, policy, roots: roots[name] ?? [], authorization: () => authorizationOf(authority, process.env) }
  }),
  logs,
  checkpoint(name, beyond) {
    const published = view.published(name)
    const found = published !== null && published.size > beyond ? published : view.committed(name)
    return found !== null && found.size > beyond ? found : null
  },
  put: (name, { key, bytes }) => caller.call('put', { log: name, key, bytes }),
  tell: (event) => tell('authority', event),
  onNotes: (notes) => tell('notes', notes),
  now: Date.now,
  random: randomBytes,
  log,
  metrics,
})

answer(parent, {
  snapshot() {
    stamper.observe()
    return metrics.snapshot()
  },
  async close() {
    await stamper.close()
    await Promise.all(told)
    setImmediate(() => process.exit(0))
  },
})
parent.postMessage('ready')
stamper.start()

/** The folder for readers is a copy of the store's objects: made whole at each start. */
async function copied(): Promise<void> {
  try {
    const store = await openStore(config, { readOnly: true })
    const files = await copyForReaders(store, config.data, logs)
    await store.close()
    if (files > 0) log.info('time stamps copied from the store for readers', { files })
  } catch (error) {
    log.warn('the folder of time stamps for readers is not complete', errorFields(error))
  }
}
