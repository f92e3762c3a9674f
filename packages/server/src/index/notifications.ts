import { PROBLEMS } from '@sealtrail/evidence'
import type { Problem } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { aliasTokens } from '../event/alias.ts'
import { AUDIT_RECORD } from '../event/audit-record.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { NotificationQuery, Reading } from '../http/ports.ts'
import type { Disclosed } from './disclose.ts'
import { reasonFields } from './gone.ts'
import { plainToken } from './plain-token.ts'
import { attributesOf, dataFor, maskFields, problemFields, problemsOf, proveAll, receiptOf, shownOf } from './reading.ts'
import type { ProvenRecord, ReadingDeps } from './reading.ts'
import type { TrailReading } from './trails.ts'
import type { View } from './views.ts'

/** What the data says of the flat record. */
const FIELDS = AUDIT_RECORD.filter((name) => name !== 'integrity_hash')
const MAX_MORE = 100

/** All records of one message. */
interface Message {
  readonly trail: TrailReading
  readonly subject: string
  readonly records: readonly ProvenRecord[]
}

/**
 * The answer of the retrieval API: the current status of a message, verified while it is read, and its history. `tampered`
 * when the bytes of any of its records do not lead to the signed root, or one of its numbers is missing. Null: unknown, or
 * identifiers that disagree. @throws SealtrailError NO_IDENTIFIER, INDEX_BEHIND, NOT_READY
 */
export async function auditNotifications(query: NotificationQuery, view: View, deps: ReadingDeps): Promise<Reading | null> {
  const { message_uuid, customer_external_id, carrier_message_id } = query
  if (message_uuid === undefined && customer_external_id === undefined && carrier_message_id === undefined) throw new SealtrailError('NO_IDENTIFIER')
  for (const logs of Map.groupBy(deps.trails, ({ trail }) => trail).values()) {
    const found: Found[] = []
    for (const trail of logs) {
      if (trail.statuses.size === 0) continue
      const { messages, more } =
        message_uuid === undefined ? await messagesByToken(query, trail, deps) : { messages: await messageOf(trail, message_uuid, deps), more: [] }
      for (const message of messages) {
        if (!(await isOf(message, query, deps))) continue
        found.push({ message, more })
        break
      }
    }
    const first = found.sort(byTold)[0]
    if (first === undefined) continue
    const others = found.slice(1).map(({ message }) => message.subject)
    const more = [...new Set([...others, ...found.flatMap((each) => each.more)])].filter((subject) => subject !== first.message.subject)
    return answer(first.message, more.slice(0, MAX_MORE), view, deps)
  }
  return null
}

/** What one log holds of what was asked for: its newest message, and the names of others. */
interface Found {
  readonly message: Message
  readonly more: readonly string[]
}

/** Of several logs of a trail: what is wrong is told first, else the message heard of last. */
function byTold(a: Found, b: Found): number {
  const [wrongA, wrongB] = [a, b].map(({ message }) => problemsOf(message.records).length > 0)
  if (wrongA !== wrongB) return wrongA === true ? -1 : 1
  const heard = ({ message }: Found): string =>
    message.records.reduce((last, record) => (record.fields === null ? last : max(last, attributesOf(record).recordedtime)), '')
  return heard(a) < heard(b) ? 1 : -1
}

function max(a: string, b: string): string {
  return a < b ? b : a
}

async function messageOf(trail: TrailReading, subject: string, deps: ReadingDeps): Promise<Message[]> {
  const records = await proveAll(await deps.finder.bySubject(trail.log, subject), trail.log, deps)
  const kept = records.filter((record) => {
    if (record.fields?.subject === subject) return true
    if (record.proven.problems.length > 0) return true
    deps.onIndexDamage(trail.log, record.index)
    return false
  })
  return kept.some((record) => record.fields === null || record.fields.status !== '') ? [{ trail, subject, records: kept }] : []
}

/** The newest message that carries the narrower of the identifiers, and the names of the others. */
async function messagesByToken(query: NotificationQuery, trail: TrailReading, deps: ReadingDeps): Promise<{ messages: Message[]; more: string[] }> {
  const carrier = query.carrier_message_id ?? null
  const wanted =
    carrier === null
      ? tokensFor('customer_external_id', query.customer_external_id as string, trail, deps)
      : tokensFor('carrier_message_id', carrier, trail, deps)
  const found = await proveAll(await deps.finder.byToken(trail.log, wanted, carrier), trail.log, deps)
  const subjects = new Set<string>()
  for (const record of found) {
    // A record that was changed may claim any message as its own: it is shown as what it is.
    if (record.proven.problems.length > 0) return { messages: [{ trail, subject: '', records: [record] }], more: [] }
    if (record.fields !== null) subjects.add(record.fields.subject)
  }
  const messages: Message[] = []
  for (const subject of subjects) {
    messages.push(...(await messageOf(trail, subject, deps)))
    // With both identifiers the first may belong to another customer; one message is enough otherwise.
    if (messages.length > 0 && (carrier === null || query.customer_external_id === undefined)) break
  }
  return { messages, more: [...subjects].filter((subject) => subject !== messages[0]?.subject).slice(0, MAX_MORE) }
}

