import { hash } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { digestNamed } from '../key.ts'
import type { About, Held, Lock, Probe, ProbeCheck, ProbeEnv, Store, Stored } from '../store.ts'
import { compared } from './compare.ts'
import { copyObject } from './copy.ts'
import { Filler, type FillerDeps, type Lag } from './filler.ts'

/** `sync`: a put is done when both stores have it, read back. `follow`: when the main one has it; the replica is filled behind it. */
export type ReplicaMode = 'sync' | 'follow'

export interface ReplicaDeps extends Pick<FillerDeps, 'main' | 'replica' | 'now' | 'pause'> {
  readonly mode: ReplicaMode
  /** Nothing is put or compared: for reading threads. */
  readonly readOnly: boolean
  onLag(lag: Lag): void
  /** Told of each put that both must take: null, or what the replica said. */
  onReplicaPut(failure: string | null): void
  /** Something was had from the replica because the main store did not give it. @param why a code, or `missing`, `damaged` */
  onReplicaRead(why: string): void
}

/**
 * Two stores as one. What was put is in both, at once or a little later; what only one has is copied to the other, at
 * start and after every trouble. Reading falls back to the replica. Locks, holds and removals are of both, or not done.
 *
 * The main store decides: it alone takes a log on. A replica that is gone stops a `sync` server and is only told of by
 * one that lets it follow.
 */
export class ReplicatedStore implements Store {
  readonly lifecycle?: NonNullable<Store['lifecycle']>
  readonly #deps: ReplicaDeps
  readonly #main: Store
  readonly #replica: Store
  readonly #filler: Filler | null

  constructor(deps: ReplicaDeps) {
    this.#deps = deps
    this.#main = deps.main
    this.#replica = deps.replica
    this.#filler = deps.readOnly ? null : new Filler(deps)
    this.#filler?.start()
    if (deps.main.lifecycle !== undefined)
      this.lifecycle = async (cold, apply) => {
        const done = await deps.main.lifecycle!(cold, apply)
        await deps.replica.lifecycle?.(cold, apply)
        return done
      }
  }

  get lag(): Lag | null {
    return this.#filler?.lag ?? null
  }

