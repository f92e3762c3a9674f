import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import { createApp } from '../http/app.ts'
import { listen } from '../http/listen.ts'
import type { IngestKeys } from '../keys/keys.ts'
import { Caller, answer } from './rpc.ts'
import { remotePort } from './sealing-port.ts'
import { serve } from './serve.ts'
import { Sizes } from './sizes.ts'

/** An ingest thread: listens on the shared port, takes events as far as the sealing thread, and answers reads. */
export interface IngestWorkerData {
  readonly config: Config
  readonly logs: readonly string[]
  readonly sizes: SharedArrayBuffer
  readonly keys: IngestKeys
  readonly vkeys: Readonly<Record<string, string>>
  readonly thread: number
}

const parent = parentPort as MessagePort
const data = workerData as IngestWorkerData
const served = await serve({ ...data, sizes: new Sizes(data.logs, data.sizes), port: remotePort(new Caller(parent)) })
const listening = await listen(createApp(served.deps), { host: data.config.listen.host, port: data.config.listen.port, tls: data.config.tls, reusePort: true })

answer(parent, {
  snapshot: () => served.snapshot(),
  async close() {
    await listening.close(2_000)
    await served.close()
    setImmediate(() => process.exit(0))
  },
})
parent.postMessage({ listening: listening.url, port: listening.port })
