import { auditIdBytes, parseRecord } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import type { Head } from '../head/head.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { HashFiles } from '../seal/tiles.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import { catchUp } from '../sequence/catch-up.ts'
import type { Sealed } from '../sequence/catch-up.ts'
import { fromRecord } from '../sequence/from-record.ts'
import type { RecordLore } from '../sequence/from-record.ts'
import type { Ledger } from '../sequence/ledger.ts'
import type { SegmentReader } from '../store/segments.ts'
import { decodeRow } from '../vault/row.ts'
import type { Vault } from '../vault/vault.ts'
import type { ExpiredView } from './expired-view.ts'
import type { OpenPacks } from './open-packs.ts'

export interface CatchUpDeps {
  readonly log: string
  /** Whose packs and identities its records have. */
  readonly trail: string
  readonly head: Head
  readonly ledger: Ledger
  readonly records: SegmentReader
  readonly expired: Pick<ExpiredView, 'gone' | 'keptWithin'>
  readonly vault: Vault
  readonly keys: Pick<KeyedHashes, 'name'>
  readonly tenant: string
  readonly packs: OpenPacks
  note(text: string): void
}

/** Why the ledger cannot be that of this log, or null: then it must begin afresh, for all logs. `hashes` end at the head. */
export function disagreement(ledger: Ledger, log: string, hashes: HashFiles): string | null {
  const marker = ledger.marker(log)
  if (marker === null || marker.size === 0) return null
  if (marker.size > hashes.size) return `it knows ${marker.size} records of ${log}, which has ${hashes.size}`
  return Buffer.from(hashes.rootAt(marker.size)).toString('hex') === marker.root ? null : `it knows another ${log} than this one`
}

/** Ledger state is derived: before anything is accepted, the segments tell it what it does not know. */
export async function catchUpLedger(deps: CatchUpDeps): Promise<void> {
  const { log, head, ledger, records } = deps
  const from = ledger.marker(log)?.size ?? 0
  if (from === head.size) return
  const lore = recordLore(deps)
  const gaps = (await deps.expired.gone(log)).length > 0
  let at = from
  for await (const { segment } of records.segments(log, from, head.size)) {
    const sealed: Sealed[] = []
    // An identity lasts as long as its record: of what has expired those of the records that were kept.
    if (segment.header.first > at)
      for (const { index, record } of await deps.expired.keptWithin(log, at, segment.header.first))
        sealed.push(await fromRecord(log, index, parseRecord(record), lore))
    at = segment.trailer.size
    for (let i = 0; i < segment.header.count; i++) {
      const bytes = segment.bytes.subarray(segment.starts[i], (segment.starts[i + 1] as number) - 1)
      sealed.push(await fromRecord(log, segment.header.first + i, parseRecord(bytes), lore))
    }
    await catchUp(ledger, log, sealed, { size: segment.trailer.size, root: segment.trailer.root }, { gaps })
    // Dying here: the marker says how far it came.
    crashPoint('catch-up:written')
  }
  if (head.size - from > 0) deps.note(`${log}: ledger state caught up from size ${from} to ${head.size}`)
}

function recordLore({ trail, keys, tenant, packs, vault }: CatchUpDeps): RecordLore {
  return {
    identity: (id) => keys.name(tenant + '\n' + trail + '\n' + id),
    async fingerprint(record: RecordFields): Promise<string> {
      for (const row of await vault.rows(auditIdBytes(record.auditid))) {
        const entry = decodeRow(row.key, row.value)
        if (entry !== null) return Buffer.from(entry.fingerprint).toString('latin1')
      }
      return '\0'.repeat(16)
    },
    order: (type) =>
      packs
        .of(trail)
        .map((pack) => pack.states.byType.get(type))
        .find((state) => state !== undefined) ?? null,
    held: () => packs.of(trail).some((pack) => pack.sequenced),
    statusRank: (status) =>
      packs
        .of(trail)
        .map((pack) => pack.statuses.get(status))
        .find((rank) => rank !== undefined) ?? 0,
  }
}
