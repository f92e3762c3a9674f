import { join } from 'node:path'
import { auditIdBytes } from '@sealtrail/evidence'
import type { Config } from '../config/config.ts'
import { ExpiredView } from '../config/expired-view.ts'
import { logsOf, tieredOf } from '../config/logs.ts'
import { openHeads, openStore } from '../config/open-store.ts'
import type { OpenStore } from '../config/open-store.ts'
import type { Token } from '../index/index.ts'
import type { Records } from '../index/records.ts'
import { Metrics } from '../observe/metrics.ts'
import { HashFiles } from '../seal/tiles.ts'
import { StoreCounts } from '../store/counted.ts'
import { readObject } from '../store/objects.ts'
import { KeptRecords } from '../store/kept.ts'
import { SegmentReader } from '../store/segments.ts'
import type { KeyAnswer } from '../vault/vault.ts'
import { LevelVaultReader } from '../vault/level/reader.ts'
import { decodeRow } from '../vault/row.ts'
import type { Sizes } from './sizes.ts'
import { SYSTEM_LOG } from './system-entry.ts'

/** What a thread opens to read: everything read-only, bounded by the committed sizes the sealing thread shares. */
export interface ReadSide {
  readonly records: Records
  readonly vault: LevelVaultReader
  /** The search tokens the vault keeps beside a record's disclosures; none when the row is gone. */
  tokens(auditid: string): Promise<readonly Token[]>
  hashes(log: string): HashFiles
  close(): Promise<void>
}

export interface ReadSideOptions {
  /** Where what is asked of the store is counted. */
  readonly metrics?: Metrics
  /** How the store is opened; a test says otherwise. */
  readonly openStore?: OpenStore
}

/** @param keysById asks the one thread that can unwrap people's keys. */
export async function openReadSide(
  config: Config,
  sizes: Sizes,
  keysById: (ids: readonly Uint8Array[]) => Promise<KeyAnswer[]>,
  { metrics = new Metrics(), openStore: open = openStore }: ReadSideOptions = {},
): Promise<ReadSide> {
  const at = (...names: string[]): string => join(config.data, ...names)
  const heads = openHeads(config.data, { readOnly: true })
  const store = await open(config, { readOnly: true, counts: new StoreCounts(metrics) })
  const expired = new ExpiredView(new KeptRecords(store))
  const segments = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null, expired })
  const vault = await LevelVaultReader.open(at('vault'), keysById)
  const files = new Map<string, HashFiles>()
  const hashes = (log: string): HashFiles => {
    let open = files.get(log)
    if (open === undefined) files.set(log, (open = HashFiles.open(at('tiles', log), { readOnly: true })))
    return open
  }
  expired.open({
    records: segments,
    size: (log) => sizes.get(log),
    rootAt: (size) => Buffer.from(hashes(SYSTEM_LOG).rootAt(size)).toString('hex'),
    file: at('retain', 'expired.json'),
    tiered: tieredOf(logsOf(config)),
  })
  return {
    records: {
      logs: () => sizes.logs,
      size: (log) => sizes.get(log),
      record: (log, index) => segments.record(log, index),
      object: (log, digest) => readObject(store, log, digest),
      range: (log, from, to) => segments.range(log, from, to),
      gone: (log) => expired.gone(log),
    },
    vault,
    async tokens(auditid) {
      const rows = await vault.rows(auditIdBytes(auditid))
      return rows.map((row) => decodeRow(row.key, row.value)).find((entry) => entry !== null)?.tokens ?? []
    },
    hashes,
    async close() {
      for (const open of files.values()) open.close()
      await vault.close()
      await store.close()
      heads.close()
    },
  }
}
