import { SealtrailError } from '../errors.ts'
import { THIS_THREAD, renewLevel } from '../observe/renew-level.ts'
import type { LevelHolder } from '../observe/renew-level.ts'
import { releaseLevel, resumeLevel } from '../observe/shared-level.ts'
import type { Caller, Handlers } from './rpc.ts'

/** What a thread that has vault or index open must answer to, from its first moment on. */
export const LEVEL_HANDLERS: Handlers = {
  releaseLevel: (location: string) => releaseLevel(location),
  resumeLevel: (location: string) => resumeLevel(location),
}

/**
 * The threads of a server that have a LevelDB open or remember people, as the sealing thread knows them: so that a database
 * can be opened anew, and what is remembered of people forgotten, everywhere.
 */
export class LevelThreads {
  readonly #holders = new Set<LevelHolder>()
  readonly #forgetting = new Set<() => Promise<void>>()
  /** Folder → the thread that opened it first; else it is this one. */
  readonly #first = new Map<string, LevelHolder>()
  #renewing: Promise<void> = Promise.resolve()

  /** A thread that is going to open one; `first` names the folder that no thread opens before it. Returns how to strike it off again. */
  add(caller: Caller, first?: string): () => void {
    const holder: LevelHolder = { release: (location) => asked(caller, 'releaseLevel', location), resume: (location) => asked(caller, 'resumeLevel', location) }
    this.#holders.add(holder)
    if (first !== undefined) this.#first.set(first, holder)
    return () => this.#holders.delete(holder)
  }

  /** A thread that remembers people. */
  remembers(forget: () => Promise<void>): void {
    this.#forgetting.add(forget)
  }

  async forget(): Promise<void> {
    await Promise.all([...this.#forgetting].map((forget) => forget()))
  }

  /** Resolves when no database is being opened anew: a thread that comes now is asked the next time. */
  async still(): Promise<void> {
    await this.#renewing
  }

  /** One after the other. @throws SealtrailError NOT_DURABLE */
  renew(location: string): Promise<void> {
    const result = this.#renewing.then(() => {
      const first = this.#first.get(location) ?? THIS_THREAD
      return renewLevel(location, [first, ...[THIS_THREAD, ...this.#holders].filter((holder) => holder !== first)])
    })
    this.#renewing = result.catch(() => {})
    return result
  }
}

/** A thread that has ended has let go of everything. */
async function asked(caller: Caller, name: string, location: string): Promise<void> {
  try {
    await caller.call(name, location)
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.code !== 'NOT_READY') throw error
  }
}
