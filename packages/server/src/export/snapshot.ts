import { SealtrailError } from '../errors.ts'

/** A checkpoint a bundle may be proved against. */
export interface Standing {
  readonly note: string
  readonly size: number
  /** Lower-case hex. */
  readonly root: string
  /** False: let out although too few witnesses signed, because the operator said so. */
  readonly met?: boolean
}

/** Where checkpoints come from. */
export interface Checkpoints {
  /** The newest one signed by the log; null: no such log. */
  committed(log: string): Standing | null
  /** The newest one let out; the committed one where no witness policy is configured. */
  published(log: string): Standing | null
}

/** The one checkpoint of a log that a whole bundle is proved against. */
export interface Snapshot extends Standing {
  readonly published: boolean
}

/**
 * Both checkpoints of each log, read once: while records go on being sealed, nothing behind these is looked at.
 * @throws SealtrailError NOT_READY for a log without a checkpoint yet
 */
export class Snapshots {
  readonly #standing = new Map<string, { committed: Standing; published: Standing | null }>()

  constructor(logs: readonly string[], checkpoints: Checkpoints) {
    for (const log of logs) {
      // The published one first: read later, it might be the newer of the two.
      const published = checkpoints.published(log)
      const committed = checkpoints.committed(log)
      if (committed !== null) this.#standing.set(log, { committed, published })
    }
  }

  /** Committed size of each log. */
  sizes(): Map<string, number> {
    return new Map([...this.#standing].map(([log, { committed }]) => [log, committed.size]))
  }

  /** The published checkpoint where it covers the first `end` records, else the committed one. @throws SealtrailError UNKNOWN_TRAIL, BAD_REQUEST */
  covering(log: string, end: number): Snapshot {
    const standing = this.#standing.get(log)
    if (standing === undefined) throw new SealtrailError('UNKNOWN_TRAIL', 'there is no log of this name with a checkpoint')
    const { committed, published } = standing
    const covers = published !== null && published.size >= end
    if (!covers && committed.size < end) throw new SealtrailError('BAD_REQUEST', `the log has ${committed.size} records`)
    const { note, size, root } = covers ? published : committed
    return { note, size, root, published: covers && published.met !== false }
  }
}