function tokensFor(field: string, value: string, trail: TrailReading, deps: ReadingDeps): Uint8Array[] {
  const kinds = trail.tokenKinds.get(field) ?? []
  return [...kinds.flatMap((kind) => aliasTokens(deps.hashes, deps.tenant, kind, value).map((token) => Buffer.from(token, 'latin1'))), plainToken(field, value)]
}

/** Whether every identifier given belongs to the message. Of a record that was changed nothing can be said: it is shown. */
async function isOf({ records, trail }: Message, query: NotificationQuery, deps: ReadingDeps): Promise<boolean> {
  if (problemsOf(records).length > 0) return true
  const { customer_external_id, carrier_message_id } = query
  if (customer_external_id === undefined && carrier_message_id === undefined) return true
  const tokens = (await deps.tokens(records.flatMap((record) => record.fields?.auditid ?? []))).flat()
  const carries = (field: string, value: string): boolean =>
    tokensFor(field, value, trail, deps).some((token) => tokens.some((each) => Buffer.compare(each.token, token) === 0))
  return (
    (customer_external_id === undefined || carries('customer_external_id', customer_external_id)) &&
    (carrier_message_id === undefined ||
      records.some((record) => record.fields?.carrier === carrier_message_id) ||
      carries('carrier_message_id', carrier_message_id))
  )
}

async function answer({ trail, subject, records }: Message, more: readonly string[], view: View, deps: ReadingDeps): Promise<Reading> {
  const problems = [...problemsOf(records), ...missingNumbers(subject, records)]
  const receipts = records.filter((record) => record.fields !== null && record.fields.status !== '').sort((a, b) => sequenceOf(a) - sequenceOf(b))
  const flat = await Promise.all(receipts.map((record) => flatRecord(record, view, deps)))
  const current = currentOf(receipts, trail)
  const shown = flat[receipts.indexOf(current as ProvenRecord)]
  const body: JsonObject = {
    status: problems.length === 0 ? 'verified' : 'tampered',
    ...problemFields(problems),
    audit_record: shown?.record ?? Object.fromEntries(AUDIT_RECORD.map((name) => [name, null])),
    verification_timestamp: new Date(deps.now()).toISOString(),
    history: flat.map(({ record, disclosed }, i) => {
      const { index, fields } = receipts[i] as ProvenRecord
      return {
        ...record,
        auditid: fields?.auditid ?? null,
        subjectsequence: fields?.subjectsequence ?? null,
        superseded: fields?.late ?? null,
        index,
        field_states: { ...disclosed.states },
        ...maskFields(disclosed.masks),
        ...reasonFields(disclosed.reasons),
      }
    }),
    proof: current === null ? null : receiptOf(current, deps),
    field_states: { ...shown?.disclosed.states },
    ...maskFields(shown?.disclosed.masks ?? {}),
    ...reasonFields(shown?.disclosed.reasons ?? {}),
    more: [...more],
  }
  return { body, shown: receipts.map((record, i) => shownOf(record, (flat[i] as { disclosed: Disclosed }).disclosed, FIELDS)) }
}

/** Highest precedence; of the same the newest, as the sequencer has it. */
function currentOf(receipts: readonly ProvenRecord[], trail: TrailReading): ProvenRecord | null {
  let current: ProvenRecord | null = null
  const rank = (record: ProvenRecord): number => trail.statuses.get(record.fields?.status ?? '') ?? 0
  for (const record of receipts) if (current === null || rank(record) >= rank(current)) current = record
  return current
}

/** The numbers of a subject are gapless from 1: one that is not there was hidden, in the store or in the index. */
function missingNumbers(subject: string, records: readonly ProvenRecord[]): Problem[] {
  if (subject === '') return []
  const numbers = new Set(records.map(sequenceOf))
  const unreadable = records.some((record) => record.fields === null || record.proven.problems.length > 0)
  for (let n = 1; n <= records.length && !unreadable; n++) {
    if (!numbers.has(n)) return [{ index: null, object: `subject ${subject}`, code: 'SEQUENCE_GAP', message: `${PROBLEMS.SEQUENCE_GAP} (${n} is missing)` }]
  }
  return []
}

function sequenceOf(record: ProvenRecord): number {
  return record.fields?.subjectsequence ?? 0
}

async function flatRecord(record: ProvenRecord, view: View, deps: ReadingDeps): Promise<{ record: { [name: string]: JsonValue }; disclosed: Disclosed }> {
  const disclosed = await dataFor(record, view, deps)
  const { data } = disclosed
  const { auditid, recordedtime, regulatorytag } = attributesOf(record)
  const own: Record<string, JsonValue> = { audit_id: auditid, ingestion_timestamp: recordedtime, regulatory_tag: regulatorytag ?? null }
  const flat: { [name: string]: JsonValue } = {}
  for (const name of FIELDS) {
    const value = data[name] ?? own[name] ?? null
    flat[name] = typeof value === 'object' ? null : value
  }
  flat['integrity_hash'] = record.proven.integrity_hash
  return { record: flat, disclosed }
}
