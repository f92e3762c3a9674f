import type { PackStates } from '../../pack/pack.ts'
import { summarise } from './interaction.ts'
import type { InteractionSummary, SummaryRecord } from './interaction.ts'

const DAY_MS = 86_400_000
/** After the end of a day, until what it holds is surely sealed. */
export const SETTLE_MS: number = 2 * 3_600_000
/** An interaction without an end is over when it has been silent for so long. */
export const SILENT_MS: number = DAY_MS
/** One that goes on is summed up all the same, so that it cannot hold back the expiry of all the others; and again when it is over. */
export const OPEN_MS: number = 5 * DAY_MS

/** A record as it was scanned: with the time it was received. */
export interface ScannedRecord extends SummaryRecord {
  readonly recordedMs: number
}

/** A subject of the window, with all its records that stand. */
export interface Scanned {
  readonly subject: string
  readonly records: readonly ScannedRecord[]
}

/** A subject that is over, and the UTC day it counts for, `YYYY-MM-DD`. */
export interface OverInteraction {
  readonly day: string
  readonly summary: InteractionSummary
  readonly records: readonly ScannedRecord[]
}

/** The first instant that is not settled yet: days before it are over. */
export function settledBefore(nowMs: number): number {
  return startOfDay(nowMs - SETTLE_MS)
}

/**
 * Which interactions are over: those that closed on a day before `settledMs`, those silent or open for too long. The day is
 * that of the last record received, by this server's clock: the sender's times may be anything, and a day must once be done.
 */
export function overBefore(
  subjects: Iterable<Scanned>,
  settledMs: number,
  states: PackStates,
  sequenced: boolean,
): { over: OverInteraction[]; open: Scanned[] } {
  const over: OverInteraction[] = []
  const open: Scanned[] = []
  for (const each of subjects) {
    const { subject, records } = each
    const lastMs = records.reduce((most, { recordedMs }) => Math.max(most, recordedMs), 0)
    const firstMs = records.reduce((least, { recordedMs }) => Math.min(least, recordedMs), Infinity)
    const old = firstMs < settledMs - OPEN_MS
    if (lastMs >= settledMs && !old) {
      open.push(each)
      continue
    }
    const summary = summarise({ subject, records }, states, sequenced)
    if (summary.closed || lastMs < settledMs - SILENT_MS || old) over.push({ day: dayOf(Math.min(lastMs, settledMs - 1)), summary, records })
    else open.push(each)
  }
  return { over, open }
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function startOfDay(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS
}
