import { SealtrailError } from '../errors.ts'
import type { Traffic } from './counted.ts'

/** What every store is opened with that is reached over a network. */
export interface RemoteOptions {
  /** How long one request may take, from its first byte to the last byte of the answer. */
  readonly timeoutMs: number
  /**
   * False where the operator has said `store.unlocked: go-on`: `put` then answers with assurance `none` where the store
   * took the bytes and not the lock, instead of throwing STORE_NOT_LOCKED. Bytes are read back all the same.
   */
  readonly requireLock: boolean
  /** Nothing is written, locked or removed: for reading threads and for `verify`. */
  readonly readOnly?: boolean
  /** Told of every request and every repetition. */
  readonly traffic?: Traffic
  readonly patience?: Patience
}

/** How often and how soon a request is made again. */
export interface Patience {
  /** Requests under way at once; the next waits for its turn. */
  readonly atOnce: number
  /** Times a request is made in all. */
  readonly tries: number
  /** Longest pause before the second try; doubled before each further one, never above ten times this. */
  readonly pauseMs: number
  /** Resolves after this long. */
  pause(ms: number): Promise<void>
  /** Uniform in [0, 1): the part of the longest pause that is waited, so that many that failed together do not come back together. */
  random(): number
}

export const PATIENCE: Patience = {
  atOnce: 16,
  tries: 5,
  pauseMs: 200,
  pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  random: Math.random,
}

/** Requests to one store: so many at once, each tried so often. */
export class Requests {
  readonly #patience: Patience
  readonly #waiting: (() => void)[] = []
  #underWay = 0

  constructor(patience: Patience = PATIENCE) {
    this.#patience = patience
  }

  /** @param passes whether an error may pass by itself: a busy store, a lost connection, an answer that did not come. */
  async make<T>(request: () => Promise<T>, passes: (error: unknown) => boolean): Promise<T> {
    const { tries, pauseMs, pause, random } = this.#patience
    for (let tried = 1; ; tried++) {
      try {
        return await this.#inTurn(request)
      } catch (error) {
        if (tried >= tries || !passes(error)) throw error
        await pause(Math.min(pauseMs * 2 ** (tried - 1), pauseMs * 10) * random())
      }
    }
  }

  async #inTurn<T>(request: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#patience.atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#underWay++
    try {
      return await request()
    } finally {
      // The place is handed on, so nobody who comes meanwhile takes it.
      const next = this.#waiting.shift()
      if (next === undefined) this.#underWay--
      else next()
    }
  }
}

/** @throws SealtrailError DATA_UNWRITABLE when the store is open for reading only. */
export function checkWritable({ readOnly }: { readonly readOnly?: boolean }): void {
  if (readOnly === true) throw new SealtrailError('DATA_UNWRITABLE', 'the store is open for reading only')
}
