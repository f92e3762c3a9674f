import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { replaceDurably } from '../durable-file.ts'

/**
 * A fork alarm: somebody has, or says they have, another history of a log under its own signature. The log stops sealing
 * until a person has looked; the file `DATA/forked/<log>.json` keeps it stopped over restarts.
 */
export interface ForkAlarm {
  readonly log: string
  /** RFC 3339. */
  readonly at: string
  readonly kind: ForkKind
  /** Name of the witness in the policy, or null when the contradiction lies in the data directory itself. */
  readonly witness: string | null
  /** What was seen, in words. */
  readonly detail: string
  /** Our checkpoint that was refused, as sent. */
  readonly checkpoint: string
  /** A note the log's own key signed that contradicts it: proof, not only a claim. Null: none was to be had. */
  readonly evidence: string | null
}

export type ForkKind =
  /** The witness has cosigned a larger tree than ours. */
  | 'WITNESS_AHEAD'
  /** 409 without a size: omniwitness's word for another root at the same size. */
  | 'WITNESS_CONFLICT'
  /** 422 on a proof that verifies here against what the witness cosigned before. */
  | 'WITNESS_REFUSED'
  /** What was published before is not a beginning of what is committed now. */
  | 'PUBLISHED_CONTRADICTED'

const FOLDER = 'forked'

/** The standing alarm of a log, or null. An alarm that cannot be read stands all the same. */
export function readAlarm(data: string, log: string): ForkAlarm | null {
  const path = join(data, FOLDER, `${log}.json`)
  if (!existsSync(path)) return null
  try {
    const { log: _, ...read } = JSON.parse(readFileSync(path, 'utf8')) as ForkAlarm
    if (typeof read.detail === 'string' && typeof read.at === 'string') return { ...read, log }
  } catch {
    // Somebody wrote an alarm; half of one is no reason to go on.
  }
  return { log, at: '', kind: 'PUBLISHED_CONTRADICTED', witness: null, detail: 'the alarm file is damaged', checkpoint: '', evidence: null }
}

/** All standing alarms. */
export function readAlarms(data: string): ForkAlarm[] {
  const folder = join(data, FOLDER)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  return names.sort().map((name) => readAlarm(data, name.slice(0, -'.json'.length)) as ForkAlarm)
}

/** An alarm somebody has looked at and taken back. */
export interface ClearedAlarm extends ForkAlarm {
  readonly cleared: { readonly at: string; readonly reason: string }
}

/** Alarms that were taken back, oldest first; damaged ones are left out. */
export function readCleared(data: string): ClearedAlarm[] {
  const folder = join(data, FOLDER, 'cleared')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  return names.sort().flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(folder, name), 'utf8')) as ClearedAlarm]
    } catch {
      return []
    }
  })
}

/** Durable when it returns; the first alarm of a log stands. @throws SealtrailError DATA_UNWRITABLE */
export function raiseAlarm(data: string, alarm: ForkAlarm): void {
  if (readAlarm(data, alarm.log) !== null) return
  replaceDurably(join(data, FOLDER, `${alarm.log}.json`), `${JSON.stringify(alarm)}\n`, 'the fork alarm')
}

/** Takes an alarm back, keeping it with the operator's reason beside the others. @returns it, or null when there was none */
export function clearAlarm(data: string, log: string, cleared: { readonly at: string; readonly reason: string }): ForkAlarm | null {
  const alarm = readAlarm(data, log)
  if (alarm === null) return null
  const kept = join(data, FOLDER, 'cleared')
  mkdirSync(kept, { recursive: true, mode: 0o700 })
  const name = `${log}-${cleared.at.replaceAll(/[^0-9]/g, '')}`
  replaceDurably(join(kept, `${name}.json`), `${JSON.stringify({ ...alarm, cleared })}\n`, 'the cleared fork alarm')
  renameSync(join(data, FOLDER, `${log}.json`), join(kept, `${name}.alarm`))
  return alarm
}

/** One line for readiness and logs. */
export function alarmText({ log, kind, witness, detail }: ForkAlarm): string {
  return `${log}: ${witness === null ? '' : `witness ${witness}: `}${detail} (${kind}); sealtrail witness alarms`
}
