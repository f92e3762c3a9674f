import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadPlan, LoadResult } from './load.ts'

export interface State {
  readonly sizes: Record<string, number>
  readonly indexed: Record<string, number>
  readonly held: Record<string, number>
  readonly rss: number
  readonly cpu: number
}

/** A server in a process of its own on a fresh data directory, and the generator beside it. */
export class UnderLoad {
  readonly data: string
  readonly #server: ChildProcess
  readonly #load: ChildProcess
  #at: { port: number; token: string } = { port: 0, token: '' }
  #serial = 1

  private constructor(data: string, threads: number, settleMs: number) {
    this.data = data
    const options = { execArgv: ['--conditions=@sealtrail/source'] }
    this.#server = fork(join(import.meta.dirname, 'server-process.ts'), [data, String(threads), String(settleMs)], options)
    this.#load = fork(join(import.meta.dirname, 'load.ts'), [], options)
  }

  static async start(threads: number, settleMs: number): Promise<UnderLoad> {
    const load = new UnderLoad(mkdtempSync(join(tmpdir(), 'sealtrail-bench-')), threads, settleMs)
    load.#at = await answer(load.#server)
    return load
  }

  state(): Promise<State> {
    return answer(this.#server, 'state')
  }

  async run(plan: Omit<LoadPlan, 'port' | 'token' | 'firstSerial'>): Promise<LoadResult> {
    const result: LoadResult = await answer(this.#load, { ...plan, ...this.#at, firstSerial: this.#serial })
    this.#serial = result.nextSerial
    return result
  }

  /** Watches RSS and index lag once a second until the promise settles. */
  async watch<T>(work: Promise<T>): Promise<{ result: T; rss: number; lagRecords: number }> {
    let rss = 0
    let lagRecords = 0
    let going = true
    const watching = (async () => {
      while (going) {
        const state = await this.state()
        rss = Math.max(rss, state.rss)
        lagRecords = Math.max(lagRecords, lagOf(state))
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    })()
    const result = await work
    going = false
    await watching
    return { result, rss, lagRecords }
  }

  /** Waits until nothing is held and the index has everything. */
  async settled(): Promise<State> {
    for (;;) {
      const state = await this.state()
      if (lagOf(state) === 0 && Object.values(state.held).every((held) => held === 0)) return state
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  bytesOnDisk(folder: string): number {
    return sizeOf(join(this.data, folder))
  }

  /** Closes the server; the data directory stays until `remove`. */
  async stop(): Promise<void> {
    this.#load.kill()
    this.#server.send('close')
    await new Promise((resolve) => this.#server.once('exit', resolve))
  }

  remove(): void {
    rmSync(this.data, { recursive: true, force: true })
  }
}

/** The generator in a process of its own; serials go on from run to run. */
export class Generator {
  readonly #load = fork(join(import.meta.dirname, 'load.ts'), [], { execArgv: ['--conditions=@sealtrail/source'] })
  #serial = 1

  async run(plan: Omit<LoadPlan, 'firstSerial'>): Promise<LoadResult> {
    const result: LoadResult = await answer(this.#load, { ...plan, firstSerial: this.#serial })
    this.#serial = result.nextSerial
    return result
  }

  end(): void {
    this.#load.kill()
  }
}

export function lagOf(state: State): number {
  return Object.keys(state.sizes).reduce((lag, log) => lag + (state.sizes[log] ?? 0) - (state.indexed[log] ?? 0), 0)
}

function answer<T>(child: ChildProcess, message?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a process of the benchmark ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (value) => {
      child.off('exit', ended)
      resolve(value as T)
    })
    if (message !== undefined) child.send(message as object)
  })
}

export function sizeOf(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
