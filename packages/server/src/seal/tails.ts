import { hashTailKeyOf, PACK_LEAVES, parseObjectKey } from '@sealtrail/evidence'
import { crashPoint } from '../observe/crash-point.ts'
import type { Lock, Store } from '../store/store.ts'
import type { HashFiles } from './tiles.ts'

const ABOUT = { format: 'sealtrail/hashes/1' }

/**
 * Makes sure that the leaf hashes of records [0, to) stand in the store, locked: in packs, and behind these in tails, each
 * beginning where the one before it ends. What stands already is locked for longer where its lock ends earlier.
 * @throws SealtrailError NOT_DURABLE, STORE_NOT_LOCKED: then nothing may expire
 */
export async function storeTail(log: string, files: HashFiles, store: Store, to: number, lock: Lock): Promise<void> {
  const packs = new Set<number>()
  for await (const { key } of store.list(`${log}/hashes/`)) packs.add(firstOf(key))
  const tails = new Map<number, { key: string; to: number }>()
  for await (const { key, size } of store.list(`${log}/tail/`)) {
    const first = firstOf(key)
    const end = first + Math.floor(size / 32)
    if (end > (tails.get(first)?.to ?? 0)) tails.set(first, { key, to: end })
  }
  for (let run = 0; run < to; run += PACK_LEAVES) {
    if (packs.has(run)) continue
    let at = run
    const end = Math.min(to, run + PACK_LEAVES)
    for (let tail = tails.get(at); tail !== undefined && at < end; tail = tails.get(at)) {
      await store.extend(tail.key, lock)
      at = tail.to
    }
    if (at >= end) continue
    // A whole run without its pack: it is due, and its own duty stores it; until then two tails say the same.
    for (let from = at; from < end; from += PACK_LEAVES - 1) {
      const bytes = files.leaves(from, Math.min(end, from + PACK_LEAVES - 1))
      crashPoint('tail:before-put')
      await store.put(hashTailKeyOf(log, from, bytes), bytes, lock, ABOUT)
      crashPoint('tail:after-put')
    }
  }
}

function firstOf(key: string): number {
  try {
    return parseObjectKey(key).first
  } catch {
    return -1
  }
}
