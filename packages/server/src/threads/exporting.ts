import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import type { Sealing } from '../config/open-sealing.ts'
import { SealtrailError } from '../errors.ts'
import type { ExportMade, Requester } from '../export/export.ts'
import { Exports, exportFolder } from '../export/exports.ts'
import type { Opening } from '../index/views.ts'
import type { Log } from '../observe/log.ts'
import type { LevelThreads } from './level-threads.ts'
import { runExport } from './export-side.ts'
import type { ExportGround } from './export-side.ts'
import type { ExportWorkerData } from './export-worker.ts'
import { accessGround } from './access-ground.ts'
import { Caller, answer } from './rpc.ts'

interface ExportingEnv {
  readonly log: Log
  readonly now: () => number
  /** Each export in a thread of its own, one more of these; null: in this one. */
  readonly threads: LevelThreads | null
  openings(requester: Requester): Promise<readonly Opening[]>
}

/** The exports of a data directory, beside its sealing thread. */
export function startExports(config: Config, sealing: Sealing, env: ExportingEnv): Exports {
  const vkeys = sealing.vkeys()
  // Taken anew for each: keys rotate.
  const ground = (): ExportGround => ({
    config,
    keys: sealing.keys.exportForIngest(),
    vkeys,
    answerKeys: sealing.keys.answerKeys(),
    segmentKeys: sealing.keys.segmentPublicKeys.map((key) => Buffer.from(key).toString('base64')),
    version: versionOf(),
  })
  const { sizes, packs, vault } = sealing
  return new Exports({
    folder: exportFolder(config.data),
    make: (order, path, onProgress) =>
      env.threads !== null
        ? inThread({ ground: ground(), logs: sizes.logs, sizes: sizes.memory }, sealing, env.threads, { order, path }, onProgress)
        : runExport(
            order,
            path,
            { ...ground(), sizes, packs, keysById: (ids) => vault.keysById(ids), personOf: (tokens) => vault.personOf(tokens) },
            onProgress,
          ),
    access: (aliases) => accessGround(aliases, config, sealing),
    openings: env.openings,
    system: (event) => sealing.system(event),
    now: env.now,
    keepMs: config.limits.exportKeepMs,
    log: env.log,
  })
}

async function inThread(
  workerData: ExportWorkerData,
  sealing: Sealing,
  threads: LevelThreads,
  argument: { order: unknown; path: string },
  onProgress: (records: number) => void,
): Promise<ExportMade> {
  const file = import.meta.url.endsWith('.ts') ? './export-worker.ts' : './export-worker.js'
  const worker = new Worker(new URL(file, import.meta.url), { workerData, resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 } })
  // Its end is the export's, not the server's: a bundle that is too much for it must not stop the sealing.
  const failed = new Promise<never>((_, reject) => {
    worker.once('error', (cause) => reject(new SealtrailError('INTERNAL', 'the thread of the export ended', { cause })))
    worker.once('exit', () => reject(new SealtrailError('INTERNAL', 'the thread of the export ended')))
  })
  failed.catch(() => {})
  answer(worker, {
    keysById: (ids: readonly Uint8Array[]) => sealing.vault.keysById(ids),
    personOf: (tokens: readonly string[]) => sealing.vault.personOf(tokens),
  })
  const caller = new Caller(worker)
  const strike = threads.add(caller)
  worker.on('message', (message: { exported?: unknown }) => {
    if (typeof message?.exported === 'number') onProgress(message.exported)
  })
  try {
    await threads.still()
    return await Promise.race([caller.call<ExportMade>('make', argument), failed])
  } finally {
    await worker.terminate()
    strike()
  }
}

let version: string | null = null

function versionOf(): string {
  return (version ??= (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version)
}
