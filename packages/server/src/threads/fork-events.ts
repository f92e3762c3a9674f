import { readAlarms, readCleared } from '../publish/alarm.ts'
import type { ClearedAlarm, ForkAlarm } from '../publish/alarm.ts'
import type { SystemEvent } from './system-entry.ts'

/** A fork alarm as it is sealed in the system trail: once, however often it is told. */
export function forkEvent({ log, at, kind, witness, detail, checkpoint, evidence }: ForkAlarm): SystemEvent {
  return { what: 'fork', subject: `fork/${log}`, id: `fork/${log}/${at}`, data: { at, checkpoint, detail, evidence, kind, log, witness } }
}

function clearedEvent({ log, at, cleared }: ClearedAlarm): SystemEvent {
  return {
    what: 'fork-cleared',
    subject: `fork/${log}`,
    id: `fork-cleared/${log}/${at}/${cleared.at}`,
    data: { at, cleared: cleared.at, log, reason: cleared.reason },
  }
}

/** Every alarm a data directory holds, standing or cleared, told again at each start: one that could not be sealed then is now. */
export function forkEvents(data: string): SystemEvent[] {
  const cleared = readCleared(data)
  return [...cleared.map(forkEvent), ...readAlarms(data).map(forkEvent), ...cleared.map(clearedEvent)]
}
