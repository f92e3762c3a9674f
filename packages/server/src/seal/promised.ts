import { SealtrailError } from '../errors.ts'
import type { Head } from '../head/head.ts'
import type { HashFiles } from './tiles.ts'

/**
 * Holds the recovered log against the last checkpoint that was signed for it: whoever has seen that one will ask for a
 * proof that the log only grew. Segments are synced before a checkpoint is signed, so no crash leads here; lost or
 * exchanged files do, and going on would sign a second history.
 * @throws SealtrailError DATA_CORRUPT
 */
export function assertPromised(log: string, signed: { readonly size: number; readonly root: string } | null, head: Head, files: HashFiles): void {
  if (signed === null) return
  if (signed.size > head.size) {
    throw new SealtrailError(
      'DATA_CORRUPT',
      `${log}: a checkpoint of size ${signed.size} was signed, but the log ends at ${head.size}: restore the segments that are missing`,
      { stopsLog: true },
    )
  }
  if (Buffer.from(files.rootAt(signed.size)).toString('hex') !== signed.root) {
    throw new SealtrailError('DATA_CORRUPT', `${log}: the checkpoint signed at size ${signed.size} is not one of this log: its segments were exchanged`, {
      stopsLog: true,
    })
  }
}
