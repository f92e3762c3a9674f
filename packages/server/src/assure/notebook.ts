import { existsSync, readFileSync } from 'node:fs'
import { replaceDurably } from '../durable-file.ts'
import { asObservation } from './observation.ts'
import type { Observation } from './observation.ts'

/** Why an observation is sealed; `old`: it is the last, and there should have been others since. */
export type Why = (typeof WHYS)[number]
const WHYS = ['start', 'changed', 'daily', 'old'] as const

/** An observation that is to be sealed and is not known to be. */
export interface Unsealed {
  readonly why: Why
  readonly observation: Observation
}

export interface Notes {
  /** The newest observation. */
  readonly last: Observation | null
  /** The newest that was sealed, or is among those to be. */
  readonly sealed: Observation | null
  readonly unsealed: readonly Unsealed[]
  /** How many findings there was no room for since the last that was sealed. */
  readonly leftOut: number
}

const FORMAT = 'sealtrail/assurance/1'
/** While the system log cannot take them: a store that changes its mind every minute fills no disk. */
const MOST_UNSEALED = 32
const NOTHING: Notes = { last: null, sealed: null, unsealed: [], leftOut: 0 }

/**
 * `assurance.json` in the data directory: what was observed, so that a restart remembers it, and what of it is still to be
 * sealed. It is written before the record: dying between the two, the next start seals it, under the same id.
 */
export class Notebook {
  readonly #path: string
  readonly #store: string
  #notes: Notes

  /** @param store observations of another store are not taken up. */
  private constructor(path: string, store: string, notes: Notes) {
    this.#path = path
    this.#store = store
    this.#notes = notes
  }

  /** A file that cannot be read says nothing, and what it would have said is observed again. @param damaged told of that. */
  static open(path: string, store: string, damaged: () => void): Notebook {
    if (!existsSync(path)) return new Notebook(path, store, NOTHING)
    try {
      const { format, last, sealed, unsealed, leftOut } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
      if (format !== FORMAT || !Array.isArray(unsealed)) throw new Error('another format')
      const ours = (value: unknown): Observation | null => {
        const observation = asObservation(value)
        return observation?.store === store ? observation : null
      }
      return new Notebook(path, store, {
        last: ours(last),
        sealed: ours(sealed),
        unsealed: unsealed.slice(0, MOST_UNSEALED).flatMap((each) => unsealedOf(each)),
        leftOut: typeof leftOut === 'number' && Number.isSafeInteger(leftOut) && leftOut > 0 ? leftOut : 0,
      })
    } catch {
      damaged()
      return new Notebook(path, store, NOTHING)
    }
  }

  get notes(): Notes {
    return this.#notes
  }

  /** Notes an observation, and why it is to be sealed, or null. Durable when it returns. @throws SealtrailError DATA_UNWRITABLE */
  note(observation: Observation, why: Why | null): void {
    const { unsealed, leftOut } = this.#notes
    if (why === null) return this.#write({ ...this.#notes, last: observation })
    const all = [...unsealed, { why, observation }]
    // The first tells when it began, the newest how it stands.
    const kept = all.length > MOST_UNSEALED ? [...all.slice(0, 1), ...all.slice(2)] : all
    this.#write({ last: observation, sealed: observation, unsealed: kept, leftOut: leftOut + all.length - kept.length })
  }

  /** The oldest that was to be sealed is. @throws SealtrailError DATA_UNWRITABLE */
  sealedFirst(): void {
    this.#write({ ...this.#notes, unsealed: this.#notes.unsealed.slice(1), leftOut: 0 })
  }

  #write(notes: Notes): void {
    // What was seen stands in this process whether or not the disk takes it.
    this.#notes = notes
    replaceDurably(this.#path, `${JSON.stringify({ format: FORMAT, store: this.#store, ...notes })}\n`, 'assurance.json')
  }
}

function unsealedOf(value: unknown): Unsealed[] {
  const { why, observation } = (value ?? {}) as Record<string, unknown>
  const known = asObservation(observation)
  const given = WHYS.find((each) => each === why)
  return known !== null && given !== undefined ? [{ why: given, observation: known }] : []
}
