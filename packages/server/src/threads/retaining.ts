import { SealtrailError } from '../errors.ts'
import { openRetention } from '../config/open-retain.ts'
import type { OpenRetention, RetainEnv } from '../config/open-retain.ts'
import type { Config } from '../config/config.ts'
import type { Sealing } from '../config/open-sealing.ts'
import type { JsonObject } from '../event/json.ts'
import type { RetentionDesk } from '../http/retention.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { LogRun } from '../retain/run.ts'

/** The retention duty beside a sealing thread. */
export interface Retaining {
  readonly open: OpenRetention | null
  /** Runs now, or waits for the run under way. @param clockIsRight an officer says so. @throws SealtrailError CLOCK_LEAPT, NOT_DURABLE, DATA_CORRUPT */
  run(clockIsRight?: boolean): Promise<readonly LogRun[]>
  /** What people ask of it. */
  readonly desk: RetentionDesk
  /** What is wrong, one line each. */
  notes(): readonly string[]
  /** Ends the schedule; a run under way is waited for. */
  close(): Promise<void>
}

const HOUR_MS = 3_600_000
const EVERY_MS = 24 * HOUR_MS
/** The other threads are up by then. */
const FIRST_MS = 30_000

/** Opens the duty and, with `scheduled`, runs it at start and then daily; a failed run is tried again in an hour. */
export async function startRetaining(
  config: Config,
  sealing: Sealing,
  env: RetainEnv & { readonly log: Log; readonly scheduled: boolean },
): Promise<Retaining> {
  const open = await openRetention(config, sealing, env)
  let fault: string | null = null
  let timer: NodeJS.Timeout | null = null
  let running: Promise<unknown> = Promise.resolve()
  let closed = false

  async function run(clockIsRight = false): Promise<readonly LogRun[]> {
    if (open === null) return []
    if (clockIsRight) open.clock.confirm(env.now())
    try {
      const done = await open.retention.run()
      fault = null
      for (const each of done) if (each.segments > 0) env.log.info('records expired', { ...each })
      return done
    } catch (error) {
      const { code, message } = error instanceof SealtrailError ? error : { code: 'INTERNAL', message: 'the retention run ended' }
      fault = `${code}: ${message}`
      env.log.error('a retention run could not be completed; nothing is lost by it', errorFields(error))
      throw error
    }
  }

  function schedule(afterMs: number): void {
    if (closed) return
    timer = setTimeout(() => {
      running = run().then(
        () => schedule(EVERY_MS),
        () => schedule(HOUR_MS),
      )
    }, afterMs)
    timer.unref()
  }
  if (open !== null && env.scheduled) schedule(FIRST_MS)

  return {
    open,
    run,
    desk: {
      status: async () => statusOf(open, fault, env.now()),
      async run({ clockIsRight, by }) {
        // Sealed before it counts: somebody answers for it.
        if (clockIsRight && open !== null)
          await sealing.system({
            what: 'clock-confirmed',
            subject: 'clock/confirmed',
            id: `clock/confirmed/${env.now()}`,
            data: { by, clock: new Date(env.now()).toISOString() },
          })
        return (await run(clockIsRight)).map((each) => ({ ...each }))
      },
      flags: async () => (open?.flags() ?? []).map(({ log, subject, reason, untilMs }) => ({ log, subject, reason, until: new Date(untilMs).toISOString() })),
      async flag({ subject, reason, trail, by }) {
        if (open === null) throw new SealtrailError('BAD_REQUEST', 'no trail has retain.detail: every record is kept in full as it is')
        const logs = open.logs.filter(({ log }) => trail === null || log === trail)
        if (logs.length === 0) throw new SealtrailError('UNKNOWN_TRAIL', 'no trail of this name has retain.detail')
        for (const { log } of logs) {
          if ((await env.index.subject(log, subject, -1, 1)).length === 0) continue
          return { flag: await open.flag({ log, subject, reason, by }), log, subject }
        }
        throw new SealtrailError('NOT_FOUND', 'no record of this subject stands in a log whose detail expires')
      },
    },
    notes: () => (fault === null ? [] : [`retention: ${fault}`]),
    async close() {
      closed = true
      open?.retention.stop()
      if (timer !== null) clearTimeout(timer)
      await running
    },
  }
}

function statusOf(open: OpenRetention | null, fault: string | null, nowMs: number): JsonObject {
  if (open === null) return { tiers: false, logs: [] }
  const last = open.lastRunMs()
  return {
    tiers: true,
    now: new Date(nowMs).toISOString(),
    lastRun: last === null ? null : new Date(last).toISOString(),
    problem: open.retention.refusal() ?? fault,
    flags: open.flags().length,
    logs: open.logs.map(({ log, summaries, detailMs, periodMs }) => {
      const { from, day } = open.summarised(log)
      const ranges = open.expired(log)
      return {
        log,
        summaries,
        detailDays: detailMs / EVERY_MS,
        periodDays: periodMs / EVERY_MS,
        summarisedBelow: from,
        lastDay: day,
        expired: ranges.reduce((sum, range) => sum + range.to - range.from, 0),
        expiredLast: ranges.reduce<string | null>((newest, { on }) => (newest === null || on > newest ? on : newest), null),
      }
    }),
  }
}
