import { hash } from 'node:crypto'
import { checkKept, decodeKept, EvidenceError, keptKey, parseObjectKey, problemOf } from '@sealtrail/evidence'
import type { ExpiredRange, Kept } from '@sealtrail/evidence'
import type { Store } from '../store/store.ts'
import { unpackSync } from '../store/unpack.ts'
import type { CommitmentCheck } from './commitments.ts'
import { checkObjects } from './objects.ts'
import type { FoundProblem } from './verdict.ts'
import { readStored } from './stored.ts'

export interface KeptFindings {
  readonly problems: readonly FoundProblem[]
  /** Records that stand in kept objects, whole. */
  readonly records: number
  /** The checkpoints they are proved against, for the log to be held against. */
  readonly checkpoints: ReadonlyArray<{ readonly object: string; readonly note: string }>
}

/**
 * Checks the kept records of one log: each object against its key, each record against the checkpoint it is kept with, and
 * that every object which an expiry names is there. Records whose segment is gone have their data objects and commitments looked up here.
 */
export async function auditKept(
  log: string,
  store: Store,
  expired: readonly ExpiredRange[],
  origin: string | null,
  commitments: CommitmentCheck | null,
): Promise<KeptFindings> {
  const problems: FoundProblem[] = []
  const checkpoints = new Map<string, { object: string; note: string }>()
  const there = new Set<string>()
  let records = 0
  for await (const { key } of store.list(`${log}/kept/`)) {
    there.add(key)
    const kept = open(key, await readStored(store, key))
    if (typeof kept === 'string') {
      problems.push(problemOf('KEPT_FORMAT', key, null, kept))
      continue
    }
    if (origin !== null && kept.log !== origin) problems.push(problemOf('CHECKPOINT_LOG', key, null))
    const wrong = checkKept(key, kept)
    problems.push(...wrong)
    checkpoints.set(kept.checkpoint, { object: key, note: kept.checkpoint })
    records += kept.records.length
    for (const { index, record } of kept.records) {
      if (!expired.some(({ from, to }) => index >= from && index < to)) continue
      const line = Buffer.concat([Buffer.from('{}\n'), record, Buffer.from('\n')])
      const objects = await checkObjects(log, index, line, store)
      problems.push(...objects.problems)
      await commitments?.segment(key, index, line, objects.digests)
    }
  }
  for (const { from, kept } of expired) {
    for (const name of kept) {
      const key = `${log}/kept/${name}`
      if (!there.has(key)) problems.push(problemOf('KEPT_MISSING', key, from))
    }
  }
  return { problems, records, checkpoints: [...checkpoints.values()] }
}

/** The kept records an object holds, or why it holds none. attacker: whoever holds the store. */
function open(key: string, frame: Uint8Array | null): Kept | string {
  if (frame === null) return 'the store cannot read it'
  try {
    const { log, first } = parseObjectKey(key)
    if (key !== keptKey(log, first, hash('sha256', frame, 'hex'))) return 'its bytes are not those its key names'
    const kept = decodeKept(unpackSync(frame))
    return kept.records[0]!.index === first ? kept : 'it begins with another record than its key says'
  } catch (error) {
    return error instanceof EvidenceError ? error.message : 'it is no zstd frame'
  }
}
