import { join } from 'node:path'
import type { RecordFields } from '@sealtrail/evidence'
import type { JsonObject } from '../event/json.ts'
import type { Index } from '../index/index.ts'
import { compileExpression } from '../pack/expression/expression.ts'
import { ExpressionError, newScope } from '../pack/expression/scope.ts'
import { LeapGuard } from '../retain/clock.ts'
import { flagEvent } from '../retain/flag.ts'
import type { Flag } from '../retain/flag.ts'
import { Retention } from '../retain/run.ts'
import type { TieredLog } from '../retain/run.ts'
import { Expiries, Flags, Runs, Summaries } from '../retain/standing.ts'
import type { StandingFlag } from '../retain/standing.ts'
import { storeTail } from '../seal/tails.ts'
import type { HashFiles } from '../seal/tiles.ts'
import { summaryBatch } from '../threads/system-entry.ts'
import type { SystemEvent } from '../threads/system-entry.ts'
import type { Config } from './config.ts'
import { logsOf, readingsOf } from './logs.ts'
import { openFold } from './open-fold.ts'
import { longLockFor } from './open-log.ts'
import type { Sealing } from './open-sealing.ts'

export interface RetainEnv {
  now(): number
  /** Milliseconds of a clock nobody sets. */
  monotonic(): number
  readonly index: Pick<Index, 'subject'> & { forget(log: string, first: number, records: readonly Uint8Array[]): Promise<void> }
  /** Runs removals while no legal hold is being placed. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

/** The retention duty of an open data directory. */
export interface OpenRetention {
  readonly retention: Retention
  readonly clock: LeapGuard
  readonly logs: readonly TieredLog[]
  /** When the last run was completed, ms since the epoch, or null. */
  lastRunMs(): number | null
  flags(): readonly StandingFlag[]
  /** What has expired of a log. */
  expired(log: string): ReturnType<Expiries['of']>
  summarised(log: string): ReturnType<Summaries['of']>
  /** Seals a flag; what it asks for holds from then on. @returns its id */
  flag(flag: Omit<Flag, 'class' | 'untilMs'>): Promise<string>
}

/** Null when no trail has tiers: then nothing expires, and there is nothing to sum up. @throws SealtrailError DATA_CORRUPT */
export async function openRetention(config: Config, sealing: Sealing, env: RetainEnv): Promise<OpenRetention | null> {
  const logs = tieredLogs(config, sealing)
  if (logs.length === 0) return null
  const flags = new Flags()
  const expiries = new Expiries()
  const summaries = new Summaries()
  const runs = new Runs()
  const fold = await openFold(config, sealing, [flags, expiries, summaries, runs], join(config.data, 'retain', 'tiers.json'))
  const clock = new LeapGuard(newest(sealing.foundMs, runs.lastMs), env.now(), () => env.monotonic())
  const { keys, store, records } = sealing
  const system = (event: SystemEvent): Promise<void> => sealing.sealed(event)
  const trailOf = new Map(logsOf(config).map(({ log, trail }) => [log, trail]))
  const retention = new Retention({
    logs,
    store,
    records,
    standing: {
      flags,
      expiries,
      summaries,
      runs,
      catchUp: () => fold.catchUp(),
      save() {
        fold.save()
        sealing.expired.save()
      },
    },
    clock,
    committed: (log) => sealing.committed(log),
    prove: (log, index, size) => (sealing.hashes.get(log) as HashFiles).prove(index, size),
    storeHashes: (log, to) => storeTail(log, sealing.hashes.get(log) as HashFiles, store, to, longLockFor(config, log, env.now())),
    longLock: (log) => longLockFor(config, log, env.now()),
    held: (log, subject, index) => sealing.holds.covers(log, index, subject) !== null,
    alone: (work) => env.alone(work),
    async earlier(log, subject, before) {
      const places = await env.index.subject(log, subject, -1, 10_000)
      return places.map(({ index }) => index).filter((index) => index < before)
    },
    system,
    summary: (log, events) => sealing.sealedBatch(summaryBatch(log, trailOf.get(log) as string, events, env.now(), config.tenant, keys)),
    expireDisclosures: (auditids) => sealing.vault.expire(auditids),
    async forget(log, first, gone) {
      await env.index.forget(log, first, gone)
      const ids = gone.filter((bytes) => bytes.length > 0).map((bytes) => (JSON.parse(Buffer.from(bytes).toString()) as { id: string }).id)
      await sealing.forget(trailOf.get(log) as string, ids)
    },
    turnJournal: () => sealing.turnJournal(),
    forgotten: () => sealing.forgotten(),
    now: () => env.now(),
  })
  return {
    retention,
    clock,
    logs,
    lastRunMs: () => runs.lastMs,
    flags: () => flags.all(env.now()),
    expired: (log) => expiries.of(log),
    summarised: (log) => summaries.of(log),
    async flag(flag) {
      const { periodMs } = logs.find(({ log }) => log === flag.log) as TieredLog
      const event = flagEvent({ ...flag, class: null, untilMs: Math.ceil((env.now() + periodMs) / DAY_MS) * DAY_MS })
      await system(event)
      await fold.catchUp()
      return event.id.slice('flag/'.length)
    },
  }
}

const DAY_MS = 86_400_000

function tieredLogs(config: Config, sealing: Pick<Sealing, 'vkey' | 'packs'>): TieredLog[] {
  const readings = readingsOf(config, sealing.packs)
  return logsOf(config).flatMap(({ log, trail, detailMs, periodMs }) => {
    const reading = readings.find((each) => each.log === log)
    if (detailMs === null || reading?.summaries == null) return []
    return [
      {
        log,
        summaries: reading.summaries,
        class: 'detail',
        origin: sealing.vkey(log).split('+')[0] as string,
        detailMs,
        periodMs,
        sequenced: reading.sequenced,
        states: reading.states,
        keep: keepRule(config.trails[trail]?.retain.keep ?? null),
      },
    ]
  })
}

/** The rule as a question about sealed records: `event` is their data, where a committed value is a list nobody can read. */
function keepRule(text: string | null): TieredLog['keep'] {
  if (text === null) return null
  const { run } = compileExpression(text)
  const scope = newScope({})
  return ({ data }: RecordFields) => {
    scope.event = data as JsonObject
    try {
      return run(scope) === true
    } catch (error) {
      // What the record does not say it does not ask for.
      if (error instanceof ExpressionError) return false
      throw error
    }
  }
}

function newest(...times: ReadonlyArray<number | null>): number | null {
  const known = times.filter((ms) => ms !== null)
  return known.length === 0 ? null : Math.max(...known)
}
