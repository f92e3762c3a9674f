import type { About, Held, Lock, Probe, ProbeEnv, Store, Stored } from './store.ts'

export type Operation = 'put' | 'get' | 'held' | 'extend' | 'hold' | 'remove' | 'probe' | 'lifecycle'

/** A store around another: passes everything on. Whoever extends it says what happens on the way. */
export class StoreAround implements Store {
  protected readonly inner: Store
  /** Only where the store within has it. */
  readonly lifecycle?: NonNullable<Store['lifecycle']>

  constructor(inner: Store) {
    this.inner = inner
    if (inner.lifecycle !== undefined) this.lifecycle = (cold, apply) => inner.lifecycle!(cold, apply)
  }

  put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    return this.pass('put', () => this.inner.put(key, bytes, lock, about))
  }

  get(key: string): Promise<Uint8Array | null> {
    return this.pass('get', () => this.inner.get(key))
  }

  list(prefix: string, after?: string): AsyncIterable<{ key: string; size: number }> {
    return this.inner.list(prefix, after)
  }

  held(key: string): Promise<Held | null> {
    return this.pass('held', () => this.inner.held(key))
  }

  extend(key: string, lock: Lock): Promise<Held> {
    return this.pass('extend', () => this.inner.extend(key, lock))
  }

  hold(key: string, on: boolean): Promise<Held> {
    return this.pass('hold', () => this.inner.hold(key, on))
  }

  remove(key: string, nowMs: number): Promise<void> {
    return this.pass('remove', () => this.inner.remove(key, nowMs))
  }

  probe(env: ProbeEnv): Promise<Probe> {
    return this.pass('probe', () => this.inner.probe(env))
  }

  close(): Promise<void> {
    return this.inner.close()
  }

  /** Every call but lists goes through here. */
  protected pass<T>(_operation: Operation, run: () => Promise<T>): Promise<T> {
    return run()
  }
}
