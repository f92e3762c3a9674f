import type { JsonObject } from '../event/json.ts'
import type { Gate } from './gate.ts'
import { brokenIn } from './observation.ts'
import type { Unsealed } from './notebook.ts'

/** What is sealed of an observation in the log `system`, as `sealtrail.system.probe`. */
export interface ProbeRecord {
  readonly what: 'probe'
  readonly subject: string
  readonly id: string
  readonly data: JsonObject
}

/** @param leftOut findings before this one that there was no room to keep. */
export function probeRecord({ why, observation }: Unsealed, gate: Pick<Gate, 'name' | 'promised' | 'otherwise'>, leftOut: number): ProbeRecord {
  const { store, assurance, observedMs, checks } = observation
  return {
    what: 'probe',
    subject: `store/${gate.name}`,
    // Found again in the notebook after a crash it is the same record.
    id: `probe/${store}/${observedMs}/${why}`,
    data: {
      assurance,
      broken: brokenIn(observation),
      checks: checks.map(({ name, result, seen, decisive }) => ({ decisive, name, result, seen })),
      ...(leftOut > 0 ? { left_out: leftOut } : {}),
      observed: new Date(observedMs).toISOString(),
      promised: gate.promised,
      store,
      unlocked: gate.otherwise,
      why,
    },
  }
}
