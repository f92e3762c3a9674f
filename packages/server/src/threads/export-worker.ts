import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { openPacks } from '../config/open-packs.ts'
import type { PersonKeys } from '../vault/erasable.ts'
import type { ExportOrder } from '../export/export.ts'
import { coalesceKeys } from './coalesce-keys.ts'
import { runExport } from './export-side.ts'
import type { ExportGround } from './export-side.ts'
import { LEVEL_HANDLERS } from './level-threads.ts'
import { Caller, answer } from './rpc.ts'
import { remotePort } from './sealing-port.ts'
import { Sizes } from './sizes.ts'

/** A thread that lives for one export: sealing, ingest and answers go on beside it, and its memory is given back. */
export interface ExportWorkerData {
  readonly ground: ExportGround
  readonly logs: readonly string[]
  readonly sizes: SharedArrayBuffer
}

const parent = parentPort as MessagePort
const { ground, logs, sizes } = workerData as ExportWorkerData
const caller = new Caller(parent)
const port = remotePort(caller)
const keysById = coalesceKeys((ids) => port.keysById(ids))

answer(parent, {
  ...LEVEL_HANDLERS,
  make: ({ order, path }: { order: ExportOrder; path: string }) =>
    runExport(
      order,
      path,
      {
        ...ground,
        sizes: new Sizes(logs, sizes),
        packs: openPacks(ground.config),
        keysById,
        personOf: (tokens) => caller.call<PersonKeys>('personOf', tokens),
      },
      (records) => parent.postMessage({ exported: records }),
    ),
})
parent.postMessage({ ready: true })
