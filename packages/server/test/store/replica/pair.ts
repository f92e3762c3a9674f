import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SealtrailError } from '../../../src/errors.ts'
import { FileStore } from '../../../src/store/files/store.ts'
import type { Lag } from '../../../src/store/replica/filler.ts'
import { ReplicatedStore, type ReplicaMode } from '../../../src/store/replica/store.ts'
import type { Store } from '../../../src/store/store.ts'

/** What goes wrong with a store, when it is told so. */
export class Mood {
  /** Every call fails. */
  gone = false
  /** The call of this number is done, and its answer lost; every one after it fails. */
  diesAfter = Infinity
  calls = 0

  fail(name: string): void {
    if (this.gone || this.calls > this.diesAfter) throw new SealtrailError(READS.has(name) ? 'STORE_UNREADABLE' : 'NOT_DURABLE', 'the store is gone')
  }
}

const READS = new Set(['get', 'held', 'list', 'probe'])

/** A store with a mood. */
export function moody(store: Store, mood: Mood): Store {
  return new Proxy(store, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of)
      if (typeof value !== 'function') return value
      const call = (value as (...args: unknown[]) => unknown).bind(of)
      if (name === 'close') return call
      if (name === 'list')
        return async function* (...args: unknown[]) {
          mood.fail('list')
          yield* call(...args) as AsyncIterable<unknown>
        }
      return async (...args: unknown[]) => {
        mood.fail(name as string)
        const number = mood.calls++
        const done = await call(...args)
        if (number === mood.diesAfter) mood.fail(name as string)
        return done
      }
    },
  })
}

export interface Pair {
  readonly folders: { readonly main: string; readonly replica: string }
  readonly main: Mood
  readonly replica: Mood
  readonly reads: string[]
  readonly puts: (string | null)[]
  open(mode: ReplicaMode): Promise<ReplicatedStore>
  lag(): Lag
  /** Resolves once the lag is as asked. */
  until(holds: (lag: Lag) => boolean): Promise<void>
  remove(): void
}

/** Two file stores, each with a mood, opened as one any number of times. */
export function pair(): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-replica-'))
  const folders = { main: join(folder, 'main'), replica: join(folder, 'replica') }
  const [main, replica] = [new Mood(), new Mood()]
  const told = new EventEmitter()
  let now: Lag = { objects: 0, sinceMs: null, comparing: true, refused: 0, trouble: null }
  const reads: string[] = []
  const puts: (string | null)[] = []
  return {
    folders,
    main,
    replica,
    reads,
    puts,
    async open(mode) {
      now = { objects: 0, sinceMs: null, comparing: true, refused: 0, trouble: null }
      return new ReplicatedStore({
        mode,
        main: moody(await FileStore.open(folders.main), main),
        replica: moody(await FileStore.open(folders.replica), replica),
        readOnly: false,
        now: Date.now,
        // Short, and no longer than anybody waits.
        pause: (_, signal) => new Promise((resolve) => (signal.aborted ? resolve() : setTimeout(resolve, 5).unref())),
        onLag(lag) {
          now = lag
          told.emit('lag')
        },
        onReplicaRead: (why) => void reads.push(why),
        onReplicaPut: (failure) => void puts.push(failure),
      })
    },
    lag: () => now,
    async until(holds) {
      while (!holds(now)) await once(told, 'lag')
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Both have everything. */
export const whole = ({ objects, comparing, trouble }: Lag): boolean => objects === 0 && !comparing && trouble === null
