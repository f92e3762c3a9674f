import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { openRawLog } from '../config/open-raw-log.ts'
import { openSealing } from '../config/open-sealing.ts'
import type { Sealing } from '../config/open-sealing.ts'
import type { Config } from '../config/config.ts'
import { SealtrailError } from '../errors.ts'
import { LevelIndex } from '../index/level/index.ts'
import { createLog, errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { Metrics, mergeSnapshots, renderPrometheus } from '../observe/metrics.ts'
import type { Snapshot } from '../observe/metrics.ts'
import { assuringOf } from './assuring.ts'
import { startExports } from './exporting.ts'
import { forgettingIn, scrubbing } from './forgetting.ts'
import { toFeed, transferOf } from './feed.ts'
import { erasureParts } from './erasing.ts'
import type { Erasing } from './erasing.ts'
import { extendingOf } from './extending.ts'
import { checkingOf } from './checking.ts'
import { startGranting } from './granting.ts'
import type { Granting } from './granting.ts'
import { startHolding } from './holding.ts'
import type { Holding } from './holding.ts'
import { HourlyCounts } from './hourly-counts.ts'
import type { IngestWorkerData } from './ingest-worker.ts'
import { openErasing } from './open-erasing.ts'
import { startPublishing } from './publishing.ts'
import type { Publishing } from './publishing.ts'
import { LevelThreads } from './level-threads.ts'
import { Caller, answer } from './rpc.ts'
import { rawHandlers } from './raw-port.ts'
import { probeInThreads } from './probing.ts'
import { searchInThread } from './searching.ts'
import { startRetaining } from './retaining.ts'
import { localPort, portHandlers } from './sealing-port.ts'
import { sealStart } from './start-event.ts'
import { startTimestamping } from './timestamping.ts'
import type { Timestamping } from './timestamping.ts'

export interface Server {
  readonly url: string
  readonly sealing: Sealing
  /** Ends listening, seals what is queued, closes everything. Held events stay in the journal. */
  close(): Promise<void>
}

export interface ServerOptions {
  readonly log?: Log
  readonly now?: () => number
  readonly onFatal?: (error: unknown) => void
  /** For tests only: `POST /add` appends to the raw log of this name. */
  readonly testAdd?: string
}

/** How long a start waits for the service that keeps the keys: whoever supervises starts it again after that. */
const KEY_SERVICE_MS = 60_000
/** How long a start waits for the first verdict before it listens all the same. */
const FIRST_VERDICT_MS = 20_000

/**
 * Starts the server: this thread seals, one thread follows with the index, `config.ingestThreads` listen on one port.
 * Resolves when all of them do. @throws as `openSealing`; the system's error when the port cannot be had.
 */
export async function startServer(config: Config, options: ServerOptions = {}): Promise<Server> {
  const now = options.now ?? Date.now
  const log = options.log ?? createLog({ now })
  const metrics = new Metrics()
  let indexer: Worker | null = null
  let holding: Holding | null = null
  let erasing: Erasing | null = null
  let granting: Granting | null = null
  let searched: LevelIndex | null = null
  const threads = new LevelThreads()
  const sealing = await openSealing(config, {
    now,
    log,
    metrics,
    threads,
    waitForKeysMs: KEY_SERVICE_MS,
    onCommit(name, committed, items) {
      commits.add(1, name)
      sealed.add(items.length, name)
      stored.add(committed.frame.length, name)
      holding?.committed(name, committed, items)
      erasing?.committed(name, items)
      granting?.committed(name, items)
      if (indexer === null) return
      const fed = toFeed(name, committed, items)
      indexer.postMessage(fed, transferOf(fed))
    },
  })
  const commits = metrics.counter('sealtrail_commits_total', 'Segments committed.', ['log'])
  const sealed = metrics.counter('sealtrail_sealed_records_total', 'Records sealed.', ['log'])
  const stored = metrics.counter('sealtrail_segment_bytes_total', 'Bytes of committed segments as stored.', ['log'])
  const held = metrics.gauge('sealtrail_held_events', 'Events waiting for the others of their subject.', ['log'])
  const queued = metrics.gauge('sealtrail_queued_bytes', 'Bytes of records waiting for their commit.', ['log'])
  const size = metrics.gauge('sealtrail_log_size', 'Committed records.', ['log'])
  const raw = options.testAdd === undefined ? null : await openRawLog(options.testAdd, { ...sealing, note: (text) => log.warn(text) }, { now, log })
  const counts = new HourlyCounts({ system: (event) => sealing.system(event), now, log, startedMs: now() })
  const workers: Array<{ worker: Worker; caller: Caller }> = []
  let publishing: Publishing | null = null
  let timestamping: Timestamping | null = null

  const probing = probeInThreads(config)
  const assuring = assuringOf(config, sealing, { log, metrics, now, monotonic: () => performance.now(), probe: () => probing.probe() })
  const observed = assuring.beat()
  // Opened once the index thread has the folder open.
  const searching = async (): Promise<LevelIndex> => (searched ??= await LevelIndex.open(join(config.data, 'index')))
  const parts = erasureParts()
  const legal = await startHolding(config, sealing, {
    log,
    now,
    index: searching,
    parts: parts.all,
    erasing: (at) => parts.erasures.runningAt(at),
  })
  holding = legal
  const extending = extendingOf(config, sealing, legal.retained, { log })
  granting = await startGranting(config, sealing, { log, now })
  const grants = granting
  const exports = startExports(config, sealing, { log, now, threads, openings: grants.openings })
  const forget = forgettingIn(() => indexer)
  const retaining = await startRetaining(config, sealing, {
    now,
    log,
    scheduled: true,
    monotonic: () => performance.now(),
    index: {
      subject: async (...what) => (await searching()).subject(...what),
      forget: (log, first, records) => forget({ log, first, records }),
    },
    alone: (work) => legal.alone(work),
  })
  const closing = new AbortController()
  const erasures = openErasing(config, sealing, legal, parts, {
    log,
    now,
    metrics,
    index: {
      size: (name) => searched?.size(name) ?? 0,
      auditid: async (id) => (await searching()).auditid(id),
      timeline: (...what) => opened(searched).timeline(...what),
      token: async (...what) => (await searching()).token(...what),
    },
    forgetTokens: (name, tokensOf) => forget({ log: name, tokensOf }),
    scrubIndex: scrubbing(join(config.data, 'index'), threads, () => forget('scrub')),
    exports,
    search: (what, onProgress) => searchInThread(what, onProgress, closing.signal),
  })
  erasing = erasures
  const port = localPort(sealing, {
    now,
    exports,
    holds: legal.desk,
    erasures: erasures.desk,
    grants,
    checking: checkingOf(config, sealing, now),
    people: erasures.people,
    retention: retaining.desk,
    counted: async (list) => counts.add(list),
    found: async (hits) => counts.addHits(hits),
    detected: async () => counts.detected(),
    notes: () => [
      ...assuring.notes(),
      ...legal.notes(),
      ...grants.notes(),
      ...erasures.notes(),
      ...extending.notes(),
      ...(timestamping?.notes() ?? []),
      ...retaining.notes(),
    ],
    stores: () => assuring.states(),
    async metrics(own: Snapshot) {
      assuring.observe()
      erasures.observe()
      for (const [name, { held: waiting, queuedBytes }] of sealing.backlog()) {
        held.set(waiting, name)
        queued.set(queuedBytes, name)
        size.set(sealing.sizes.get(name), name)
      }
      const snapshotOf = ({ caller }: { caller: Caller }): Promise<Snapshot> => caller.call<Snapshot>('snapshot', null).catch((): Snapshot => [])
      const others = await Promise.all(workers.map(snapshotOf))
      const published = (await publishing?.snapshot()) ?? []
      const stamped = (await timestamping?.snapshot()) ?? []
      // The asking thread's own numbers come with the question; its stored ones would count twice.
      return renderPrometheus(mergeSnapshots([metrics.snapshot(), probing.snapshot(), published, stamped, ...(others.length > 0 ? others : [own])]))
    },
  })
  await sealStart(config, sealing, now())

  indexer = await startThread('./index-worker.ts', { config, logs: sealing.sizes.logs, sizes: sealing.sizes.memory }, options.onFatal ?? fatal(log), (worker) =>
    threads.add(new Caller(worker), join(config.data, 'index')),
  )
  holding.start()
  await searching()
  erasures.start()
  extending.start()
  const vkeys = sealing.vkeys()
  if (raw !== null) vkeys[raw.log] = raw.vkey
  publishing = await startPublishing(config, sealing, { start: (data) => startThread('./publish-worker.ts', data, options.onFatal ?? fatal(log)) })
  timestamping = await startTimestamping(config, sealing, {
    log,
    now,
    start: (data) => startThread('./timestamp-worker.ts', data, options.onFatal ?? fatal(log)),
  })
  // Where nothing is accepted before the first verdict, it is worth waiting for; a store that does not answer is said at /readyz.
  if (sealing.gate.refusal() !== null) await Promise.race([observed, after(FIRST_VERDICT_MS)])
  let listen = config.listen
  let url = ''
  for (let thread = 0; thread < Math.max(1, config.ingestThreads); thread++) {
    const data: IngestWorkerData = {
      config: { ...config, listen },
      logs: sealing.sizes.logs,
      sizes: sealing.sizes.memory,
      keys: sealing.keys.exportForIngest(),
      vkeys,
      thread,
      testAdd: raw !== null,
    }
    const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './ingest-worker.ts' : './ingest-worker.js', import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: 16 },
    })
    answer(worker, { ...portHandlers(port), ...(raw === null ? {} : rawHandlers(raw)) })
    const caller = new Caller(worker)
    threads.add(caller)
    const listening = await firstMessage<{ listening: string; port: number }>(worker)
    url = listening.listening
    // All threads share the port the first one got.
    listen = { ...listen, port: listening.port }
    worker.on('error', options.onFatal ?? fatal(log))
    threads.remembers(() => caller.call('forget', null))
    workers.push({ worker, caller })
  }
  const timer = setInterval(() => {
    void counts.beat()
    void assuring.beat()
  }, 1_000)
  timer.unref()

  return {
    url,
    sealing,
    async close() {
      clearInterval(timer)
      const unwatched = assuring.close()
      await probing.end()
      await unwatched
      await publishing?.close()
      await Promise.all(workers.map(({ worker, caller }) => ended(worker, () => void caller.call('close', null).catch(() => {}))))
      closing.abort()
      await erasures.close()
      await exports.close()
      await retaining.close()
      await holding?.close()
      await granting?.close()
      await extending.close()
      await searched?.close()
      await counts.close()
      await raw?.close()
      // What is numbered is sealed before the index is told to stop, so that a quiet close leaves nothing to catch up.
      await sealing.drained()
      await timestamping?.close()
      if (indexer !== null) await ended(indexer, () => indexer?.postMessage('close'))
      await sealing.close()
    },
  }
}

