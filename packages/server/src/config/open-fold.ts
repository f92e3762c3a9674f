import { join } from 'node:path'
import { Fold } from '../retain/fold.ts'
import type { FoldPart } from '../retain/fold.ts'
import { SYSTEM_LOG } from '../threads/system-entry.ts'
import type { Config } from './config.ts'
import type { Sealing } from './open-sealing.ts'

/** The standing orders of a data directory open for writing, up to what is sealed now. @throws SealtrailError DATA_CORRUPT when the system log cannot be read */
export async function openFold(
  config: Pick<Config, 'data'>,
  { records, sizes, hashes }: Pick<Sealing, 'records' | 'sizes' | 'hashes'>,
  parts: readonly FoldPart[],
  file: string = join(config.data, 'retain', 'state.json'),
): Promise<Fold> {
  const fold = new Fold({
    records: { size: (log) => sizes.get(log), range: (log, from, to) => records.range(log, from, to) },
    parts,
    file,
    rootAt: (size) => Buffer.from(hashes.get(SYSTEM_LOG)?.rootAt(size) ?? []).toString('hex'),
  })
  await fold.catchUp()
  return fold
}
