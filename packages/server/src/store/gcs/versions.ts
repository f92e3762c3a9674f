import { hash } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { digestNamed } from '../key.ts'
import type { Held } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { byAge, type Generation } from './generation.ts'

/** More generations of one name are somebody's attack, and nothing of ours. */
const MAX_GENERATIONS = 1_000
/** Generations of one name whose bytes are looked at for the right ones. */
const MAX_TRIED = 16

/** Which generation of a name is the object: the oldest with the bytes that the key names. */
export class Versions {
  readonly #bucket: Bucket
  readonly #prefix: string

  constructor(bucket: Bucket, prefix: string) {
    this.#bucket = bucket
    this.#prefix = prefix
  }

  name(key: string): string {
    return this.#prefix + key
  }

  /** Oldest first. */
  async of(key: string): Promise<Generation[]> {
    const name = this.name(key)
    const found: Generation[] = []
    for await (const each of this.#bucket.generations(name)) {
      if (each.name !== name) break
      found.push(each)
      if (found.length > MAX_GENERATIONS) throw new Error(`more than ${MAX_GENERATIONS} generations of one object`)
    }
    return found.sort(byAge)
  }

  /** The oldest generation with the bytes that the key names. */
  async right(key: string, generations: readonly Generation[]): Promise<{ generation: Generation; bytes: Buffer } | null> {
    const digest = digestNamed(key)
    for (const generation of generations.slice(0, MAX_TRIED)) {
      const bytes = await this.#bucket.bytes(generation.name, generation.generation)
      if (bytes !== null && hash('sha256', bytes, 'hex').startsWith(digest)) return { generation, bytes }
    }
    return null
  }

  /** A single one is not read: there is nothing to tell apart, and who needs its bytes checks them. */
  async object(key: string, generations: readonly Generation[]): Promise<Generation | null> {
    if (generations.length < 2 || digestNamed(key) === '') return generations[0] ?? null
    return (await this.right(key, generations))?.generation ?? generations[0]!
  }

  /**
   * The object with exactly these bytes, read back, or null. Where nothing in the key tells which bytes are meant, the oldest
   * generation is the object, whatever it holds.
   * @param written is read whatever the list says of it @throws SealtrailError ALREADY_WRITTEN
   */
  async standing(key: string, bytes: Uint8Array, written: Generation | null = null): Promise<Generation | null> {
    const read = ({ name, generation }: Generation): Promise<Buffer | null> => this.#bucket.bytes(name, generation, bytes.length)
    const [generations, back] = await Promise.all([this.of(key), written === null ? null : read(written)])
    const isNamed = digestNamed(key) !== ''
    for (const each of isNamed ? generations.filter(({ size }) => size === bytes.length).slice(0, MAX_TRIED) : generations.slice(0, 1)) {
      const got = each.size !== bytes.length ? null : each.generation === written?.generation ? back : await read(each)
      if (got !== null && got.equals(bytes)) return each
      if (!isNamed) throw new SealtrailError('ALREADY_WRITTEN', `other bytes are stored under ${key}`)
    }
    return null
  }
}

export function heldOf(key: string, object: Generation, generations: readonly Generation[]): Held {
  // A deleted object leaves no mark of its own here: nothing is live any more.
  const deleted = generations.every(({ live }) => !live) ? 1 : 0
  const { generation: version, size, lock, legalHold } = object
  return { key, size, version, lock, legalHold, others: generations.length - 1 + deleted }
}
