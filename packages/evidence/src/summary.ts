import type { JsonObject, JsonValue } from './json.ts'

/** CloudEvents type of a summary of one interaction. */
export const INTERACTION_SUMMARY = 'sealtrail.summary.interaction'
/** Of one queue on one day. */
export const QUEUE_SUMMARY = 'sealtrail.summary.queue'

const MAX_RANGES = 4000
const HASH = /^[0-9a-f]{64}$/

/** What a summary says it was made of. */
export interface SummaryClaim {
  /** Where the summary stands: what a problem names. */
  readonly object: string
  readonly index: number
  /** Name and origin of the log that is summed up. */
  readonly log: string
  readonly origin: string
  /** `[from, to)` pairs of leaf indexes, ascending, apart. */
  readonly ranges: ReadonlyArray<readonly [number, number]>
  /** RFC 6962 root over exactly these leaf hashes, hex. */
  readonly root: string
  /** A size of the log, and its root, hex. */
  readonly checkpoint: { readonly size: number; readonly root: string }
}

/** The claim in a summary's data, or null when it is not written as it must be. attacker: whoever can write to the log of summaries. */
export function summaryClaim(object: string, index: number, data: JsonValue): SummaryClaim | null {
  const evidence = isObject(data) ? data['evidence'] : undefined
  if (!isObject(evidence)) return null
  const { log, origin, ranges, root, checkpoint } = evidence
  if (typeof log !== 'string' || typeof origin !== 'string' || typeof root !== 'string' || !HASH.test(root) || !isObject(checkpoint)) return null
  const { size, root: at } = checkpoint
  if (!isIndex(size) || typeof at !== 'string' || !HASH.test(at)) return null
  if (!Array.isArray(ranges) || ranges.length === 0 || ranges.length > MAX_RANGES) return null
  const pairs: Array<readonly [number, number]> = []
  let end = -1
  for (const pair of ranges) {
    const [from, to] = Array.isArray(pair) && pair.length === 2 ? pair : [null, null]
    if (!isIndex(from) || !isIndex(to) || from <= end || from >= to) return null
    pairs.push([from, to])
    end = to
  }
  return end <= size ? { object, index, log, origin, ranges: pairs, root, checkpoint: { size, root: at } } : null
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIndex(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
