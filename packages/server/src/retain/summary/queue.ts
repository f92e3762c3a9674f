import { rootOf } from '@sealtrail/tlog'
import type { JsonObject } from '../../event/json.ts'
import type { InteractionSummary } from './interaction.ts'

/** An interaction summed up, with the roots of its evidence, one for each part. */
export interface Summarised {
  readonly summary: InteractionSummary
  readonly roots: readonly string[]
}

/** One queue on one day: totals over the interactions that closed on it, or fell silent. */
export interface QueueSummary {
  readonly queue: string
  readonly interactions: number
  readonly waits: { readonly ms: number; readonly longestMs: number }
  readonly transfers: number
  readonly holds: { readonly count: number; readonly ms: number }
  readonly handlingMs: number
  /** RFC 6962 root over the evidence roots of these interactions' summaries, by subject and part, hex; how many they are. */
  readonly evidence: { readonly root: string; readonly summaries: number }
}

/**
 * Totals per queue. An interaction that waited in two queues counts in both, its transfers and holds too. Those summed up
 * anew because records came late are no new interactions and are left out. @param all in any order
 */
export function queueTotals(all: readonly Summarised[]): QueueSummary[] {
  const byQueue = new Map<string, Array<{ each: Summarised; waitMs: number }>>()
  for (const each of all) {
    if (each.summary.from !== 1) continue
    for (const { queue, waitMs } of each.summary.queues) byQueue.set(queue, [...(byQueue.get(queue) ?? []), { each, waitMs }])
  }
  return [...byQueue]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([queue, visits]) => {
      const ordered = visits.toSorted((a, b) => (a.each.summary.subject < b.each.summary.subject ? -1 : 1))
      const roots = ordered.flatMap(({ each }) => each.roots)
      const sum = (of: (visit: (typeof visits)[number]) => number): number => ordered.reduce((total, visit) => total + of(visit), 0)
      return {
        queue,
        interactions: visits.length,
        waits: { ms: sum(({ waitMs }) => waitMs), longestMs: Math.max(...visits.map(({ waitMs }) => waitMs)) },
        transfers: sum(({ each }) => each.summary.transfers.count),
        holds: { count: sum(({ each }) => each.summary.holds.count), ms: sum(({ each }) => each.summary.holds.ms) },
        handlingMs: sum(({ each }) => each.summary.durations['interacting'] ?? 0),
        evidence: { root: Buffer.from(rootOf(Buffer.concat(roots.map((root) => Buffer.from(root, 'hex'))))).toString('hex'), summaries: roots.length },
      }
    })
}

/** The data of the sealed record. */
export function queueData({ queue, interactions, waits, transfers, holds, handlingMs, evidence }: QueueSummary, log: string, day: string): JsonObject {
  return { day, evidence: { ...evidence }, handlingMs, holds: { ...holds }, interactions, log, queue, transfers, waits: { ...waits } }
}
