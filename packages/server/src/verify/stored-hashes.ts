import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkHashPack, checkHashTail, PACK_LEAVES, parseObjectKey } from '@sealtrail/evidence'
import type { ExpiredRange, LeafHashes } from '@sealtrail/evidence'
import type { Store } from '../store/store.ts'
import { readStored } from './stored.ts'

/** Leaf hashes that stand in packs and tails of the store: they alone prove what has expired. */
export interface StoredHashes {
  readonly read: LeafHashes
  close(): void
}

/**
 * Reads the packs and tails that touch the ranges. They wait in a file, not in memory: a range may be a hundred million
 * records wide, 32 bytes each. A damaged object gives nothing; the audit names it.
 */
export async function storedHashes(store: Store, log: string, ranges: readonly ExpiredRange[]): Promise<StoredHashes> {
  if (ranges.length === 0) return { read: () => null, close() {} }
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-hashes-'))
  const fd = openSync(join(folder, 'leaves'), 'w+', 0o600)
  // Gone with the process, however it ends.
  rmSync(folder, { recursive: true })
  const covered = new Cover()
  for (const kind of ['hashes', 'tail'] as const) {
    for await (const { key, size } of store.list(`${log}/${kind}/`)) {
      const first = firstIn(key)
      const to = first + (kind === 'hashes' ? PACK_LEAVES : Math.floor(size / 32))
      // A run of 65,536 is read whole: a range may begin within it.
      if (first < 0 || !ranges.some((range) => range.to > first - (first % PACK_LEAVES) && range.from < to)) continue
      const bytes = await readStored(store, key)
      if (bytes === null || !isWhole(kind, key, bytes)) continue
      covered.add(first, first + bytes.length / 32, (from, end) => {
        writeSync(fd, bytes, (from - first) * 32, (end - from) * 32, from * 32)
      })
    }
  }
  return {
    read(first, count) {
      if (!covered.has(first, first + count)) return null
      const bytes = new Uint8Array(count * 32)
      return readSync(fd, bytes, 0, bytes.length, first * 32) === bytes.length ? bytes : null
    },
    close: () => closeSync(fd),
  }
}

function firstIn(key: string): number {
  try {
    return parseObjectKey(key).first
  } catch {
    return -1
  }
}

function isWhole(kind: 'hashes' | 'tail', key: string, bytes: Uint8Array): boolean {
  try {
    if (kind === 'hashes') checkHashPack(key, bytes)
    else checkHashTail(key, bytes)
    return true
  } catch {
    return false
  }
}

/** Which indexes are there; what came first (a pack before a tail) is not overwritten. */
class Cover {
  #parts: { from: number; to: number }[] = []

  add(from: number, to: number, take: (from: number, to: number) => void): void {
    let at = from
    for (const part of this.#parts) {
      if (part.to <= at) continue
      if (part.from >= to) break
      if (part.from > at) take(at, part.from)
      at = Math.max(at, part.to)
    }
    if (at < to) take(at, to)
    const merged: { from: number; to: number }[] = []
    for (const part of [...this.#parts, { from, to }].sort((a, b) => a.from - b.from)) {
      const last = merged.at(-1)
      if (last !== undefined && part.from <= last.to) last.to = Math.max(last.to, part.to)
      else merged.push({ ...part })
    }
    this.#parts = merged
  }

  has(from: number, to: number): boolean {
    return this.#parts.some((part) => part.from <= from && part.to >= to)
  }
}
