import { parseRecord } from '@sealtrail/evidence'
import type { JsonValue } from '../event/json.ts'
import type { Records } from '../index/records.ts'

/** A bundle that was made for somebody and holds records of a person. */
export interface HandedOut {
  /** 32 hex characters. */
  readonly id: string
  /** RFC 3339, when it was asked for. */
  readonly at: string
  /** Name of the token it was made for. */
  readonly to: string
  readonly purpose: string | null
  /** How many of the records are in it. */
  readonly records: number
}

const SYSTEM_LOG = 'system'
const TYPE = 'sealtrail.system.export'
const NAMED = Buffer.from(`"${TYPE}"`)
/** Records read between two turns given to others. */
const STEP = 500

/**
 * Every export ever made that holds one of the records, by the sealed word of the log `system`, oldest first: also those
 * whose file is long gone, since what was fetched is out of reach. Reads that log once. @throws SealtrailError DATA_CORRUPT
 */
export async function exportsHolding(
  places: Iterable<{ readonly log: string; readonly index: number }>,
  records: Pick<Records, 'size' | 'range'>,
): Promise<HandedOut[]> {
  const wanted = new Map<string, number[]>()
  for (const { log, index } of places) {
    const list = wanted.get(log)
    if (list === undefined) wanted.set(log, [index])
    else list.push(index)
  }
  for (const list of wanted.values()) list.sort((a, b) => a - b)
  const found = new Map<string, HandedOut>()
  if (wanted.size === 0) return []
  let read = 0
  for await (const bytes of records.range(SYSTEM_LOG, 0, records.size(SYSTEM_LOG))) {
    if (++read % STEP === 0) await new Promise((resolve) => setImmediate(resolve))
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(NAMED)) continue
    const { type, subject, data } = parseRecord(bytes)
    if (type !== TYPE || !subject.startsWith('export/')) continue
    const hits = runsOf(data['runs']).reduce((sum, { log, from, to }) => sum + within(wanted.get(log) ?? [], from, to), 0)
    if (hits === 0) continue
    const id = subject.slice('export/'.length)
    // Of a large export each record names a part.
    found.set(id, {
      id,
      at: textOf(data['at']) ?? '',
      to: textOf(data['token']) ?? '',
      purpose: textOf(data['purpose']),
      records: (found.get(id)?.records ?? 0) + hits,
    })
  }
  return [...found.values()]
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function runsOf(value: JsonValue | undefined): Array<{ log: string; from: number; to: number }> {
  return (Array.isArray(value) ? value : []).flatMap((each) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return []
    const { log, from, to } = each
    return typeof log === 'string' && typeof from === 'number' && typeof to === 'number' ? [{ log, from, to }] : []
  })
}

/** How many of the ascending indexes lie from `from` up to, and without, `to`. */
function within(indexes: readonly number[], from: number, to: number): number {
  return Math.max(0, lower(indexes, to) - lower(indexes, from))
}

function lower(indexes: readonly number[], value: number): number {
  let [low, high] = [0, indexes.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((indexes[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
