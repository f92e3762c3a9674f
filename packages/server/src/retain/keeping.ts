import { hash } from 'node:crypto'
import { encodeKept, KEPT_FORMAT, keptKey, MAX_KEPT_RECORDS, objectDigest, parseRecord } from '@sealtrail/evidence'
import { zstdCompressSync, constants } from 'node:zlib'
import { crashPoint } from '../observe/crash-point.ts'
import { objectKey } from '../store/objects.ts'
import type { Lock, Store } from '../store/store.ts'

/** A record that stays. */
export interface ToKeep {
  readonly index: number
  readonly record: Uint8Array
}

export interface KeepDeps {
  readonly log: string
  readonly origin: string
  readonly store: Store
  /** The signed note the proofs lead to, and its size. */
  readonly checkpoint: string
  readonly size: number
  prove(index: number, size: number): readonly Uint8Array[]
  readonly lock: Lock
}

const MAX_BYTES = 8 * 1024 * 1024

/**
 * Stores records with their proofs in objects of their own, locked and read back; resolves to the objects' names. What the
 * records name beside themselves (data that did not fit) is locked as long. The same records again are the same objects as
 * long as the checkpoint is; another one makes another object beside, which harms nobody.
 * @throws SealtrailError NOT_DURABLE, STORE_NOT_LOCKED: then nothing may be removed
 */
export async function keepRecords(all: readonly ToKeep[], deps: KeepDeps): Promise<string[]> {
  const names: string[] = []
  for (let at = 0; at < all.length;) {
    const part: ToKeep[] = []
    for (let bytes = 0; at < all.length && part.length < MAX_KEPT_RECORDS && bytes < MAX_BYTES; at++) {
      const each = all[at] as ToKeep
      bytes += each.record.length
      part.push(each)
    }
    for (const { record } of part) {
      const digest = objectDigest(parseRecord(record))
      if (digest !== null) await deps.store.extend(objectKey(deps.log, digest), deps.lock)
    }
    const records = part.map(({ index, record }) => ({ index, record, proof: deps.prove(index, deps.size) }))
    const ndjson = encodeKept({ log: deps.origin, checkpoint: deps.checkpoint, records })
    const frame = zstdCompressSync(ndjson, { params: { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: 3 } })
    const key = keptKey(deps.log, part[0]!.index, hash('sha256', frame, 'hex'))
    crashPoint('kept:before-put')
    await deps.store.put(key, frame, deps.lock, { format: KEPT_FORMAT })
    // Dying here: the copy stands beside the segment, and nobody names it; the next run makes it again or another one.
    crashPoint('kept:after-put')
    names.push(key.slice(key.lastIndexOf('/') + 1))
  }
  return names
}
