import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { lastSealed } from '../../config/last-sealed.ts'
import { openHeads, openStore } from '../../config/open-store.ts'
import type { Stored } from '../../config/open-store.ts'
import { SealtrailError } from '../../errors.ts'
import { CLOCK_TOLERANCE_MS, ClockGuard } from '../../observe/clock-guard.ts'
import { SegmentReader } from '../../store/segments.ts'
import type { Finding } from './finding.ts'

/** A clock set while we look, or a commit made this very moment. */
const SLACK_MS = 1_000

/**
 * Whether the clock is behind the newest commit of any log, judged as the server does: it lets small steps pass and refuses
 * events from `CLOCK_TOLERANCE_MS` on. Reads only; a running server is not disturbed.
 * @param stored where heads and segments are.
 * @param acceptMs sealed times up to this one are known to be wrong (`clock.accept`), or null.
 */
export async function checkClock(stored: Stored, nowMs: number, acceptMs: number | null): Promise<Finding[]> {
  const unknown: Finding = {
    area: 'clock',
    level: 'warn',
    text: 'whether this machine follows a time server is not known to Sealtrail',
    todo: 'see that NTP runs (timedatectl, chronyc)',
  }
  if (!existsSync(join(stored.data, 'head.sqlite'))) return [unknown]
  try {
    const newest = await newestCommit(stored)
    if (newest === null) return [{ area: 'clock', level: 'ok', text: 'nothing is sealed yet' }, unknown]
    const guard = new ClockGuard(newest.ms, acceptMs)
    const behindMs = guard.newestMs - nowMs
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`
    const behind = `the clock is ${seconds(behindMs)} behind the newest commit (log ${newest.log}, ${new Date(newest.ms).toISOString()})`
    if (guard.check(nowMs) !== null)
      return [
        {
          area: 'clock',
          level: 'fail',
          code: 'CLOCK_BACKWARDS',
          text: `${behind}; the server refuses events from ${seconds(CLOCK_TOLERANCE_MS)} on`,
          todo: 'correct the clock; if the sealed times are the wrong ones, set `clock.accept`',
        },
        unknown,
      ]
    if (behindMs > SLACK_MS)
      return [
        {
          area: 'clock',
          level: 'warn',
          text: `${behind}; the server takes events while it is at most ${seconds(CLOCK_TOLERANCE_MS)}`,
          todo: 'see what set the clock back',
        },
        unknown,
      ]
    return [{ area: 'clock', level: 'ok', text: `not behind the newest commit (log ${newest.log}, ${new Date(newest.ms).toISOString()})` }, unknown]
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return [
      { area: 'storage', level: 'fail', code: error.code, text: `the newest commits cannot be read: ${error.message}`, todo: 'run `sealtrail verify`' },
      unknown,
    ]
  }
}

async function newestCommit(stored: Stored): Promise<{ log: string; ms: number } | null> {
  const heads = openHeads(stored.data, { readOnly: true })
  const store = await openStore(stored, { readOnly: true })
  try {
    const segments = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null })
    let newest: { log: string; ms: number } | null = null
    for (const log of heads.logs()) {
      const head = heads.read(log)
      const sealed = head === null ? null : await lastSealed(segments, log, head)
      if (sealed !== null && sealed.createdMs > (newest?.ms ?? -Infinity)) newest = { log, ms: sealed.createdMs }
    }
    return newest
  } finally {
    await store.close()
    heads.close()
  }
}
