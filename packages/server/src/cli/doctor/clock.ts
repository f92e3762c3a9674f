import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import { SqliteHead } from '../../head/sqlite/head.ts'
import { FileStore } from '../../store/files/store.ts'
import { SegmentReader } from '../../store/segments.ts'
import type { Finding } from './finding.ts'

/** A clock set while we look, or a record received this very moment. */
const SLACK_MS = 1_000

/** Whether the clock is behind what was recorded last in any log. Reads only; a running server is not disturbed. */
export async function checkClock(data: string, nowMs: number): Promise<Finding[]> {
  const unknown: Finding = {
    area: 'clock',
    level: 'warn',
    text: 'whether this machine follows a time server is not known to Sealtrail',
    todo: 'see that NTP runs (timedatectl, chronyc)',
  }
  if (!existsSync(join(data, 'head.sqlite'))) return [unknown]
  try {
    const newest = await newestRecord(data)
    if (newest === null) return [{ area: 'clock', level: 'ok', text: 'nothing is recorded yet' }, unknown]
    const behindMs = newest.ms - nowMs
    if (behindMs > SLACK_MS)
      return [
        {
          area: 'clock',
          level: 'fail',
          code: 'CLOCK_BACKWARDS',
          text: `the clock is ${(behindMs / 1000).toFixed(0)} s behind the newest record of log ${newest.log}`,
          todo: 'correct the clock before going on: receive times would run backwards',
        },
        unknown,
      ]
    return [{ area: 'clock', level: 'ok', text: `not behind the newest record (log ${newest.log}, ${new Date(newest.ms).toISOString()})` }, unknown]
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return [
      { area: 'storage', level: 'fail', code: error.code, text: `the newest records cannot be read: ${error.message}`, todo: 'run sealtrail verify' },
      unknown,
    ]
  }
}

async function newestRecord(data: string): Promise<{ log: string; ms: number } | null> {
  const heads = SqliteHead.open(join(data, 'head.sqlite'), { readOnly: true })
  const store = await FileStore.open(join(data, 'store'), { readOnly: true })
  try {
    const segments = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null })
    let newest: { log: string; ms: number } | null = null
    for (const log of heads.logs()) {
      const size = heads.read(log)?.size ?? 0
      if (size === 0) continue
      const bytes = await segments.record(log, size - 1)
      const ms = bytes === null ? Number.NaN : Date.parse((JSON.parse(Buffer.from(bytes).toString()) as { recordedtime: string }).recordedtime)
      if (ms > (newest?.ms ?? -Infinity)) newest = { log, ms }
    }
    return newest
  } finally {
    await store.close()
    heads.close()
  }
}
