import type { Lock } from '../store.ts'

/** One generation of an object, as the store describes it. */
export interface Generation {
  readonly name: string
  /** A decimal number beyond what a double holds. */
  readonly generation: string
  /** Changes with every change of what is said about the generation. */
  readonly metageneration: string
  readonly size: number
  readonly lock: Lock | null
  /** Temporary or event-based: either holds. */
  readonly legalHold: boolean
  /** False: written over or deleted, and kept by the bucket's versioning. */
  readonly live: boolean
  /** By the store's clock; null when it does not say. */
  readonly createdMs: number | null
}

/** What is asked of them of the store: nothing that could be large. */
export const FIELDS = 'name,generation,metageneration,size,retention,temporaryHold,eventBasedHold,timeCreated,timeDeleted'

const NUMBER = /^\d{1,19}$/
const MAX_NAME = 1_024

/** Reads a description. attacker: the store. @throws Error when it is none */
export function parseGeneration(value: unknown): Generation {
  const { name, generation, metageneration, size, retention, temporaryHold, eventBasedHold, timeCreated, timeDeleted } = Object(value) as Record<
    string,
    unknown
  >
  if (typeof name !== 'string' || name.length > MAX_NAME) throw new Error('a description without a name')
  if (typeof generation !== 'string' || !NUMBER.test(generation) || typeof metageneration !== 'string' || !NUMBER.test(metageneration))
    throw new Error('a description without its generation')
  if (typeof size !== 'string' || !NUMBER.test(size) || !Number.isSafeInteger(Number(size))) throw new Error('a description without a size')
  return {
    name,
    generation,
    metageneration,
    size: Number(size),
    lock: lockOf(retention),
    legalHold: temporaryHold === true || eventBasedHold === true,
    live: timeDeleted === undefined || timeDeleted === null,
    createdMs: typeof timeCreated === 'string' && !Number.isNaN(Date.parse(timeCreated)) ? Date.parse(timeCreated) : null,
  }
}

/** Null unless it is one of the two modes and a date: half a lock is none. */
function lockOf(retention: unknown): Lock | null {
  const { mode, retainUntilTime } = Object(retention ?? {}) as Record<string, unknown>
  const retainUntilMs = typeof retainUntilTime === 'string' ? Date.parse(retainUntilTime) : Number.NaN
  if (Number.isNaN(retainUntilMs) || (mode !== 'Locked' && mode !== 'Unlocked')) return null
  return { mode: mode === 'Locked' ? 'COMPLIANCE' : 'GOVERNANCE', retainUntilMs }
}

/** As the service takes it. */
export function retentionOf(lock: Lock): { mode: 'Locked' | 'Unlocked'; retainUntilTime: string } {
  return { mode: lock.mode === 'COMPLIANCE' ? 'Locked' : 'Unlocked', retainUntilTime: new Date(lock.retainUntilMs).toISOString() }
}

/** Oldest first. */
export function byAge(one: Generation, other: Generation): number {
  const [a, b] = [BigInt(one.generation), BigInt(other.generation)]
  return a < b ? -1 : a > b ? 1 : 0
}
