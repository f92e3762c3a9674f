import { checkHashPack, PACK_LEAVES } from '@sealtrail/evidence'
import { HashFiles } from '../seal/tiles.ts'
import type { Store } from '../store/store.ts'
import { readStored } from './stored.ts'

/** Leaf hashes kept outside the segments. */
export interface KeptHashes {
  /** Leaf hashes [first, first + count), 32 bytes each, or null. Not believed: they count once they lead to a root a segment names. */
  readonly read: (first: number, count: number) => Uint8Array | null
  close(): void
}

/**
 * From the level files; with `packs`, from the store's hash packs where they are whole, held in memory: 32 bytes a record,
 * for when damage has hit segments and level files at once. @param folder null: there are no level files
 */
export async function keptHashes(folder: string | null, store: Store, log: string, options: { packs: boolean }): Promise<KeptHashes> {
  const packs = new Map<number, Uint8Array>()
  if (options.packs) {
    for await (const { key } of store.list(`${log}/hashes/`)) {
      const bytes = await readStored(store, key)
      try {
        if (bytes !== null) packs.set(checkHashPack(key, bytes).first, bytes)
      } catch {
        // A damaged pack is the audit's to report.
      }
    }
  }
  const files = folder === null ? null : HashFiles.open(folder, { readOnly: true })
  const read = (first: number, count: number): Uint8Array | null => {
    const out = new Uint8Array(count * 32)
    for (let done = 0; done < count;) {
      const at = (first + done) % PACK_LEAVES
      const take = Math.min(count - done, PACK_LEAVES - at)
      const pack = packs.get(first + done - at)
      if (pack !== undefined) out.set(pack.subarray(at * 32, (at + take) * 32), done * 32)
      else if (files !== null && files.size >= first + done + take) out.set(files.leaves(first + done, first + done + take), done * 32)
      else return null
      done += take
    }
    return out
  }
  return { read, close: () => files?.close() }
}
