import { auditId, flatten, integrityHash, joinData, objectDigest, parseRecord } from '@sealtrail/evidence'
import type { JsonObject, RecordFields } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { readAt } from '../index/finder.ts'
import type { Index } from '../index/index.ts'
import { goneAt } from '../index/records.ts'
import type { Records } from '../index/records.ts'
import type { AffectedRecord } from './eraser.ts'
import type { WorkRow } from './work-file.ts'

/** What sealed records are found with. */
export interface PlacesDeps {
  readonly index: Pick<Index, 'size' | 'auditid'>
  readonly records: Records
  sleep(ms: number): Promise<void>
  /** How long the index may take to hold everything committed. */
  readonly indexWithinMs: number
}

/** A sealed record whose values are in one of the rows. */
export interface PlacedRecord {
  readonly log: string
  readonly index: number
  readonly bytes: Uint8Array
  readonly record: RecordFields
  /** Its data whole, also where it did not fit the record. */
  readonly data: JsonObject
  readonly rows: readonly WorkRow[]
}

export interface Places {
  /** By log, then index; each once. */
  readonly placed: readonly PlacedRecord[]
  /** Rows whose event stands in no log: accepted and not sealed yet, or never acknowledged. */
  readonly elsewhere: readonly WorkRow[]
  /** Places whose segment is damaged: their values go, and what they say nobody can tell. */
  readonly unreadable: ReadonlyArray<{ readonly log: string; readonly index: number }>
}

/** Waits until the index holds everything committed by now. @throws SealtrailError INDEX_BEHIND */
export async function indexed({ index, records, sleep, indexWithinMs }: PlacesDeps): Promise<void> {
  const wanted = records.logs().map((log) => [log, records.size(log)] as const)
  for (let waited = 0; wanted.some(([log, size]) => index.size(log) < size); waited += 20) {
    if (waited >= indexWithinMs) throw new SealtrailError('INDEX_BEHIND')
    await sleep(20)
  }
}

/**
 * Where the events of these rows are sealed, in every log that has a copy. What has expired is in none.
 * @throws SealtrailError INDEX_BEHIND; DATA_CORRUPT when the index names a record of another event: it could hide one, too
 */
export async function placesOf(rows: readonly WorkRow[], deps: PlacesDeps): Promise<Places> {
  await indexed(deps)
  const byEvent = new Map<string, WorkRow[]>()
  for (const row of rows) {
    const auditid = auditidOf(row.key)
    byEvent.set(auditid, [...(byEvent.get(auditid) ?? []), row])
  }
  const placed: PlacedRecord[] = []
  const elsewhere: WorkRow[] = []
  const unreadable: Array<{ log: string; index: number }> = []
  let done = 0
  for (const [auditid, own] of byEvent) {
    if (++done % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    const places = await deps.index.auditid(auditid)
    if (places.length === 0) elsewhere.push(...own)
    for (const { log, index } of places) {
      const bytes = await readAt(deps.records, log, index)
      if (bytes === null) {
        if ((await goneAt(deps.records, log, index)) === null) unreadable.push({ log, index })
        continue
      }
      const record = parse(bytes)
      if (record?.auditid !== auditid)
        throw new SealtrailError('DATA_CORRUPT', `the index names record ${index} of ${log} for another event; run \`sealtrail rebuild-index\``)
      placed.push({ log, index, bytes: Uint8Array.from(bytes), record, data: await wholeData(record, log, deps.records), rows: own })
    }
  }
  placed.sort((a, b) => (a.log === b.log ? a.index - b.index : a.log < b.log ? -1 : 1))
  return { placed, elsewhere, unreadable }
}

/**
 * The records of which something goes, as plan and certificate name them.
 * @param stays digests that other parts of the event's rows open, for rows that do not say what goes
 */
export async function affected(
  placed: readonly PlacedRecord[],
  stays: (auditid: string) => Promise<ReadonlySet<string>>,
  withOthers: (row: WorkRow) => boolean,
): Promise<AffectedRecord[]> {
  const records: AffectedRecord[] = []
  for (const { log, index, bytes, record, data, rows } of placed) {
    const going = new Set(rows.flatMap(({ digests }) => digests ?? []))
    const rest = rows.some(({ digests }) => digests === null) ? await stays(record.auditid) : null
    const fields = flatten(data, [])
      .fields.filter(({ digest }) => going.has(digest) || (rest !== null && !rest.has(digest)))
      .map(({ path, digest }) => ({ path, digest }))
    // A row of an attempt that was never sealed has the same audit id, and other digests.
    if (fields.length === 0) continue
    const status = record.data['delivery_status']
    records.push({
      log,
      index,
      auditid: record.auditid,
      hash: integrityHash(bytes),
      type: record.type,
      time: record.time,
      status: typeof status === 'string' ? status : null,
      fields,
      subject: record.subject,
      recordedtime: record.recordedtime,
      withOthers: rows.some(withOthers),
    })
  }
  return records
}

/** The audit id a row's key begins with. */
export function auditidOf(key: Uint8Array): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length)
  return auditId(bytes.readUIntBE(0, 6), bytes.latin1Slice(6, 16))
}

async function wholeData(record: RecordFields, log: string, records: Pick<Records, 'object'>): Promise<JsonObject> {
  const digest = objectDigest(record)
  if (digest === null) return record.data
  const opened = joinData(record, await records.object(log, digest))
  // An object that is gone is `verify`'s to report; what stands in the record is known all the same.
  return 'data' in opened ? opened.data : record.data
}

function parse(bytes: Uint8Array): RecordFields | null {
  try {
    return parseRecord(bytes)
  } catch {
    return null
  }
}
