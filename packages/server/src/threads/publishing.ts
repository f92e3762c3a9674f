import type { Config, WitnessConfig } from '../config/config.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { ForkAlarm } from '../publish/alarm.ts'
import { Publisher } from '../publish/publisher.ts'
import type { Tree } from '../publish/publisher.ts'
import { checkpointPath, readCheckpoint } from '../seal/checkpoint.ts'

export interface PublishingOptions {
  readonly config: Config & { readonly witnesses: WitnessConfig }
  /** Verification key of each log that is taken to witnesses. */
  readonly vkeys: Readonly<Record<string, string>>
  tree(log: string): Tree
  onFork(alarm: ForkAlarm): void
  readonly now: () => number
  readonly log: Log
  readonly metrics: Metrics
}

/** The publisher over a data directory's checkpoint files. @throws SealtrailError CONFIG_INVALID */
export function publisherOf({ config, vkeys, tree, onFork, now, log, metrics }: PublishingOptions): Publisher {
  return new Publisher({
    data: config.data,
    settings: config.witnesses,
    vkeys,
    committed: (name) => readCheckpoint(checkpointPath(config.data, name), vkeys[name] as string),
    tree,
    onFork,
    now,
    log,
    metrics,
  })
}
