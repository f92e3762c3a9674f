import type { Batch } from '../event/batch.ts'
import { decodeEntry } from '../event/entry.ts'
import type { Entry } from '../event/entry.ts'
import type { VaultRow } from '../vault/vault.ts'
import { Waiting } from './under-way.ts'

/** A batch on the sealing thread: its entries decoded, and who waits for it. */
export class Incoming {
  readonly entries: Entry[] = []
  readonly waiting: Waiting
  readonly wait: 'sealed' | 'durable'
  readonly #batch: Batch
  readonly #bytes: Buffer

  constructor(batch: Batch) {
    this.#batch = batch
    this.wait = batch.wait
    this.#bytes = Buffer.from(batch.entries.buffer, batch.entries.byteOffset, batch.entries.byteLength)
    for (let i = 0; i + 1 < batch.offsets.length; i++) this.entries.push(decodeEntry(this.bytes(i) as Buffer))
    this.waiting = new Waiting(this.entries.length)
  }

  /** The entry's bytes as the journal keeps them. */
  bytes(i: number): Uint8Array {
    return this.#bytes.subarray(this.#batch.offsets[i], this.#batch.offsets[i + 1])
  }

  /** The entry's vault row, or null when it has none. */
  row(i: number): VaultRow | null {
    const from = this.#batch.rowOffsets[i] as number
    const to = this.#batch.rowOffsets[i + 1] as number
    if (from === to) return null
    return { key: this.#batch.rows.subarray(from, from + 24), value: this.#batch.rows.subarray(from + 24, to) }
  }
}
