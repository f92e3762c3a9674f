import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import { createApp } from '../http/app.ts'
import { listen } from '../http/listen.ts'
import { testAdd } from '../http/test-add.ts'
import type { IngestKeys } from '../keys/keys.ts'
import { LEVEL_HANDLERS } from './level-threads.ts'
import { Caller, answer } from './rpc.ts'
import type { Handlers } from './rpc.ts'
import { remoteAppend } from './raw-port.ts'
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
  /** Whether `POST /add` is there, which only tests want. */
  readonly testAdd: boolean
}

const parent = parentPort as MessagePort
const data = workerData as IngestWorkerData
const handlers: Handlers = { ...LEVEL_HANDLERS }
answer(parent, handlers)
const caller = new Caller(parent)
const served = await serve({ ...data, sizes: new Sizes(data.logs, data.sizes), port: remotePort(caller) })
const listening = await listen(createApp(served.deps), {
  host: data.config.listen.host,
  port: data.config.listen.port,
  tls: data.config.tls,
  reusePort: true,
  ...(data.testAdd ? { before: testAdd({ append: remoteAppend(caller), tokens: served.deps.tokens }) } : {}),
})

Object.assign(handlers, {
  snapshot: () => served.snapshot(),
  forget: () => served.forget(),
  async close() {
    await listening.close(2_000)
    await served.close()
    setImmediate(() => process.exit(0))
  },
} satisfies Handlers)
parent.postMessage({ listening: listening.url, port: listening.port })