async function startThread(
  file: './index-worker.ts' | './publish-worker.ts' | './timestamp-worker.ts',
  workerData: unknown,
  onFatal: (error: unknown) => void,
  onWorker: (worker: Worker) => void = () => {},
): Promise<Worker> {
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? file : file.replace(/\.ts$/, '.js'), import.meta.url), { workerData })
  onWorker(worker)
  await firstMessage(worker)
  worker.on('error', onFatal)
  return worker
}

function firstMessage<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    const message = (value: T): void => {
      if (Array.isArray(value)) return // calls to this thread while the worker starts
      worker.off('message', message)
      worker.off('error', reject)
      resolve(value)
    }
    worker.on('message', message)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new SealtrailError('INTERNAL', `a thread ended with ${code} before it was ready`)))
  })
}

function opened(index: LevelIndex | null): LevelIndex {
  if (index === null) throw new SealtrailError('NOT_READY', 'the index is not open yet')
  return index
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}

function ended(worker: Worker, ask: () => void): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve())
    ask()
  })
}

/** A thread that dies takes the process with it: whoever supervises starts it again, and recovery is the normal path. */
function fatal(log: Log): (error: unknown) => void {
  return (error) => {
    log.error('a thread of the server died', errorFields(error))
    process.exit(70)
  }
}
