import { SealtrailError } from '../errors.ts'
import type { Ledger, LedgerRow, Marker } from './ledger.ts'
import type { Sequenced } from './order.ts'
import { NO_RECORDS, place } from './subject.ts'
import type { SubjectState } from './subject.ts'

/** A record found in a segment, read back into what the sequencer knew of it. */
export interface Sealed {
  readonly event: Sequenced
  readonly row: LedgerRow
  /** Its `subjectsequence`. */
  readonly sequence: number
}

/**
 * Tells the ledger records that were sealed behind its marker, in log order, whole segments at a time. Records it knows
 * already change nothing, so a replay may begin too early. @param gaps whether records of the log have expired
 * @throws SealtrailError DATA_CORRUPT when the numbering of a subject has a gap: the log, or the ledger, is not what it was.
 */
export async function catchUp(
  ledger: Ledger,
  log: string,
  records: readonly Sealed[],
  marker: Marker,
  { gaps }: { readonly gaps: boolean } = { gaps: false },
): Promise<void> {
  const tokens = [...new Set(records.map(({ event }) => event.subjectToken))]
  const subjects = new Map<string, SubjectState>()
  const stored = await ledger.subjects(tokens)
  tokens.forEach((token, i) => subjects.set(token, stored[i] ?? NO_RECORDS))
  for (const { event, row, sequence } of records) {
    const known = subjects.get(event.subjectToken) as SubjectState
    if (sequence <= known.count) continue
    // Where records have expired a subject may begin with any number.
    const state = gaps ? { ...known, count: sequence - 1 } : known
    if (sequence !== state.count + 1) {
      throw new SealtrailError('DATA_CORRUPT', `log ${log} index ${row.index}: subjectsequence ${sequence} follows ${state.count}`, { stopsLog: true })
    }
    subjects.set(event.subjectToken, place(state, event).state)
  }
  await ledger.write({ log, rows: records.map(({ row }) => row), subjects, marker })
}