  async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    if (this.#deps.mode === 'follow') {
      const stored = await this.#main.put(key, bytes, lock, about)
      // Dying here: the replica lacks it; the next start finds that by comparing.
      this.#filler?.put(key)
      return stored
    }
    const [stored, copied] = await Promise.allSettled([this.#main.put(key, bytes, lock, about), this.#replica.put(key, bytes, lock, about)])
    // Dying here: one or both have it and nobody was told; put again, or taken up by recovery, and copied to the other.
    if (stored.status === 'rejected') throw stored.reason
    const failure = copied.status === 'rejected' ? ofReplica(copied.reason, `${key} is in the main store and not in the replica`) : null
    this.#deps.onReplicaPut(failure === null ? null : `${failure.code}: ${failure.message}`)
    if (failure !== null) throw failure
    return stored.value
  }

  async get(key: string): Promise<Uint8Array | null> {
    let bytes: Uint8Array | null = null
    let failure: unknown = null
    try {
      bytes = await this.#main.get(key)
    } catch (error) {
      failure = error
    }
    if (bytes !== null && isNamed(key, bytes)) return bytes
    const copy = await this.#replica.get(key).catch(() => null)
    if (copy !== null && isNamed(key, copy)) {
      this.#deps.onReplicaRead(failure === null ? (bytes === null ? 'missing' : 'damaged') : failure instanceof SealtrailError ? failure.code : 'INTERNAL')
      return copy
    }
    if (failure !== null) throw failure
    return bytes
  }

  async *list(prefix: string, after?: string): AsyncGenerator<{ key: string; size: number }> {
    // A replica that does not answer must not keep anybody from what the main store has.
    let last = after
    try {
      for await (const { key, size } of compared(this.#main, silent(this.#replica), prefix, after)) {
        last = key
        yield { key, size }
      }
    } catch (error) {
      if (!(error instanceof ReplicaSilent)) throw error
      yield* this.#main.list(prefix, last)
    }
  }

  async held(key: string): Promise<Held | null> {
    const held = await this.#main.held(key)
    if (held === null) return this.#replica.held(key)
    // A replica that follows is a moment behind, in locks as well.
    if (this.#deps.mode === 'follow') return held
    const copy = await this.#replica.held(key).catch(() => null)
    return copy === null
      ? held
      : { ...held, lock: weaker(held.lock, copy.lock), legalHold: held.legalHold && copy.legalHold, others: held.others + copy.others }
  }

  async extend(key: string, lock: Lock): Promise<Held> {
    const held = await this.#main.extend(key, lock)
    await this.#both(key, () => this.#replica.extend(key, lock))
    return held
  }

  async hold(key: string, on: boolean): Promise<Held> {
    const held = await this.#main.hold(key, on)
    await this.#both(key, () => this.#replica.hold(key, on))
    return held
  }

  async remove(key: string, nowMs: number): Promise<void> {
    await this.#filler?.forget(key)
    // The copy first: dying in between leaves the original, whose removal is tried again. The other way it would come back.
    try {
      await this.#replica.remove(key, nowMs)
    } catch (error) {
      throw ofReplica(error, `${key} stays`)
    }
    await this.#main.remove(key, nowMs)
  }

  /** Of both; what the main store is worth is what counts, the replica's checks are told beside it. */
  async probe(env: ProbeEnv): Promise<Probe> {
    const probe = await this.#main.probe(env)
    const copy = await this.#replica.probe(env).catch((error: unknown) => (error instanceof SealtrailError ? error : null))
    if (copy === null || copy instanceof SealtrailError) {
      const seen = copy === null ? 'it could not be probed' : copy.code
      return { ...probe, checks: [...probe.checks, { name: 'replica', result: 'skipped', seen, decisive: false }] }
    }
    const whole: ProbeCheck = { name: 'replica', result: copy.assurance === 'none' ? 'broken' : 'held', seen: copy.assurance, decisive: false }
    return { ...probe, checks: [...probe.checks, whole, ...copy.checks.map((check) => ({ ...check, name: `replica-${check.name}`, decisive: false }))] }
  }

  async close(): Promise<void> {
    await this.#filler?.close()
    await this.#main.close()
    await this.#replica.close()
  }

  /** Does to the copy what was done to the original; a copy that is not there yet is made first, as the original is now. */
  async #both(key: string, change: () => Promise<unknown>): Promise<void> {
    // Not beside a copy of the same object that is under way.
    await this.#filler?.forget(key)
    try {
      try {
        await change()
      } catch (error) {
        if (!(error instanceof SealtrailError && error.code === 'NOT_FOUND')) throw error
        await copyObject(this.#main, this.#replica, key, this.#deps.now())
        await change()
      }
    } catch (error) {
      this.#filler?.put(key)
      throw ofReplica(error, `${key} is changed in the main store and not in the replica`)
    }
  }
}

class ReplicaSilent extends Error {}

/** The replica, whose lists end with an error of their own kind. */
function silent(replica: Store): Store {
  const list: Store['list'] = async function* (prefix, after) {
    try {
      yield* replica.list(prefix, after)
    } catch (cause) {
      throw new ReplicaSilent('the replica does not answer', { cause })
    }
  }
  return new Proxy(replica, { get: (of, name) => (name === 'list' ? list : (Reflect.get(of, name, of) as unknown)) })
}

/** Which of the two failed is the first thing an operator asks. */
function ofReplica(error: unknown, what: string): SealtrailError {
  const known = error instanceof SealtrailError ? error : null
  const code = known === null || known.code === 'STORE_UNREADABLE' || known.code === 'INTERNAL' ? 'NOT_DURABLE' : known.code
  return new SealtrailError(code, `${what}: the replica says ${known?.message ?? 'nothing'}`, { cause: error })
}

/** What surely holds both. */
function weaker(one: Lock | null, other: Lock | null): Lock | null {
  if (one === null || other === null) return null
  return {
    mode: one.mode === 'COMPLIANCE' && other.mode === 'COMPLIANCE' ? 'COMPLIANCE' : 'GOVERNANCE',
    retainUntilMs: Math.min(one.retainUntilMs, other.retainUntilMs),
  }
}

function isNamed(key: string, bytes: Uint8Array): boolean {
  const digest = digestNamed(key)
  return digest === '' || hash('sha256', bytes, 'hex').startsWith(digest)
}
