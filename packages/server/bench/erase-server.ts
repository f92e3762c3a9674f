// The server whose person is erased: a process of its own, with all its threads. argv: data directory, ingest threads.
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { getHeapSnapshot } from 'node:v8'
import type { Worker } from 'node:worker_threads'
import { loadConfig } from '../src/config/load.ts'
import { Tokens } from '../src/http/tokens.ts'
import { createLog } from '../src/observe/log.ts'

/** What is asked of this process. */
export type EraseAsk = { readonly ask: 'state' } | { readonly ask: 'heap'; readonly folder: string } | { readonly ask: 'close' }

// Threads are started deep inside; a heap has to be asked for where it is.
const workers = new Set<Worker>()
const threads = createRequire(import.meta.url)('node:worker_threads') as typeof import('node:worker_threads')
const Original = threads.Worker
threads.Worker = class extends Original {
  constructor(...what: ConstructorParameters<typeof Original>) {
    super(...what)
    workers.add(this)
    this.once('exit', () => workers.delete(this))
  }
}
syncBuiltinESMExports()
const { startServer } = await import('../src/threads/server.ts')

const [data, ingest] = process.argv.slice(2) as [string, string]
const { config } = loadConfig(null, { cwd: data, env: {}, data, port: 0 })
const { token } = new Tokens({ data, now: Date.now, random: randomBytes }).create('bench', 'admin', null)
const server = await startServer({ ...config, ingestThreads: Number(ingest) }, { log: createLog({ now: Date.now, level: 'error' }) })
const { sizes } = server.sealing
process.send?.({ port: Number(new URL(server.url).port), token })

process.on('message', (ask: EraseAsk) => {
  void answer(ask)
    .then((said) => process.send?.(said))
    .then(() => ask.ask === 'close' && process.exit(0))
})

async function answer(ask: EraseAsk): Promise<unknown> {
  if (ask.ask === 'state')
    return {
      sizes: Object.fromEntries(sizes.logs.map((log) => [log, sizes.get(log)])),
      roots: Object.fromEntries(sizes.logs.map((log) => [log, server.sealing.committed(log).root])),
      held: [...server.sealing.backlog().values()].reduce((sum, { held }) => sum + held, 0),
      rss: process.memoryUsage.rss(),
      pid: process.pid,
    }
  if (ask.ask === 'heap') return heapsInto(ask.folder)
  await server.close()
  return { closed: true }
}

/** One file a thread. Taking a snapshot collects the heap first. */
async function heapsInto(folder: string): Promise<string[]> {
  const files: string[] = []
  const write = async (name: string, heap: NodeJS.ReadableStream): Promise<void> => {
    await pipeline(heap, createWriteStream(join(folder, name)))
    files.push(join(folder, name))
  }
  await write('sealing.heapsnapshot', getHeapSnapshot())
  let thread = 0
  for (const worker of workers) await write(`thread-${++thread}.heapsnapshot`, await worker.getHeapSnapshot())
  return files
}
