import { joinData, objectDigest, problemOf } from '@sealtrail/evidence'
import type { OpenedObject, Problem, RecordFields } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { Shown } from '../http/ports.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import type { Vault } from '../vault/vault.ts'
import type { Disclosed } from './disclose.ts'
import { disclose } from './disclose.ts'
import { reasonFields } from './gone.ts'
import type { ErasedUnder } from './gone.ts'
import type { Finder, FoundRecord } from './finder.ts'
import type { Index, Token } from './index.ts'
import type { Prover, Proven, Seal } from './prover.ts'
import type { Records } from './records.ts'
import type { Tail } from './tail.ts'
import type { TrailReading } from './trails.ts'
import { packOf, sightOf } from './views.ts'
import type { Sight, View } from './views.ts'

/** What all answers stand on. */
export interface ReadingDeps {
  readonly index: Index
  readonly records: Records
  readonly tail: Tail
  readonly finder: Finder
  readonly prover: Prover
  readonly vault: Pick<Vault, 'rows' | 'open'>
  readonly erasedUnder?: ErasedUnder
  readonly hashes: Pick<KeyedHashes, 'tokens'>
  readonly tenant: string
  readonly trails: readonly TrailReading[]
  tokens(auditids: readonly string[]): Promise<ReadonlyArray<readonly Token[]>>
  /** Told when the index points to a record that verifies and is another one: it is damaged. */
  onIndexDamage(log: string, index: number): void
  now(): number
}

/** A record found, proved against one checkpoint. */
export interface ProvenRecord extends FoundRecord {
  readonly seal: Seal
  readonly proven: Proven
  /** Its whole data, where the record names an object that holds the rest; null: what stands in the record is all there is to show. */
  readonly whole: JsonObject | null
}

/** Proves what was found in one log, all against the same checkpoint. @throws SealtrailError NOT_READY */
export async function proveAll(
  found: readonly FoundRecord[],
  log: string,
  { prover, records }: Pick<ReadingDeps, 'prover' | 'records'>,
): Promise<ProvenRecord[]> {
  if (found.length === 0) return []
  const size = found.reduce((most, record) => Math.max(most, record.index + 1), 0)
  const seal = await prover.seal(log, size)
  if (seal === null) throw new SealtrailError('DATA_CORRUPT', `there is no checkpoint of log ${log}`)
  return Promise.all(
    found.map(async (record): Promise<ProvenRecord> => {
      // What has expired is no damage: nothing of it can be shown, and that it stood here still can be proved.
      if (record.gone !== undefined)
        return { ...record, seal, proven: { integrity_hash: null, hashes: prover.path(seal, record.index), problems: [] }, whole: null }
      const proven = prover.prove(seal, record.index, record.bytes)
      const opened = proven.problems.length > 0 ? null : await openObject(record, log, records)
      if (opened === null) return { ...record, seal, proven, whole: null }
      if ('data' in opened) return { ...record, seal, proven, whole: opened.data }
      const problem = problemOf(opened.code, `record ${record.index} of ${log}`, record.index, opened.detail)
      return { ...record, seal, proven: { ...proven, problems: [problem] }, whole: null }
    }),
  )
}

const NAMES_OBJECT = Buffer.from('"dataobject":"sha256:')

/** What the object of a record came to; null for the usual record, which names none. */
async function openObject(record: FoundRecord, log: string, records: Pick<Records, 'object'>): Promise<OpenedObject | null> {
  if (record.fields === null || record.bytes === null || !Buffer.from(record.bytes.buffer, record.bytes.byteOffset, record.bytes.length).includes(NAMES_OBJECT))
    return null
  // A member of the data may be called that as well.
  const fields = attributesOf(record)
  const digest = objectDigest(fields)
  return digest === null ? null : joinData(fields, await records.object(log, digest))
}

/** The whole receipt of a record found, as JSON. The bytes parse. */
export function receiptOf(record: ProvenRecord, { prover }: Pick<ReadingDeps, 'prover'>): JsonObject {
  const receipt = prover.receipt(record.seal, record.index, record.fields?.auditid ?? '', record.bytes as Uint8Array, record.proven)
  return { ...receipt, proof: [...receipt.proof] }
}

/** How an expired record stands in answers, or nothing. */
export function goneFields({ gone }: Pick<FoundRecord, 'gone'>): JsonObject {
  return gone === undefined ? {} : { state: 'expired', expired: { class: gone.class, on: gone.on } }
}

/** Every problem once. */
export function problemsOf(records: readonly ProvenRecord[]): Problem[] {
  const problems = new Map<string, Problem>()
  for (const { proven } of records) for (const problem of proven.problems) problems.set(`${problem.object} ${problem.code}`, problem)
  return [...problems.values()]
}

/** Problems as they stand in an answer; nothing when there are none. */
export function problemFields(problems: readonly Problem[]): JsonObject {
  return problems.length === 0 ? {} : { problems: problems.map((problem) => ({ ...problem })) }
}

/** The record's attributes, its data whole. The bytes parse: `fields` is not null. */
export function attributesOf(record: FoundRecord & { readonly whole?: JsonObject | null }): RecordFields {
  const fields = JSON.parse(Buffer.from(record.bytes as Uint8Array).toString()) as RecordFields
  return record.whole == null ? fields : { ...fields, data: record.whole }
}

/** The record's data as a view sees it. */
export function dataFor(record: ProvenRecord, view: View, deps: Pick<ReadingDeps, 'trails' | 'vault' | 'erasedUnder'>): Promise<Disclosed> {
  const { auditid, data } = attributesOf(record)
  const isObject = typeof data === 'object' && data !== null && !Array.isArray(data)
  return disclose(auditid, isObject ? data : {}, sightFor(record, view, deps), deps.vault, deps.erasedUnder)
}

/** What a view sees of a record, by the methods its pack has now. */
export function sightFor(record: ProvenRecord, view: View, { trails }: Pick<ReadingDeps, 'trails'>): Sight {
  const { dataschema, subject } = attributesOf(record)
  const reading = trails.find(({ log }) => log === record.log)
  const place = { log: record.log, trail: reading?.trail ?? record.log, index: record.index, subject }
  return sightOf(view, place, reading?.fields.get(packOf(dataschema)) ?? null)
}

/** States, masks and reasons of committed fields, each left out when there are none. */
export function stateFields({ states, masks, reasons }: Pick<Disclosed, 'states' | 'masks' | 'reasons'>): JsonObject {
  return {
    ...(Object.keys(states).length === 0 ? {} : { field_states: { ...states } as { [name: string]: JsonValue } }),
    ...maskFields(masks),
    ...reasonFields(reasons),
  }
}

/** What masks show of fields that are sealed to the reader, or nothing. */
export function maskFields(masks: Disclosed['masks']): JsonObject {
  return Object.keys(masks).length === 0 ? {} : { field_masks: { ...masks } }
}

/** What the read log says of a record that was shown. @param names the fields that the answer has; all when left out */
export function shownOf(
  { log, fields }: Pick<FoundRecord, 'log' | 'fields'>,
  { states, masks }: Pick<Disclosed, 'states' | 'masks'>,
  names?: readonly string[],
): Shown {
  const disclosed = Object.keys(states).filter((name) => states[name] === 'disclosed' && (names === undefined || names.includes(name)))
  const hidden = Object.keys(masks)
  return {
    log,
    auditid: fields?.auditid ?? '',
    ...(disclosed.length === 0 ? {} : { disclosed }),
    ...(hidden.length === 0 ? {} : { masked: hidden }),
  }
}
