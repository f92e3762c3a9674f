/**
 * Committed size of every log, shared by all threads: the sealing thread stores a size after its commit, readers use it
 * as the upper bound of what they may prove. Monotonic, so a stale read is only an older true statement.
 */
export class Sizes {
  readonly #logs: readonly string[]
  readonly #cells: BigInt64Array

  constructor(logs: readonly string[], memory: SharedArrayBuffer = new SharedArrayBuffer(8 * logs.length)) {
    this.#logs = logs
    this.#cells = new BigInt64Array(memory)
  }

  get logs(): readonly string[] {
    return this.#logs
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.buffer as SharedArrayBuffer
  }

  /** 0 for an unknown log. */
  get(log: string): number {
    const at = this.#logs.indexOf(log)
    return at < 0 ? 0 : Number(Atomics.load(this.#cells, at))
  }

  set(log: string, size: number): void {
    Atomics.store(this.#cells, this.#logs.indexOf(log), BigInt(size))
  }
}
