import { leafHash } from '@sealtrail/tlog'
import { parseRecord } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import type { JsonObject } from '../../event/json.ts'
import { crashPoint } from '../../observe/crash-point.ts'
import type { PackStates } from '../../pack/pack.ts'
import { overBefore } from './days.ts'
import type { OverInteraction, Scanned, ScannedRecord } from './days.ts'
import { evidenceOf, interactionData } from './interaction.ts'
import type { Evidence } from './interaction.ts'
import { queueData, queueTotals } from './queue.ts'
import type { Summarised } from './queue.ts'
import { slim } from './slim.ts'

/** A record to be sealed in the log of summaries. */
export interface SummaryEvent {
  /** `interaction` or `queue`: `sealtrail.summary.<what>` becomes the type. */
  readonly what: 'interaction' | 'queue'
  readonly subject: string
  /** Unique: the same id twice is one record, so a day that was cut off is done again without harm. */
  readonly id: string
  readonly data: JsonObject
}

export interface SummaryDeps {
  readonly log: string
  readonly origin: string
  readonly sequenced: boolean
  readonly states: PackStates
  /** Signed size and root (hex) of the log that the summaries are led to. */
  readonly checkpoint: Evidence['checkpoint']
  /** What stands of the log's records [from, to), with their indexes. */
  scan(from: number, to: number): AsyncIterable<{ readonly index: number; readonly bytes: Uint8Array }>
  /** The subject's records below an index that still stand: of those summed up before, to which late ones came. */
  earlier(subject: string, before: number): Promise<Array<{ readonly index: number; readonly bytes: Uint8Array }>>
  /** Told of each record scanned, once, in order. */
  onRecord(index: number, record: RecordFields): void
  /** Seals them, durably, when it resolves. */
  seal(events: readonly SummaryEvent[]): Promise<void>
}

/** Records of one pass; a longer window is read in several passes, each with its share of the subjects. */
const PASS = 250_000
const TOGETHER = 200
const TURN = 500

/** What was done of a log. */
export interface SummaryProgress {
  /** Every record below has been summed up. */
  readonly from: number
  readonly summaries: number
  /** The last day there was something of, or null. */
  readonly day: string | null
}

/**
 * Sums up every interaction of the window [from, checkpoint.size) that is over, and the queues of the days these closed on.
 * Dying anywhere in here: the next run does the same again, and what is sealed already is not sealed twice.
 */
export async function summariseLog(deps: SummaryDeps, from: number, settledMs: number): Promise<SummaryProgress> {
  const to = deps.checkpoint.size
  const passes = Math.max(1, Math.ceil((to - from) / PASS))
  const days = new Map<string, Summarised[]>()
  let next = to
  let summaries = 0
  for (let pass = 0; pass < passes; pass++) {
    const { over, open } = await onePass(deps, from, { pass, passes, settledMs })
    for (const { records } of open) for (const { index } of records) if (index >= from) next = Math.min(next, index)
    for (let at = 0; at < over.length; at += TOGETHER) {
      const made = over.slice(at, at + TOGETHER).map((each) => eventsOf(each, deps))
      await deps.seal(made.flatMap(({ events }) => events))
      crashPoint('summary:interactions')
      for (const { day, summarised } of made) days.set(day, [...(days.get(day) ?? []), summarised])
      summaries += made.length
    }
  }
  for (const [day, all] of days) {
    const queues = queueTotals(all).map((total): SummaryEvent => ({
      what: 'queue',
      subject: `queue/${total.queue}/${day}`,
      id: `summary/${deps.log}/${day}/queue/${total.queue}`,
      data: queueData(total, deps.log, day),
    }))
    for (let at = 0; at < queues.length; at += TOGETHER) await deps.seal(queues.slice(at, at + TOGETHER))
    crashPoint('summary:queues')
    summaries += queues.length
  }
  return { from: next, summaries, day: [...days.keys()].sort().at(-1) ?? null }
}

async function onePass(
  deps: SummaryDeps,
  from: number,
  { pass, passes, settledMs }: { pass: number; passes: number; settledMs: number },
): Promise<{ over: OverInteraction[]; open: Scanned[] }> {
  const subjects = new Map<string, ScannedRecord[]>()
  let read = 0
  for await (const { index, bytes } of deps.scan(from, deps.checkpoint.size)) {
    if (++read % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    const record = parsed(bytes)
    if (record === null) continue
    if (pass === 0) deps.onRecord(index, record)
    if (passes > 1 && shareOf(record.subject) % passes !== pass) continue
    const known = subjects.get(record.subject)
    const scanned = scannedOf(index, bytes, record)
    if (known === undefined) subjects.set(record.subject, [scanned])
    else known.push(scanned)
  }
  for (const [subject, records] of subjects) {
    // Its beginning was summed up before: the new summary is of all that stands.
    if (records.some(({ subjectsequence }) => subjectsequence === 1)) continue
    for (const { index, bytes } of await deps.earlier(subject, records[0]!.index)) {
      const record = parsed(bytes)
      if (record !== null && record.subject === subject && !records.some((each) => each.index === index)) records.push(scannedOf(index, bytes, record))
    }
    records.sort((a, b) => a.index - b.index)
  }
  return overBefore(
    [...subjects].map(([subject, records]) => ({ subject, records })),
    settledMs,
    deps.states,
    deps.sequenced,
  )
}

function eventsOf({ day, summary, records }: OverInteraction, deps: SummaryDeps): { day: string; events: SummaryEvent[]; summarised: Summarised } {
  const evidence = evidenceOf(records, deps)
  const events = evidence.map((part, i): SummaryEvent => ({
    what: 'interaction',
    subject: summary.subject,
    id: `summary/${deps.log}/${day}/${summary.subject}${i === 0 ? '' : `/${i + 1}`}`,
    data: interactionData(summary, day, part, i + 1, evidence.length),
  }))
  return { day, events, summarised: { summary, roots: evidence.map(({ root }) => root) } }
}

function scannedOf(index: number, bytes: Uint8Array, record: RecordFields): ScannedRecord {
  const recordedMs = Date.parse(record.recordedtime)
  const timeMs = record.time === null ? recordedMs : Date.parse(record.time)
  return { index, leaf: leafHash(bytes), subjectsequence: record.subjectsequence, type: record.type, timeMs, recordedMs, data: slim(record.data as JsonObject) }
}

/** Damaged bytes are `verify`'s to name; nothing of them is summed up, and nothing below them expires unproven. */
function parsed(bytes: Uint8Array): RecordFields | null {
  try {
    return parseRecord(bytes)
  } catch {
    return null
  }
}

function shareOf(subject: string): number {
  let hash = 0
  for (let i = 0; i < subject.length; i++) hash = (Math.imul(hash, 31) + subject.charCodeAt(i)) >>> 0
  return hash
}
