import { rootOf } from '@sealtrail/tlog'
import type { JsonObject } from '../../event/json.ts'
import { textAt } from '../../index/logical-order.ts'
import type { ReplayRecord } from '../../index/logical-order.ts'
import { statesOf } from '../../index/replay.ts'
import type { PackStates } from '../../pack/pack.ts'

/** A record of one interaction, where it stands in its log. */
export interface SummaryRecord extends ReplayRecord {
  readonly index: number
  /** 32 bytes. */
  readonly leaf: Uint8Array
}

/** Everything summarised of one interaction; plain data, no personal value. */
export interface Interaction {
  readonly subject: string
  /** Its records, ascending by index. */
  readonly records: readonly SummaryRecord[]
}

/** What a part of a log comes to: which leaves, and a signed size of the log they lie under. */
export interface Evidence {
  readonly log: string
  readonly origin: string
  /** `[from, to)` pairs of leaf indexes, ascending. */
  readonly ranges: ReadonlyArray<readonly [number, number]>
  /** RFC 6962 root over exactly these leaf hashes, in order; hex. */
  readonly root: string
  readonly checkpoint: { readonly size: number; readonly root: string }
}

/** Most ranges in one record: 2,000 pairs of numbers stay far below the 65,535 bytes of a leaf. */
export const MAX_RANGES = 2000

/** Time spent at each queue of one interaction. */
export interface QueueVisit {
  readonly queue: string
  readonly waitMs: number
}

export interface InteractionSummary {
  readonly subject: string
  readonly closed: boolean
  readonly firstMs: number
  readonly lastMs: number
  readonly records: number
  /** `subjectsequence` of the first and last record: a later summary that goes on from here replaces this one. */
  readonly from: number
  readonly through: number
  /** Milliseconds in each state of the whole, in the words of the pack. */
  readonly durations: Readonly<Record<string, number>>
  readonly holds: { readonly count: number; readonly ms: number }
  readonly transfers: { readonly count: number; readonly kinds: Readonly<Record<string, number>> }
  readonly queues: readonly QueueVisit[]
  readonly media: string | null
  /** How it ended: the last state, and what the last leg and the last wrap-up said. */
  readonly disposition: { readonly state: string; readonly disconnect: string | null; readonly wrapup: string | null; readonly status: string | null }
}

/** Sums one interaction up. Pure; the records may come in any order. */
export function summarise({ subject, records }: Interaction, states: PackStates, sequenced: boolean): InteractionSummary {
  const durations: Record<string, number> = {}
  const holds = { count: 0, ms: 0 }
  const waits = new Map<string, number>()
  let before: { state: string; atMs: number } | null = null
  let queued = new Map<string, { queue: string; atMs: number }>()
  let last = { state: 'open', closed: false }
  const transfers = new Map<string, string>()
  let lastMs = 0
  if (sequenced) {
    for (const { atMs, state } of statesOf(records, states)) {
      if (before !== null && before.state !== 'closed') durations[before.state] = (durations[before.state] ?? 0) + atMs - before.atMs
      if (before?.state === 'held') holds.ms += atMs - before.atMs
      if (state.state === 'held' && before?.state !== 'held') holds.count++
      const waiting = new Map<string, { queue: string; atMs: number }>()
      for (const { id, queueId, purpose, state: own, transfer } of state.participants) {
        if (transfer !== null && transfer.kind !== 'routed') transfers.set(`${id} ${transfer.atMs}`, transfer.kind)
        if (purpose !== 'acd' || queueId === null) continue
        if (!waits.has(queueId)) waits.set(queueId, 0)
        if (own === 'queued') waiting.set(id, queued.get(id) ?? { queue: queueId, atMs })
      }
      for (const [id, { queue, atMs: since }] of queued) if (!waiting.has(id)) waits.set(queue, (waits.get(queue) ?? 0) + atMs - since)
      queued = waiting
      before = { state: state.state, atMs }
      last = { state: state.state, closed: state.closed }
      lastMs = Math.max(lastMs, atMs)
    }
  }
  const kinds: Record<string, number> = {}
  for (const kind of transfers.values()) kinds[kind] = (kinds[kind] ?? 0) + 1
  const ordered = records.toSorted((a, b) => a.timeMs - b.timeMs || a.subjectsequence - b.subjectsequence)
  const said = (name: string): string | null => ordered.map(({ data }) => textAt(data, name)).findLast((text) => text !== null) ?? null
  const status = said('delivery_status')
  return {
    subject,
    closed: sequenced ? last.closed : true,
    firstMs: ordered[0]?.timeMs ?? 0,
    lastMs: Math.max(lastMs, ordered.at(-1)?.timeMs ?? 0),
    records: records.length,
    from: records.reduce((least, { subjectsequence }) => Math.min(least, subjectsequence), Infinity),
    through: records.reduce((most, { subjectsequence }) => Math.max(most, subjectsequence), 0),
    durations,
    holds,
    transfers: { count: transfers.size, kinds },
    queues: [...waits].map(([queue, waitMs]) => ({ queue, waitMs })).sort((a, b) => (a.queue < b.queue ? -1 : 1)),
    media: said('mediaType'),
    disposition: { state: sequenced ? last.state : (status ?? 'recorded'), disconnect: said('disconnectType'), wrapup: said('wrapupCode'), status },
  }
}

/** The evidence of records, ascending by index, in as many parts as their ranges need. */
export function evidenceOf(
  records: readonly SummaryRecord[],
  of: { readonly log: string; readonly origin: string; readonly checkpoint: Evidence['checkpoint'] },
): Evidence[] {
  const parts: Evidence[] = []
  let ranges: Array<[number, number]> = []
  let leaves: Uint8Array[] = []
  const end = (): void => {
    if (ranges.length > 0) parts.push({ ...of, ranges, root: Buffer.from(rootOf(Buffer.concat(leaves))).toString('hex') })
    ranges = []
    leaves = []
  }
  for (const { index, leaf } of records) {
    const open = ranges.at(-1)
    if (open !== undefined && open[1] === index) open[1] = index + 1
    else {
      if (ranges.length === MAX_RANGES) end()
      ranges.push([index, index + 1])
    }
    leaves.push(leaf)
  }
  end()
  return parts
}

/** The data of the sealed record: one part of the evidence each, what was summed up in the first. */
export function interactionData(summary: InteractionSummary, day: string, evidence: Evidence, part: number, parts: number): JsonObject {
  const head: JsonObject = { day, evidence: evidenceData(evidence), part, parts, from: summary.from, through: summary.through }
  if (part > 1) return head
  return {
    ...head,
    closed: summary.closed,
    disposition: { ...summary.disposition },
    durations: { ...summary.durations },
    first: new Date(summary.firstMs).toISOString(),
    holds: { ...summary.holds },
    last: new Date(summary.lastMs).toISOString(),
    media: summary.media,
    queues: summary.queues.map(({ queue, waitMs }) => ({ queue, waitMs })),
    records: summary.records,
    transfers: { count: summary.transfers.count, kinds: { ...summary.transfers.kinds } },
  }
}

export function evidenceData({ log, origin, ranges, root, checkpoint }: Evidence): JsonObject {
  return { checkpoint: { ...checkpoint }, log, origin, ranges: ranges.map(([from, to]) => [from, to]), root }
}
