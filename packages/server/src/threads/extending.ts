import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { logsOf } from '../config/logs.ts'
import { lockFor, longLockFor } from '../config/open-log.ts'
import type { Sealing } from '../config/open-sealing.ts'
import { retentionChanges, toldChange } from '../config/retention-change.ts'
import { replaceDurably } from '../durable-file.ts'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { extendLog } from '../retain/extend.ts'
import type { Extended } from '../retain/extend.ts'

/** Longer locks for what is stored, where the configuration asks for longer ones than before. */
export interface Extending {
  /** Goes on with what is not done yet. */
  start(): void
  /** All logs, whether or not anything is known to have changed; resolves to what was done. @throws SealtrailError NOT_DURABLE, STORE_NOT_LOCKED, STORE_UNREADABLE */
  run(onProgress?: (log: string, done: number, total: number) => void): Promise<ReadonlyMap<string, Extended>>
  /** Resolves when nothing is under way: all is done, or is tried again later. */
  idle(): Promise<void>
  notes(): string[]
  close(): Promise<void>
}

const RETRY_MS = 60_000
/** Records between two bookmarks. */
const BOOKMARK = 10_000

/**
 * Holds the configuration against what the last start sealed. What became shorter is told, and is for what is sealed from
 * now on; what became longer is written down before this start is sealed, and done in the background.
 * @param last as `Periods` has it
 */
export function extendingOf(config: Config, sealing: Sealing, last: JsonObject | null, { log }: { readonly log: Log }): Extending {
  const file = join(config.data, 'retain', 'extend.json')
  let todo = readTodo(file)
  for (const change of retentionChanges(last, config)) {
    log.warn(toldChange(change))
    if (change.longer) todo = { ...todo, [change.log]: 0 }
  }
  // Dying before the start is sealed: the next one finds the same change. After it: this file is found.
  if (Object.keys(todo).length > 0) keep()
  let running: Promise<unknown> | null = null
  let timer: NodeJS.Timeout | null = null
  let fault: string | null = null
  let closed = false

  function keep(): void {
    if (Object.keys(todo).length === 0) rmSync(file, { force: true })
    else replaceDurably(file, `${JSON.stringify({ format: 'sealtrail/extend/1', logs: todo })}\n`, 'what locks are to be made longer')
  }

  async function one(name: string, from: number, onProgress: (next: number) => void): Promise<Extended> {
    const done = await extendLog(from, {
      log: name,
      store: sealing.store,
      records: sealing.records,
      size: sealing.sizes.get(name),
      lock: (madeMs) => lockFor(config, name, madeMs),
      longLock: (madeMs) => longLockFor(config, name, madeMs),
      onProgress,
      stopping: () => closed,
    })
    log.info('locks made longer', { log: name, ...done })
    return done
  }

  async function all(): Promise<void> {
    for (const [name, from] of Object.entries(todo)) {
      let kept = from
      await one(name, from, (next) => {
        todo = { ...todo, [name]: next }
        if (next - kept < BOOKMARK) return
        kept = next
        keep()
      })
      const { [name]: _, ...rest } = todo
      todo = rest
      keep()
    }
    fault = null
  }

  function go(): void {
    if (closed || running !== null || Object.keys(todo).length === 0) return
    running = all()
      .catch((error: unknown) => {
        if (closed) return
        fault = error instanceof SealtrailError ? `${error.code}: ${error.message}` : 'INTERNAL'
        log.warn('locks could not be made longer; it is tried again', errorFields(error))
        timer = setTimeout(go, RETRY_MS)
        timer.unref()
      })
      .finally(() => (running = null))
  }

  return {
    start: go,
    async run(onProgress) {
      const done = new Map<string, Extended>()
      for (const { log: name } of logsOf(config)) done.set(name, await one(name, 0, (next) => onProgress?.(name, next, sealing.sizes.get(name))))
      return done
    },
    async idle() {
      await running
    },
    notes: () => (fault === null ? [] : [`locks are not as long yet as the retention asks: ${fault}`]),
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await running
      if (Object.keys(todo).length > 0) keep()
    },
  }
}

/** Derived: what cannot be read is begun again by `run`. attacker: who can write the file could only have more looked at. */
function readTodo(file: string): Record<string, number> {
  try {
    const { logs } = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { logs?: unknown }) : { logs: {} }
    return Object.fromEntries(
      Object.entries(logs as Record<string, unknown>).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && Number(entry[1]) >= 0),
    )
  } catch {
    return {}
  }
}
