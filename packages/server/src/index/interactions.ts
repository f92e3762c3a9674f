import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { Reading } from '../http/ports.ts'
import type { Disclosed } from './disclose.ts'
import { logicalOrder } from './logical-order.ts'
import type { ReplayRecord } from './logical-order.ts'
import { proofHashes } from './prover.ts'
import { attributesOf, dataFor, goneFields, problemFields, problemsOf, proveAll, receiptOf, shownOf, stateFields } from './reading.ts'
import type { ProvenRecord, ReadingDeps } from './reading.ts'
import { worst, withValues } from './replay-values.ts'
import { stateAt } from './replay.ts'
import type { InteractionState, Participant } from './replay.ts'
import { expiredGap, summaryOf } from './summaries.ts'
import type { StandingSummary } from './summaries.ts'
import type { TrailReading } from './trails.ts'
import type { View } from './views.ts'

/** All records of one interaction, each with what the replay reads of it. */
interface Interaction {
  readonly trail: TrailReading
  readonly records: readonly ProvenRecord[]
  /** Those whose bytes parse. */
  readonly events: ReadonlyArray<ReplayRecord & { readonly record: ProvenRecord }>
  /** What is left of records that have expired; null when none has. */
  readonly summary: StandingSummary | null
}

/**
 * A page of the interaction's records in logical order, with what is missing of it: numbers no record has, and sessions whose
 * start was never seen. Null: unknown. @throws SealtrailError BAD_REQUEST (cursor), TOO_LARGE, INDEX_BEHIND, NOT_READY
 */
export async function interaction(
  id: string,
  page: { readonly limit: number; readonly cursor?: string },
  view: View,
  deps: ReadingDeps,
): Promise<Reading | null> {
  const found = await read(id, deps)
  if (found === null) return null
  const { trail, records, events, summary } = found
  const ordered = logicalOrder(events, trail.states).map(({ record }) => record.record)
  const from = page.cursor === undefined ? 0 : placeAfter(page.cursor, ordered)
  const shown = ordered.slice(from, from + page.limit)
  const last = shown.at(-1)
  const state = stateAt(events, trail.states, Infinity)
  const seen = await Promise.all(shown.map((record) => dataFor(record, view, deps)))
  const body: JsonObject = {
    id,
    closed: state?.closed ?? summary?.data['closed'] ?? false,
    records: shown.map((record, i) => recordOf(record, seen[i] as Disclosed)),
    gaps: gapsOf(records, state, summary),
    next: last === undefined || from + shown.length >= ordered.length ? null : cursorOf(last),
    checkpoint: records[0]?.seal.note ?? null,
    ...(summary === null ? {} : { summary: summary.body }),
    ...problemFields(problemsOf(records)),
  }
  return { body, shown: shown.map((record, i) => shownOf(record, seen[i] as Disclosed)) }
}

/** What the interaction was at an instant, by replay. Null: unknown, or nothing of it had happened. @throws as `interaction` */
export async function interactionState(id: string, atMs: number, view: View, deps: ReadingDeps): Promise<Reading | null> {
  const found = await read(id, deps)
  if (found === null) return null
  const { trail, summary } = found
  // From records that are partly gone no state can be told: what was summed up is all there is.
  if (summary !== null) return { body: { id, at: new Date(atMs).toISOString(), ...goneFields(summary), summary: summary.body }, shown: [] }
  const { events, values } = await withValues(found.events, view, deps)
  const state = stateAt(events, trail.states, atMs)
  if (state === null) return null
  const used = logicalOrder(events, trail.states)
    .filter((each) => each.atMs <= atMs)
    .map((each) => each.record.record)
  const last = used.at(-1) as ProvenRecord
  const body: JsonObject = {
    id,
    at: new Date(atMs).toISOString(),
    state: state.state,
    participants: state.participants.map(participantOf),
    subjectsequence: state.subjectsequence,
    proof: receiptOf(last, deps),
    ...stateFields({ states: worst(used.map((record) => values.get(record) ?? {})), masks: {}, reasons: {} }),
    ...problemFields(problemsOf(found.records)),
  }
  return { body, shown: used.map((record) => shownOf(record, { states: values.get(record) ?? {}, masks: {} })) }
}

async function read(id: string, deps: ReadingDeps): Promise<Interaction | null> {
  for (const trail of deps.trails) {
    if (!trail.sequenced) continue
    const proven = await proveAll(await deps.finder.bySubject(trail.log, id), trail.log, deps)
    const records = proven.filter((record) => {
      if (record.fields?.subject === id || record.proven.problems.length > 0) return true
      deps.onIndexDamage(trail.log, record.index)
      return false
    })
    const numbers = new Set(records.map((record) => record.fields?.subjectsequence ?? 0))
    const summary = await summaryOf(trail, id, deps)
    const expired = summary !== null && Array.from({ length: summary.through }, (_, i) => i + 1).some((n) => !numbers.has(n)) ? summary : null
    if (records.length === 0 && expired === null) continue
    const events = records.flatMap((record) => {
      if (record.fields === null) return []
      const { data } = attributesOf(record)
      const { subjectsequence, type, timeMs } = record.fields
      return [{ record, subjectsequence, type, timeMs, data: typeof data === 'object' && data !== null && !Array.isArray(data) ? data : {} }]
    })
    return { trail, records, events, summary: expired }
  }
  return null
}

function recordOf(record: ProvenRecord, { data, ...rest }: Disclosed): JsonObject {
  const { auditid, subjectsequence, type, time, late } = attributesOf(record)
  const { integrity_hash } = record.proven
  return {
    auditid,
    subjectsequence,
    type,
    time: time ?? null,
    late,
    data,
    ...stateFields(rest),
    index: record.index,
    integrity_hash,
    proof: proofHashes(record.proven),
  }
}

function gapsOf(records: readonly ProvenRecord[], state: InteractionState | null, summary: StandingSummary | null): JsonValue[] {
  const numbers = new Set(records.map((record) => record.fields?.subjectsequence ?? 0))
  const through = summary?.through ?? 0
  const last = Math.max(...numbers, through + 1)
  const gaps: JsonValue[] = []
  for (let n = 1; n < last; n++) {
    if (numbers.has(n)) continue
    const from = n
    // What the summary does not cover is missing, not expired.
    while (n + 1 < last && !numbers.has(n + 1) && n !== through) n++
    gaps.push(summary !== null && from <= through ? expiredGap(summary, from, n) : { kind: 'missing', from, to: n })
  }
  for (const session of state?.endedUnseen ?? []) gaps.push({ kind: 'unseen-start', session })
  return gaps
}

function participantOf({ id, purpose, userId, queueId, state, sinceMs, transfer, transferredFrom }: Readonly<Participant>): JsonObject {
  const handedOn = transfer === null ? null : { kind: transfer.kind, at: new Date(transfer.atMs).toISOString() }
  return { participantId: id, purpose, userId, queueId, state, since: new Date(sinceMs).toISOString(), transfer: handedOn, transferredFrom }
}

/** A page goes on behind the record it ended with, wherever late records have moved that one to. */
function cursorOf(record: ProvenRecord): string {
  return Buffer.from(`n${record.fields?.subjectsequence}`).toString('base64url')
}

function placeAfter(cursor: string, ordered: readonly ProvenRecord[]): number {
  const number = /^n(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1]
  const place = number === undefined ? -1 : ordered.findIndex((record) => record.fields?.subjectsequence === Number(number))
  if (place < 0) throw new SealtrailError('BAD_REQUEST', 'this is no cursor of this interaction')
  return place + 1
}
