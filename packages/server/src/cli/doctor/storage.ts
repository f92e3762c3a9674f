import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, statSync, statfsSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { size } from '../output.ts'
import type { Finding } from './finding.ts'
import { reasonOf } from './finding.ts'

const WRITES = 20
const BLOCK = 4096
const LOW_BYTES = 1_000_000_000
const SLOW_MS = 20

/** Whether the data directory takes bytes, keeps them, and is closed to others. @param unique names the file written for the test. */
export function checkStorage(data: string, unique: string): Finding[] {
  if (!existsSync(data)) return [{ area: 'storage', level: 'warn', text: 'there is no data directory yet; the first start makes it' }]
  const findings: Finding[] = []
  const mode = statSync(data).mode & 0o077
  if (mode === 0) findings.push({ area: 'storage', level: 'ok', text: 'only its owner may enter the data directory' })
  else findings.push({ area: 'storage', level: 'warn', text: 'other users of this machine may enter the data directory', todo: 'chmod 700 it' })
  findings.push(...writes(data, unique))
  return findings
}

/** Writes, syncs and reads back; says how long one sync takes here. */
function writes(data: string, unique: string): Finding[] {
  const path = join(data, `.doctor-${unique}`)
  const block = Buffer.alloc(BLOCK, 0x53)
  const times: number[] = []
  try {
    const file = openSync(path, 'wx', 0o600)
    try {
      for (let i = 0; i < WRITES; i++) {
        const before = performance.now()
        writeSync(file, block)
        fsyncSync(file)
        times.push(performance.now() - before)
      }
    } finally {
      closeSync(file)
    }
    if (!readFileSync(path).equals(Buffer.alloc(BLOCK * WRITES, 0x53)))
      return [{ area: 'storage', level: 'fail', text: 'what was written is read back as something else', todo: 'do not use this disk' }]
  } catch (error) {
    return [
      {
        area: 'storage',
        level: 'fail',
        code: 'DATA_UNWRITABLE',
        text: `the data directory cannot be written (${reasonOf(error)})`,
        todo: 'free space, or correct owner and permissions',
      },
    ]
  } finally {
    rmSync(path, { force: true })
  }
  times.sort((a, b) => a - b)
  const median = times[WRITES / 2] as number
  const text = `one sync takes ${median.toFixed(2)} ms (median of ${WRITES}), the slowest ${(times.at(-1) as number).toFixed(2)} ms`
  return [
    { area: 'storage', level: 'ok', text: 'written, synced and read back' },
    median > SLOW_MS
      ? { area: 'disk', level: 'warn', text, todo: 'each acknowledgement waits for a sync: use a faster disk' }
      : { area: 'disk', level: 'ok', text },
  ]
}

/** Room left where the data lies. */
export function checkDisk(data: string): Finding[] {
  let place = data
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place)
  try {
    const { bavail, bsize, blocks } = statfsSync(place)
    const free = bavail * bsize
    const share = blocks === 0 ? 1 : bavail / blocks
    const text = `${size(free)} free (${Math.floor(share * 100)} %)`
    if (free < LOW_BYTES / 10) return [{ area: 'disk', level: 'fail', text, todo: 'free space: without it nothing can be acknowledged' }]
    return free < LOW_BYTES || share < 0.05 ? [{ area: 'disk', level: 'warn', text, todo: 'free space soon' }] : [{ area: 'disk', level: 'ok', text }]
  } catch (error) {
    return [{ area: 'disk', level: 'warn', text: `how much room is left cannot be told (${reasonOf(error)})` }]
  }
}
