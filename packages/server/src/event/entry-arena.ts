import { Buffer } from 'node:buffer'
import { encodeEntry, entryBound } from './entry.ts'
import type { EntryDraft } from './entry.ts'

const CHUNK = 256 * 1024

/**
 * Memory for entries on their way into a batch: written one after another into chunks, so that an entry costs no
 * allocation but its view. A chunk lives as long as an entry in it.
 */
export class EntryArena {
  #chunk: Buffer = Buffer.alloc(0)
  #used = 0

  /** The encoded entry. @param vaultKey as `encodeEntry`. */
  write(draft: EntryDraft, vaultKey: Uint8Array | null): Uint8Array {
    const room = entryBound(draft)
    if (this.#used + room > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK, room))
      this.#used = 0
    }
    const from = this.#used
    this.#used = encodeEntry(draft, vaultKey, this.#chunk, from)
    return this.#chunk.subarray(from, this.#used)
  }
}
