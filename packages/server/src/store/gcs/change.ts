import { SealtrailError } from '../../errors.ts'
import { atLeast, isAtLeast } from '../lock.ts'
import type { Requests } from '../remote.ts'
import type { Held, Lock } from '../store.ts'
import type { Bucket, Description } from './bucket.ts'
import type { Client } from './client.ts'
import { durably, isConflict } from './failure.ts'
import { type Generation, retentionOf } from './generation.ts'
import { heldOf, type Versions } from './versions.ts'

/** Changes what holds an object, until it is read that it does. */
export class Changes {
  readonly #bucket: Bucket
  readonly #versions: Versions
  readonly #client: Client
  readonly #writes: Requests

  constructor(bucket: Bucket, versions: Versions, client: Client, writes: Requests) {
    this.#bucket = bucket
    this.#versions = versions
    this.#client = client
    this.#writes = writes
  }

  /** @throws SealtrailError NOT_FOUND, STORE_NOT_LOCKED, NOT_DURABLE */
  extend(key: string, lock: Lock): Promise<Held> {
    return this.#until(key, (standing) => {
      const wanted = atLeast(standing.lock, lock)
      return isAtLeast(standing.lock, wanted) ? null : { retention: retentionOf(wanted) }
    })
  }

  /** A temporary hold: an event-based one cannot stand beside a retention. @throws SealtrailError NOT_FOUND, STORE_NOT_LOCKED, NOT_DURABLE */
  hold(key: string, on: boolean): Promise<Held> {
    return this.#until(key, (standing) => (standing.legalHold === on ? null : { temporaryHold: on }))
  }

  /** @param wanted null when nothing is wanting; asked anew of what is read each time, so that a change of somebody else is never written over. */
  async #until(key: string, wanted: (standing: Generation) => Description | null): Promise<Held> {
    let asking = false
    let taken = false
    const attempt = async (): Promise<Held> => {
      asking = false
      const generations = await this.#versions.of(key)
      const object = await this.#versions.object(key, generations)
      if (object === null) throw new SealtrailError('NOT_FOUND', `the store has no ${key}`)
      const description = wanted(object)
      if (description === null) return heldOf(key, object, generations)
      if (taken) throw new SealtrailError('STORE_NOT_LOCKED', `the store took a change of what holds ${key} and does not show it`)
      // The override is for hardening alone; it could also shorten, and so goes for this very state of the object.
      const hardens = description.retention?.mode === 'Locked' && object.lock?.mode === 'GOVERNANCE'
      asking = true
      await this.#bucket.change(object, description, hardens)
      taken = true
      return attempt()
    }
    // Reading is patient by itself: what it gives up is not tried again here.
    const passes = (error: unknown): boolean => asking && (this.#client.passes('objects.patch', error) || isConflict(error))
    return durably(`what holds ${key} is not known to be changed`, () => this.#writes.make(attempt, passes))
  }
}
