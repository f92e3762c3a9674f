// A whole server in a process of its own, without a port, that a test feeds over IPC and kills. argv: data directory, options.
import { flushCompileCache } from 'node:module'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'
import { SealtrailError } from '../../src/errors.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { armCrashPoint } from '../../src/observe/crash-point.ts'
import { createLog } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'
import type { Input } from '../../src/event/input.ts'

export interface ChildOptions {
  /** settle, quiet and hold of the interactions, ms. */
  readonly sequence: readonly [number, number, number]
  readonly rotateBytes?: number
}

/** The defaults, with the data directory and holding times of a test. */
export function configFor(data: string, [settleMs, quietMs, holdMs]: ChildOptions['sequence']): Config {
  const { config } = loadConfig(null, { cwd: data, env: {}, data })
  const trails = Object.fromEntries(Object.entries(config.trails).map(([name, trail]) => [name, { ...trail, sequence: { settleMs, quietMs, holdMs } }]))
  return { ...config, trails }
}

export function inputsOf(trail: string, events: readonly string[], now: () => number = Date.now): Input[] {
  return events.map((text) => ({
    bytes: Buffer.from(text),
    value: JSON.parse(text) as JsonObject,
    problem: null,
    context: null,
    trail,
    receivedMs: now(),
    provenance: 'pushed',
  }))
}

type Message =
  | { readonly open: string | null }
  | { readonly arm: string }
  | { readonly submit: number; readonly trail: string; readonly events: readonly string[] }
  | { readonly flush: number }
  | { readonly close: true }

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const [data, text] = process.argv.slice(2) as [string, string]
  const options = JSON.parse(text) as ChildOptions
  let local: Local | null = null
  const answer = (message: unknown): void => void process.send?.(message)
  process.on(
    'message',
    (message: Message) => void take(message).catch((error: unknown) => answer({ error: error instanceof SealtrailError ? error.code : String(error) })),
  )
  async function take(message: Message): Promise<void> {
    if ('open' in message) {
      armCrashPoint(message.open ?? undefined)
      const journal = options.rotateBytes === undefined ? {} : { journal: { rotateBytes: options.rotateBytes } }
      local = await openLocal(configFor(data, options.sequence), { log: createLog({ level: 'error', now: Date.now }), ...journal })
      answer({ ready: [...local.sealing.findings] })
      return
    }
    if (local === null) throw new Error('not open')
    if ('arm' in message) armCrashPoint(message.arm)
    else if ('submit' in message) {
      const { submit, trail, events } = message
      try {
        answer({ submit, results: await local.served.intake.submit(inputsOf(trail, events), { wait: 'sealed', receipts: 'lean' }) })
      } catch (error) {
        answer({ submit, refused: error instanceof SealtrailError ? error.code : String(error) })
      }
    } else if ('flush' in message) {
      await local.sealing.flush()
      answer({ flush: message.flush })
    } else {
      await local.close()
      process.disconnect?.()
    }
  }
  process.on('disconnect', () => process.exit(0))
  // At an exit Node would do so itself, but this process is killed.
  flushCompileCache()
  answer('here')
}
