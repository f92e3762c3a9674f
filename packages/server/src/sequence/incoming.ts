import type { Batch, BatchObject } from '../event/batch.ts'
import { decodeEntry, entryInLog } from '../event/entry.ts'
import type { Entry } from '../event/entry.ts'
import type { VaultRow } from '../vault/vault.ts'
import { Waiting } from './under-way.ts'

/** A batch on the sealing thread: its entries decoded, and who waits for it. */
export class Incoming {
  readonly entries: Entry[] = []
  readonly waiting: Waiting
  readonly wait: 'sealed' | 'durable'
  readonly #batch: Batch
  readonly #bytes: Buffer<ArrayBuffer>
  readonly #moved = new Map<number, Buffer>()
  #elsewhere: Map<number, string> | null = null
  #needed = 0

  constructor(batch: Batch) {
    this.#batch = batch
    this.wait = batch.wait
    this.#bytes = Buffer.from(batch.entries.buffer as ArrayBuffer, batch.entries.byteOffset, batch.entries.byteLength)
    for (let i = 0; i + 1 < batch.offsets.length; i++) this.entries.push(decodeEntry(this.bytes(i) as Buffer))
    this.waiting = new Waiting(this.entries.length)
  }

  /** Writes the entry again for another log of its trail: its subject stands there. */
  move(i: number, log: string): void {
    const moved = entryInLog(this.bytes(i) as Buffer, log)
    this.#moved.set(i, moved)
    this.entries[i] = decodeEntry(moved)
    this.standsIn(i, log)
  }

  /** The record of this entry is in another log than the batch proposed. */
  standsIn(i: number, log: string): void {
    ;(this.#elsewhere ??= new Map<number, string>()).set(i, log)
  }

  /** Entry → log, for those whose record is in another log than the batch proposed; null when there is none. */
  get elsewhere(): ReadonlyMap<number, string> | null {
    return this.#elsewhere
  }

  /** The entry's bytes as the journal keeps them. */
  bytes(i: number): Uint8Array {
    return this.#moved.get(i) ?? this.#bytes.subarray(this.#batch.offsets[i], this.#batch.offsets[i + 1])
  }

  /** The entry's vault row, or null when it has none. */
  row(i: number): VaultRow | null {
    const from = this.#batch.rowOffsets[i] as number
    const to = this.#batch.rowOffsets[i + 1] as number
    if (from === to) return null
    return { key: this.#batch.rows.subarray(from, from + 24), value: this.#batch.rows.subarray(from + 24, to) }
  }

  /** Whether any of its rows is such a one. */
  someRow(is: (row: VaultRow) => boolean): boolean {
    return this.entries.some((_, i) => {
      const row = this.row(i)
      return row !== null && is(row)
    })
  }

  /** What entries name in the store. */
  get objects(): readonly BatchObject[] {
    return this.#batch.objects ?? []
  }

  /** One more entry whose bytes are needed until `done`. */
  need(): void {
    this.#needed++
  }

  /** Frees the entries' memory with its last entry, without waiting for a garbage collection that outside memory would provoke. */
  done(): void {
    if (--this.#needed === 0) this.#bytes.buffer.transfer(0)
  }

  /** The vault has its rows: their memory is free at once. */
  rowsStored(): void {
    ;(this.#batch.rows.buffer as ArrayBuffer).transfer(0)
  }
}
