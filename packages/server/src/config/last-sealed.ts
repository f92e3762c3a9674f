import type { Head } from '../head/head.ts'
import type { Position } from '../event/position.ts'
import type { SegmentReader } from '../store/segments.ts'

/** What the header of a log's last segment says of the server that wrote it. */
export interface LastSealed {
  /** When it was written, ms since the epoch. */
  readonly createdMs: number
  /** The journal was needed from here on. */
  readonly journal: Position
}

/** The last commit of a log, or null when there is none or its segment cannot be read (which `verify` reports). */
export async function lastSealed(records: SegmentReader, log: string, head: Head): Promise<LastSealed | null> {
  if (head.size === 0) return null
  const stored = await records.segmentOf(log, head.size - 1).catch(() => null)
  if (stored === null) return null
  const { created, journal } = stored.segment.header
  return { createdMs: Date.parse(created), journal }
}
