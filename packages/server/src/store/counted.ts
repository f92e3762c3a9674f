import { SealtrailError } from '../errors.ts'
import type { Counter, Histogram, Metrics } from '../observe/metrics.ts'
import { StoreAround } from './around.ts'
import type { Operation } from './around.ts'
import type { About, Lock, Store, Stored } from './store.ts'

/** What an adapter that speaks over a network tells of its requests: one call of the port may take several. */
export interface Traffic {
  /** One request went out; `name` is the platform's own for it, such as `PutObject`: this is what is billed. */
  sent(name: string): void
  /** A request is made again, after this error code of the platform (`SlowDown`, `503`, `timeout`). */
  again(name: string, code: string): void
}

/** Names of requests and codes come from the platform's library and its answers: whatever is no such name is counted as `other`. */
const NAME = /^[A-Za-z0-9_.-]{1,60}$/
/** attacker: a store that answers with ever new codes would fill the memory of whoever collects metrics. */
const MOST_CODES = 100

/** The numbers of all stores of a thread; `store` is the name of one. */
export class StoreCounts {
  readonly #codes = new Set<string>()
  readonly #operations: Counter
  readonly #errors: Counter
  readonly #bytes: Counter
  readonly #put: Histogram
  readonly #requests: Counter
  readonly #retries: Counter

  constructor(metrics: Metrics) {
    this.#operations = metrics.counter('sealtrail_store_operations_total', 'What was asked of a write-once store.', ['store', 'operation'])
    this.#errors = metrics.counter('sealtrail_store_errors_total', 'What a write-once store did not do, by error code.', ['store', 'operation', 'code'])
    this.#bytes = metrics.counter('sealtrail_store_bytes_total', 'Bytes of objects put and got.', ['store', 'operation'])
    this.#put = metrics.histogram('sealtrail_store_put_seconds', 'Until an object was stored and read back, or was not.', ['store'])
    this.#requests = metrics.counter('sealtrail_store_requests_total', 'Requests sent to a write-once store, by the platform’s name for them.', [
      'store',
      'request',
    ])
    this.#retries = metrics.counter('sealtrail_store_retries_total', 'Requests made again, by the platform’s error code.', ['store', 'request', 'code'])
  }

  /** What the adapter of this store is opened with. */
  traffic(store: string): Traffic {
    return {
      sent: (name) => this.#requests.add(1, store, nameOf(name)),
      again: (name, code) => this.#retries.add(1, store, nameOf(name), this.#code(code)),
    }
  }

  began(store: string, operation: Operation | 'list'): void {
    this.#operations.add(1, store, operation)
  }

  failed(store: string, operation: Operation | 'list', error: unknown): void {
    this.#errors.add(1, store, operation, error instanceof SealtrailError ? error.code : 'INTERNAL')
  }

  moved(store: string, operation: 'put' | 'get', bytes: number): void {
    this.#bytes.add(bytes, store, operation)
  }

  took(store: string, seconds: number): void {
    this.#put.observe(seconds, store)
  }

  #code(text: string): string {
    const code = nameOf(text)
    if (!this.#codes.has(code) && this.#codes.size >= MOST_CODES) return 'other'
    this.#codes.add(code)
    return code
  }
}

function nameOf(text: string): string {
  return NAME.test(text) ? text : 'other'
}

/** A store whose calls, bytes, errors and times are counted. */
export class CountedStore extends StoreAround {
  readonly #counts: StoreCounts
  readonly #name: string

  /** @param name of the store in the metrics, such as `s3`: of the configuration, never an address. */
  constructor(inner: Store, counts: StoreCounts, name: string) {
    super(inner)
    this.#counts = counts
    this.#name = name
  }

  override async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    const began = performance.now()
    try {
      const stored = await super.put(key, bytes, lock, about)
      this.#counts.moved(this.#name, 'put', bytes.length)
      return stored
    } finally {
      this.#counts.took(this.#name, (performance.now() - began) / 1000)
    }
  }

  override async get(key: string): Promise<Uint8Array | null> {
    const bytes = await super.get(key)
    if (bytes !== null) this.#counts.moved(this.#name, 'get', bytes.length)
    return bytes
  }

  override async *list(prefix: string, after?: string): AsyncGenerator<{ key: string; size: number }> {
    this.#counts.began(this.#name, 'list')
    try {
      yield* this.inner.list(prefix, after)
    } catch (error) {
      this.#counts.failed(this.#name, 'list', error)
      throw error
    }
  }

  protected override async pass<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    this.#counts.began(this.#name, operation)
    try {
      return await run()
    } catch (error) {
      this.#counts.failed(this.#name, operation, error)
      throw error
    }
  }
}
