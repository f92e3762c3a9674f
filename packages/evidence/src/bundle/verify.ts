import { EvidenceError } from '../errors.ts'
import type { BlobSource, BundleProgress, BundleTrust, BundleVerdict, ByteSource } from './verdict.ts'

/**
 * Checks an evidence bundle: the zip, every file against the manifest, every record against its log's checkpoint, the
 * checkpoint against what the examiner brought. Streams: memory does not grow with the number of records.
 *
 * attacker: every byte of the source; nothing in it makes this throw. What is wrong is in `problems`.
 * @param source a Blob or File, or bytes that can be read anywhere
 * @param trust keys, policy and roots from elsewhere. @throws TlogError for a vkey or policy that cannot be read
 * @throws what the source throws when it cannot be read
 */
export async function verifyBundle(
  _source: BlobSource | ByteSource,
  _trust: BundleTrust = {},
  _onProgress: (progress: BundleProgress) => void = () => {},
): Promise<BundleVerdict> {
  throw new EvidenceError('RECORD_FORMAT', 'not in this version yet')
}
