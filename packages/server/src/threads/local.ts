import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { openStoreToProbe } from '../config/open-store.ts'
import type { OpenStore } from '../config/open-store.ts'
import { openSealing } from '../config/open-sealing.ts'
import type { Sealing } from '../config/open-sealing.ts'
import { Follower } from '../index/follower.ts'
import { openIndex } from '../index/level/open.ts'
import type { JournalOptions } from '../journal/files/journal.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { Metrics, mergeSnapshots, renderPrometheus } from '../observe/metrics.ts'
import { searchFiles } from '../privacy/search.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { HashFiles } from '../seal/tiles.ts'
import type { Probe } from '../store/store.ts'
import { assuringOf } from './assuring.ts'
import type { Assuring } from './assuring.ts'
import { startExports } from './exporting.ts'
import { fromFeed, toFeed } from './feed.ts'
import { erasureParts } from './erasing.ts'
import type { Erasing } from './erasing.ts'
import { extendingOf } from './extending.ts'
import type { Extending } from './extending.ts'
import { scrubbing } from './forgetting.ts'
import { checkingOf } from './checking.ts'
import { startGranting } from './granting.ts'
import type { Granting } from './granting.ts'
import { startHolding } from './holding.ts'
import type { Holding } from './holding.ts'
import { HourlyCounts } from './hourly-counts.ts'
import { LevelThreads } from './level-threads.ts'
import { openErasing } from './open-erasing.ts'
import { openReadSide } from './read-side.ts'
import { localPort } from './sealing-port.ts'
import { startRetaining } from './retaining.ts'
import type { Retaining } from './retaining.ts'
import { serve } from './serve.ts'
import type { Served } from './serve.ts'
import { publisherOf, stopForked } from './publishing.ts'
import { sealStart } from './start-event.ts'

export interface Local {
  readonly sealing: Sealing
  readonly served: Served
  /** The store's lock is observed when its `look` or `beat` is called. */
  readonly assuring: Assuring
  readonly holding: Holding
  /** The duty of erasure, which looks again when it is told to. */
  readonly erasing: Erasing
  readonly extending: Extending
  /** Publishes when its `round` is called; null without witnesses. */
  readonly publisher: Publisher | null
  /** The retention duty, which runs when it is told to. */
  readonly retaining: Retaining
  /** Resolves when the index has everything sealed. */
  indexed(): Promise<void>
  close(): Promise<void>
}

export interface LocalOptions {
  readonly log: Log
  readonly now?: () => number
  readonly journal?: JournalOptions
  /** How the store is opened, for all of the server; a test says otherwise. */
  readonly openStore?: OpenStore
  /** For holding, for how often the store is probed, and for how much time has passed: milliseconds that do not follow the clock. */
  readonly monotonic?: () => number
}

/**
 * The whole server on one thread, without a port: commands that open a data directory themselves, and tests. The same
 * steps in the same order as `server.ts`, only nearer together. @throws as `openSealing`
 */
