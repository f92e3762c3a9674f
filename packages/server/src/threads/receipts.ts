import { integrityHash } from '@sealtrail/evidence'
import { encodeBase64, parseCheckpoint, parseNote } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { IntakeDeps } from './intake.ts'
import type { ReadSide } from './read-side.ts'

/** Full receipts of records just sealed: hash of the stored bytes, and their inclusion proof against the checkpoint given. */
export function receipts(side: ReadSide): IntakeDeps['receipt'] {
  return async (log, index, auditid, checkpoint) => {
    const bytes = await side.records.record(log, index)
    if (bytes === null) throw new SealtrailError('DATA_CORRUPT', `log ${log} index ${index} is sealed and cannot be read back`)
    const size = Number(parseCheckpoint(parseNote(checkpoint).text).size)
    const proof = side
      .hashes(log)
      .prove(index, size)
      .map((hash) => encodeBase64(hash))
    return { auditid, log, index, integrity_hash: integrityHash(bytes), checkpoint, proof, published: true }
  }
}
