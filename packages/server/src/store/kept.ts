import { hash } from 'node:crypto'
import { decodeKept, keptKey, parseObjectKey } from '@sealtrail/evidence'
import type { Kept, KeptRecord } from '@sealtrail/evidence'
import type { Store } from './store.ts'
import { unpackSync } from './unpack.ts'

const CACHED = 16

/**
 * Finds records that outlive their segments, on any thread. The objects of one log ascend by their first record and do not
 * overlap, but for a run that was cut off and made another beside it: then either holds the record.
 */
export class KeptRecords {
  readonly #store: Pick<Store, 'get' | 'list'>
  readonly #cache = new Map<string, readonly KeptRecord[]>()
  readonly #keys = new Map<string, string[]>()

  constructor(store: Pick<Store, 'get' | 'list'>) {
    this.#store = store
  }

  /** The record's bytes as they are stored, unproven, or null when no object keeps it. */
  async record(log: string, index: number): Promise<Uint8Array | null> {
    return (await this.#find(log, index, this.#keys.get(log) ?? [])) ?? (await this.#find(log, index, await this.#list(log)))
  }

  /** Every kept record of a range, once each, ascending. */
  async within(log: string, from: number, to: number): Promise<KeptRecord[]> {
    const found = new Map<number, KeptRecord>()
    for (const key of await this.#list(log)) {
      if (parseObjectKey(key).first >= to) break
      for (const record of await this.#open(log, key)) if (record.index >= from && record.index < to) found.set(record.index, record)
    }
    return [...found.values()].sort((a, b) => a.index - b.index)
  }

  async #find(log: string, index: number, keys: readonly string[]): Promise<Uint8Array | null> {
    // The last ones that begin at or before it.
    const at = keys.findLastIndex((key) => parseObjectKey(key).first <= index)
    for (const key of keys.slice(Math.max(0, at - 3), at + 1).reverse()) {
      const found = (await this.#open(log, key)).find((record) => record.index === index)
      if (found !== undefined) return found.record
    }
    return null
  }

  async #list(log: string): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of this.#store.list(`${log}/kept/`)) if (isKey(key)) keys.push(key)
    this.#keys.set(log, keys)
    return keys
  }

  async #open(log: string, key: string): Promise<readonly KeptRecord[]> {
    const cached = this.#cache.get(key)
    if (cached !== undefined) return cached
    const records = openKept(key, await this.#store.get(key).catch(() => null))?.records ?? []
    if (this.#cache.size >= CACHED) this.#cache.delete(this.#cache.keys().next().value as string)
    this.#cache.set(key, records)
    return records
  }
}

/** The kept records of an object, or null when it is not the one its key names. attacker: whoever holds the store. */
export function openKept(key: string, frame: Uint8Array | null): Kept | null {
  if (frame === null) return null
  try {
    const { log, first } = parseObjectKey(key)
    if (key !== keptKey(log, first, hash('sha256', frame, 'hex'))) return null
    const kept = decodeKept(unpackSync(frame))
    return kept.records[0]?.index === first ? kept : null
  } catch {
    return null
  }
}

function isKey(key: string): boolean {
  try {
    return parseObjectKey(key).kind === 'kept'
  } catch {
    return false
  }
}
