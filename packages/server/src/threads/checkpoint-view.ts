import type { Config } from '../config/config.ts'
import { PublishedReader, publishTrust } from '../publish/published.ts'
import { checkpointPath, readCheckpoint } from '../seal/checkpoint.ts'

/** A signed checkpoint, its signatures checked; `root` is lower-case hex. */
export interface SignedCheckpoint {
  readonly note: string
  readonly size: number
  readonly root: string
}

/** A checkpoint that is let out. What lies under it counts as published only where the witness policy is met. */
export interface LetOut extends SignedCheckpoint {
  /** False only under `witnesses.failOpen`; true where no witnesses are configured. */
  readonly met: boolean
}

/** The checkpoints of all logs as readers see them: committed (signed by the log) and let out (published, if the witness policy is met). */
export interface CheckpointView {
  committed(log: string): SignedCheckpoint | null
  /** Null: nothing of the log is let out (yet), or there is no such log. */
  published(log: string): LetOut | null
  /** What records up to `size` are proved against: the checkpoint let out if it covers them, else the committed one. */
  covering(log: string, size: number): SignedCheckpoint | null
}

/**
 * @param witnessed the logs that are taken to witnesses; of any other, and without witnesses of all, the committed checkpoint
 * is the published one.
 */
export function checkpointView(
  config: Pick<Config, 'data' | 'witnesses'>,
  vkeys: Readonly<Record<string, string>>,
  witnessed: readonly string[],
): CheckpointView {
  const { witnesses } = config
  const known = new Map<string, LetOut>()
  const reader =
    witnesses === null ? null : new PublishedReader(config.data, new Map(witnessed.map((log) => [log, publishTrust(witnesses, vkeys[log] as string)])))
  const view: CheckpointView = {
    committed(log) {
      const vkey = vkeys[log]
      return vkey === undefined ? null : readCheckpoint(checkpointPath(config.data, log), vkey)
    },
    published(log) {
      if (reader === null || !witnessed.includes(log)) {
        const committed = view.committed(log)
        return committed === null ? null : { ...committed, met: true }
      }
      const read = reader.read(log)
      // A policy that was just changed, or a file that was set back: what was shown once is shown until there is more.
      if (read !== null && read.size >= (known.get(log)?.size ?? 0)) known.set(log, read)
      return known.get(log) ?? null
    },
    covering(log, size) {
      const published = reader === null ? null : view.published(log)
      return published !== null && published.size >= size ? published : view.committed(log)
    },
  }
  return view
}
