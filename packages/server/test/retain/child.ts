// A whole server in a process of its own, without a port, asked over IPC as over HTTP, and killed. argv: folder, configuration.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../src/config/load.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { createApp } from '../../src/http/app.ts'
import type { Role } from '../../src/http/ports.ts'
import { armCrashPoint } from '../../src/observe/crash-point.ts'
import { createLog } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'

/** Compiled sources of the children, for as long as the tests run. */
const compiled = process.send === undefined || process.argv[1] !== import.meta.filename ? mkdtempSync(join(tmpdir(), 'sealtrail-compiled-')) : ''
process.once('exit', () => compiled !== '' && rmSync(compiled, { recursive: true, force: true }))

export interface Reply {
  readonly status: number
  readonly body: JsonObject
}

type Ask =
  | { readonly n: number; readonly open: string | null }
  | { readonly n: number; readonly arm: string }
  /** Sets the server's clock, ms since the epoch; it goes on from there. */
  | { readonly n: number; readonly clock: number }
  | { readonly n: number; readonly path: string; readonly body: unknown; readonly as: string; readonly role: Role }
  | { readonly n: number; readonly settle: true }
  | { readonly n: number; readonly close: true }

/** The server as the test sees it. Every call resolves to null once the process is gone. */
export class Served {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, (answer: unknown) => void>()
  /** The signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>
  #next = 0
  #dead = false

  constructor(folder: string, yaml: string) {
    const env = { ...process.env, NODE_COMPILE_CACHE: compiled }
    this.#process = fork(import.meta.filename, [folder, yaml], {
      env,
      execArgv: ['--conditions=@sealtrail/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.ended = new Promise((resolve) =>
      this.#process.once('exit', (_, signal) => {
        this.#dead = true
        for (const wake of this.#waiting.values()) wake(null)
        resolve(signal)
      }),
    )
    this.#process.on('message', ({ n, answer }: { n: number; answer: unknown }) => {
      this.#waiting.get(n)?.(answer)
      this.#waiting.delete(n)
    })
  }

  /** Resolves to what recovery found; dies at the crash point if one is given. */
  open(crashAt: string | null = null): Promise<string[] | null> {
    return this.#ask({ open: crashAt })
  }

  /** Sets the clock, also before opening. */
  clock(nowMs: number): Promise<true | null> {
    return this.#ask({ clock: nowMs })
  }

  arm(crashAt: string): Promise<true | null> {
    return this.#ask({ arm: crashAt })
  }

  /** POST with a body, GET without. */
  send(path: string, body?: unknown, as = 'ann', role: Role = 'admin'): Promise<Reply | null> {
    return this.#ask({ path, body: body ?? null, as, role })
  }

  /** Releases what is held and waits until everything is sealed, indexed, and the duties are at rest. */
  settle(): Promise<true | null> {
    return this.#ask({ settle: true })
  }

  async close(): Promise<void> {
    await this.#ask({ close: true })
    await this.ended
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  #ask<T>(message: object): Promise<T | null> {
    if (this.#dead) return Promise.resolve(null)
    const n = ++this.#next
    return new Promise((resolve) => {
      this.#waiting.set(n, resolve as (answer: unknown) => void)
      this.#process.send({ n, ...message }, () => {})
    })
  }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const [folder, yaml] = process.argv.slice(2) as [string, string]
  let local: Local
  let app: ReturnType<typeof createApp>
  let ahead = 0
  const now = (): number => Date.now() + ahead
  process.on('message', (ask: Ask) => {
    void take(ask)
      .catch((error: unknown) => ({ failed: String(error) }))
      .then((answer) => process.send?.({ n: ask.n, answer }))
      .then(() => 'close' in ask && process.disconnect?.())
  })
  async function take(ask: Ask): Promise<unknown> {
    if ('open' in ask) {
      // The process is killed before it could write its compiled sources at the end.
      flushCompileCache()
      armCrashPoint(ask.open ?? undefined)
      const { config } = parseConfig(yaml, 'sealtrail.yaml', folder, { cwd: folder, env: {}, data: join(folder, 'data') })
      local = await openLocal(config, { now, log: createLog({ level: 'error', now }) })
      const { deps } = local.served
      // The token says who asks and as what: these tests are about duties, not about tokens.
      const check = (token: string): { name: string; role: Role } => ({ name: token.split(':')[0] as string, role: token.split(':')[1] as Role })
      app = createApp({
        ...deps,
        tokens: {
          check,
          create: () => {
            throw new Error('none')
          },
          revoke: () => false,
          list: () => [],
        },
      })
      return [...local.sealing.findings]
    }
    if ('arm' in ask) armCrashPoint(ask.arm)
    else if ('clock' in ask) ahead = ask.clock - Date.now()
    else if ('settle' in ask) {
      await local.sealing.flush()
      await local.indexed()
      await local.holding.idle()
      await local.extending.idle()
      await local.erasing.idle()
    } else if ('close' in ask) await local.close()
    else {
      const { path, body, as, role } = ask
      const answer = await app.request(path, {
        method: body === null ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${as}:${role}`, ...(body === null ? {} : { 'content-type': 'application/json' }) },
        ...(body === null ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, body: /json/.test(answer.headers.get('content-type') ?? '') ? (JSON.parse(text) as JsonObject) : {} }
    }
    return true
  }
}
