import { MAX_FILL_BYTES, fillRecord, integrityHash } from '@sealtrail/evidence'
import { checkInclusion, encodeBase64, leafHash, parseCheckpoint, parseNote } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { decodeEntry } from '../event/entry.ts'
import type { CheckpointView } from './checkpoint-view.ts'
import type { Fresh, IntakeDeps } from './intake.ts'
import { goneAt } from '../index/records.ts'
import type { ReadSide } from './read-side.ts'

/**
 * Full receipts of records just sealed: their hash and inclusion proof, checked against the checkpoint given before it is
 * handed out. A record this thread made itself need not be read back and unpacked for that: were its bytes not the leaf
 * that was sealed, the proof would fail.
 */
export function receipts(side: ReadSide, view: CheckpointView): IntakeDeps['receipt'] {
  return async (log, index, auditid, newest, fresh) => {
    const letOut = view.published(log)
    // A duplicate's record may be published long since; one just sealed is hardly ever.
    const covering = letOut !== null && index < letOut.size ? letOut : null
    const checkpoint = covering?.note ?? newest
    const bytes = fresh === null ? await side.records.record(log, index) : bytesOf(fresh)
    if (bytes === null && (await goneAt(side.records, log, index)) !== null)
      throw new SealtrailError('RECORDS_EXPIRED', 'the event was sealed, and its record has expired')
    if (bytes === null) throw new SealtrailError('DATA_CORRUPT', `log ${log} index ${index} is sealed and cannot be read back`)
    const { size, root } = parseCheckpoint(parseNote(checkpoint).text)
    const hashes = side.hashes(log).prove(index, Number(size))
    try {
      checkInclusion(BigInt(index), size, leafHash(bytes), hashes, root)
    } catch (cause) {
      throw new SealtrailError('DATA_CORRUPT', `log ${log} index ${index} is sealed and cannot be proved from the hash files`, { cause })
    }
    return {
      auditid,
      log,
      index,
      integrity_hash: integrityHash(bytes),
      checkpoint,
      proof: hashes.map((hash) => encodeBase64(hash)),
      published: covering?.met ?? false,
    }
  }
}

function bytesOf({ entry, late, sequence }: Fresh): Uint8Array {
  const { record, lateAt, sequenceAt } = decodeEntry(Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength))
  const bytes = new Uint8Array(record.length + MAX_FILL_BYTES)
  return bytes.subarray(0, fillRecord(record, lateAt, sequenceAt, late, sequence, bytes, 0))
}
