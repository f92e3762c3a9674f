import { hash } from 'node:crypto'
import { MAX_FILL_BYTES, encodeSegmentHeader, encodeSegmentTrailer, fillRecord } from '@sealtrail/evidence'
import type { Completed, Frontier } from '@sealtrail/tlog'
import type { Head } from '../head/head.ts'
import type { Position } from '../event/position.ts'
import type { Numbered } from '../event/numbered.ts'

/** A commit before it is stored: the segment's bytes and what the log will be once its head is swapped. */
export interface Built {
  readonly ndjson: Buffer
  /** Byte range of each record in `ndjson`: record i is [offsets[2i], offsets[2i+1]). */
  readonly offsets: Uint32Array
  /** RFC 6962 leaf hashes, 32 bytes each. */
  readonly leafHashes: Buffer
  /** Inner nodes these leaves completed. */
  readonly completed: Completed
  readonly frontier: Frontier
  readonly size: number
  /** Lower-case hex. */
  readonly root: string
}

/** Where the log stands before the commit. */
export interface Standing {
  readonly origin: string
  readonly head: Head
  /** The signed checkpoint of that head. */
  readonly checkpoint: string
  readonly frontier: Frontier
}

const NEWLINE = 0x0a
const LEAF_PREFIX = 0x00 // RFC 6962 §2.1

/**
 * Lays out one segment (docs/format.md): header line, the records with `late` and `subjectsequence` filled in, trailer
 * line signed by the segment key. Hashes each record in place: the byte before it is the newline of the line before,
 * which for the moment of hashing holds RFC 6962's leaf prefix, so no record is copied twice.
 */
export function build(standing: Standing, items: readonly Numbered[], journal: Position, createdMs: number, signer: SegmentSigner): Built {
  const { head } = standing
  const header = encodeSegmentHeader({
    log: standing.origin,
    first: head.size,
    count: items.length,
    created: new Date(createdMs).toISOString(),
    journal: { file: journal.file, offset: journal.offset },
    previous: {
      size: head.size,
      root: head.root,
      segment: head.digest,
      checkpoint: standing.checkpoint,
      ...(head.version === undefined ? {} : { version: head.version }),
    },
  })
  let room = header.length * 3 + 1024
  for (const item of items) room += item.entry.record.length + MAX_FILL_BYTES + 1
  const ndjson = Buffer.allocUnsafeSlow(room)
  const offsets = new Uint32Array(items.length * 2)
  const leafHashes = Buffer.allocUnsafe(items.length * 32)
  let at = ndjson.utf8Write(header, 0)
  ndjson[at++] = NEWLINE
  for (let i = 0; i < items.length; i++) {
    const start = at
    const { entry, late, sequence } = items[i] as Numbered
    // Entries of a raw log have no places to fill in (event/raw-log.ts).
    at = entry.lateAt < 0 ? copy(entry.record, ndjson, at) : fillRecord(entry.record, entry.lateAt, entry.sequenceAt, late, sequence, ndjson, at)
    ndjson[start - 1] = LEAF_PREFIX
    leafHashes.latin1Write(hash('sha256', ndjson.subarray(start - 1, at), 'binary'), i * 32, 32)
    ndjson[start - 1] = NEWLINE
    offsets[2 * i] = start
    offsets[2 * i + 1] = at
    ndjson[at++] = NEWLINE
  }
  const frontier = standing.frontier.clone()
  const completed = frontier.append(leafHashes)
  const root = Buffer.from(frontier.root()).toString('hex')
  const size = head.size + items.length
  const trailer = encodeSegmentTrailer({ size, root }, hash('sha256', ndjson.subarray(0, at), 'hex'), signer)
  at += ndjson.utf8Write(trailer, at)
  ndjson[at++] = NEWLINE
  return { ndjson: ndjson.subarray(0, at), offsets, leafHashes, completed, frontier, size, root }
}

function copy(bytes: Uint8Array, into: Uint8Array, at: number): number {
  into.set(bytes, at)
  return at + bytes.length
}

export interface SegmentSigner {
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}