export async function openLocal(config: Config, options: LocalOptions): Promise<Local> {
  const now = options.now ?? Date.now
  const metrics = new Metrics()
  const opening = options.openStore === undefined ? {} : { openStore: options.openStore }
  let publisher: Publisher | null = null
  let follower: Follower | null = null
  let holding: Holding | null = null
  let erasing: Erasing | null = null
  let granting: Granting | null = null
  const journal = options.journal === undefined ? {} : { journal: options.journal }
  const threads = new LevelThreads()
  const sealing = await openSealing(config, {
    now,
    threads,
    log: options.log,
    metrics,
    ...opening,
    ...journal,
    onCommit(log, committed, items) {
      holding?.committed(log, committed, items)
      erasing?.committed(log, items)
      granting?.committed(log, items)
      follower?.push(fromFeed(toFeed(log, committed, items)))
    },
  })
  const counts = new HourlyCounts({ system: (event) => sealing.system(event), now, log: options.log, startedMs: now() })
  const index = await openIndex(join(config.data, 'index'), (message) => options.log.warn(message))
  const side = await openReadSide(config, sealing.sizes, (ids) => sealing.vault.keysById(ids), { metrics, ...opening })
  follower = new Follower({
    index,
    records: side.records,
    tokens: (auditids) => Promise.all(auditids.map((auditid) => side.tokens(auditid))),
    onFailure: (error) => options.log.error('the index cannot be written', errorFields(error)),
  })
  const assuring = assuringOf(config, sealing, {
    log: options.log,
    metrics,
    now,
    monotonic: options.monotonic ?? (() => performance.now()),
    probe: () => probeOnce(config, options.openStore),
  })
  const parts = erasureParts()
  const legal = await startHolding(config, sealing, {
    log: options.log,
    now,
    index: async () => index,
    parts: parts.all,
    erasing: (at) => parts.erasures.runningAt(at),
  })
  holding = legal
  const following = follower
  const retaining = await startRetaining(config, sealing, {
    now,
    log: options.log,
    scheduled: false,
    monotonic: options.monotonic ?? (() => performance.now()),
    index: { subject: (...what) => index.subject(...what), forget: (...what) => following.forget(...what) },
    alone: (work) => legal.alone(work),
  })
  const extending = extendingOf(config, sealing, legal.retained, { log: options.log })
  granting = await startGranting(config, sealing, { log: options.log, now })
  const grants = granting
  const exports = startExports(config, sealing, { log: options.log, now, threads: null, openings: grants.openings })
  const erasures = openErasing(config, sealing, legal, parts, {
    log: options.log,
    now,
    metrics,
    index,
    forgetTokens: (...what) => following.forgetTokens(...what),
    scrubIndex: scrubbing(join(config.data, 'index'), threads, () => index.scrub()),
    exports,
    search: ({ folder, patterns, except }, onProgress) => searchFiles(folder, patterns, except, onProgress),
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
    notes: () => [...assuring.notes(), ...legal.notes(), ...grants.notes(), ...erasures.notes(), ...extending.notes(), ...retaining.notes()],
    stores: () => assuring.states(),
    async metrics(own) {
      assuring.observe()
      erasures.observe()
      publisher?.observe()
      return renderPrometheus(mergeSnapshots([own, metrics.snapshot()]))
    },
  })
  await sealStart(config, sealing, now())
  // A command that opens the directory itself cannot wait for a later probe.
  if (sealing.gate.refusal() !== null) await assuring.look()
  const vkeys = sealing.vkeys()
  const served = await serve({
    config,
    packs: sealing.packs,
    sizes: sealing.sizes,
    keys: sealing.keys.exportForIngest(),
    vkeys,
    port,
    thread: 0,
    ...opening,
    now,
    log: options.log,
  })
  threads.remembers(async () => served.forget())
  await follower.catchUp()
  holding.start()
  erasures.start()
  extending.start()
  const { witnesses } = config
  publisher =
    witnesses === null
      ? null
      : publisherOf({
          config: { ...config, witnesses },
          vkeys,
          tree: (name) => sealing.hashes.get(name) as HashFiles,
          onFork: (alarm) => stopForked(sealing, alarm),
          now,
          log: options.log,
          metrics,
        })
  return {
    sealing,
    served,
    assuring,
    holding,
    erasing: erasures,
    extending,
    publisher,
    retaining,
    indexed: () => (follower as Follower).catchUp(),
    async close() {
      await assuring.close()
      await publisher?.close()
      await served.close()
      await erasures.close()
      await exports.close()
      await retaining.close()
      await holding?.close()
      await granting?.close()
      await extending.close()
      await counts.close()
      await sealing.drained()
      await follower?.close()
      await index.close()
      await side.close()
      await sealing.close()
    },
  }
}

async function probeOnce(config: Config, open: OpenStore = openStoreToProbe): Promise<Probe> {
  const store = await open(config)
  try {
    return await store.probe({ now: Date.now, random: randomBytes, pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)) })
  } finally {
    await store.close()
  }
}
