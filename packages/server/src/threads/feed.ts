import type { Numbered } from '../event/numbered.ts'
import { readTokens } from '../event/entry.ts'
import type { Commit } from '../index/follower.ts'
import type { Committed } from '../seal/commit.ts'

/** A commit on its way to the index thread: two buffers and two arrays, moved, not copied. */
export interface FedCommit {
  readonly log: string
  readonly first: number
  readonly ndjson: Uint8Array
  readonly offsets: Uint32Array
  /** Search tokens of all records back to back, as entries hold them; those of record i are [tokenOffsets[i], tokenOffsets[i+1]). */
  readonly tokens: Uint8Array
  readonly tokenOffsets: Uint32Array
}

export function toFeed(log: string, committed: Committed, items: readonly Numbered[]): FedCommit {
  const { built, expected } = committed
  const tokenOffsets = new Uint32Array(items.length + 1)
  let room = 0
  items.forEach(({ entry }, i) => {
    room += entry.tokens.length
    tokenOffsets[i + 1] = room
  })
  const tokens = new Uint8Array(room)
  items.forEach(({ entry }, i) => tokens.set(entry.tokens, tokenOffsets[i]))
  return { log, first: expected.size, ndjson: built.ndjson, offsets: built.offsets, tokens, tokenOffsets }
}

/** The commit as the follower takes it; records are views into the bytes moved here. */
export function fromFeed(fed: FedCommit): Commit {
  const count = fed.tokenOffsets.length - 1
  const records: Uint8Array[] = []
  const tokens: Array<Array<{ kind: string; token: Uint8Array }>> = []
  for (let i = 0; i < count; i++) {
    records.push(fed.ndjson.subarray(fed.offsets[2 * i], fed.offsets[2 * i + 1]))
    tokens.push(readTokens(fed.tokens.subarray(fed.tokenOffsets[i], fed.tokenOffsets[i + 1])))
  }
  return { log: fed.log, first: fed.first, records, tokens }
}

/** What may move with it. */
export function transferOf(fed: FedCommit): ArrayBuffer[] {
  return [fed.ndjson.buffer as ArrayBuffer, fed.offsets.buffer as ArrayBuffer, fed.tokens.buffer as ArrayBuffer, fed.tokenOffsets.buffer as ArrayBuffer]
}
