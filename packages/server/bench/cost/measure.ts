import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { openStore } from '../../src/config/open-store.ts'
import { createLog } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import { inputsOf } from '../../test/crash/child.ts'
import { shapeOf } from '../shapes.ts'
import { sizeOf } from '../under-load.ts'
import type { StoreName, Use } from './prices.ts'
import { billedAs, standIn, type Request } from './stand-ins.ts'

export interface Plan {
  /** Events a second. */
  readonly rate: number
  /** `seal.maxDelay` and `seal.maxRecords`. */
  readonly delayMs: number
  readonly maxRecords: number
  /** Events sealed, about: so many whole intervals. */
  readonly sample: number
}

export interface Measured {
  readonly store: StoreName
  readonly events: number
  /** Bytes of one event's JSON. */
  readonly eventBytes: number
  readonly commits: number
  /** Of the sample, by the platform's name. */
  readonly requests: Readonly<Record<string, number>>
  readonly use: Use
  /** Of one object an event, put as everything else is put: looked for, written, read back. Per object. */
  readonly single: Use
  /** Bytes on the disk of the server, beside the store. */
  readonly disk: Readonly<Record<string, number>>
}

const LOG = 'notifications'
const FEWEST_INTERVALS = 20
const MOST_INTERVALS = 400
/** Objects put one by one. */
const SINGLES = 100
const MOST_AT_ONCE = 10_000

/**
 * Seals a sample through the whole flow into a server that answers as the platform does, and counts what arrived there.
 * The events of one commit interval are given at once, so the machine's speed does not change the numbers; the time a
 * put takes would make commits larger and fewer. The server's own records (starts, reads) and the probe are not counted.
 */
export async function measure(store: StoreName, { rate, delayMs, maxRecords, sample }: Plan): Promise<Measured> {
  const perInterval = Math.max(1, Math.round((rate * delayMs) / 1_000))
  const intervals = Math.min(MOST_INTERVALS, Math.max(FEWEST_INTERVALS, Math.ceil(sample / perInterval)))
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-cost-'))
  const server = await standIn(store)
  try {
    const { config } = loadConfig(null, { cwd: folder, env: {}, data: join(folder, 'data') })
    const ours: Config = { ...config, store: { ...config.store, place: server.place, unlocked: 'go-on' }, seal: { ...config.seal, maxDelayMs: 1, maxRecords } }
    const log = createLog({ level: 'error', now: Date.now })
    const local = await openLocal(ours, { log })
    await local.sealing.drained()
    const before = server.requests().length
    const shape = shapeOf(LOG)
    let serial = 1
    for (let i = 0; i < intervals; i++) {
      const parts: Promise<unknown>[] = []
      for (let left = perInterval; left > 0; left -= MOST_AT_ONCE) {
        const texts = Array.from({ length: Math.min(left, MOST_AT_ONCE) }, () => shape.batch([serial++]).subarray(1, -1).toString())
        parts.push(local.served.intake.submit(inputsOf(LOG, texts), { wait: 'sealed', receipts: 'lean' }))
      }
      await Promise.all(parts)
    }
    const events = local.sealing.sizes.get(LOG)
    await local.close()
    const sent = server.requests().slice(before).filter(of(LOG))
    const stored = await openStore(ours, { readOnly: true })
    const objects = { objects: 0, bytes: 0 }
    let commits = 0
    for await (const { key, size } of stored.list(`${LOG}/`)) {
      objects.objects++
      objects.bytes += size
      if (key.includes('/segment/')) commits++
    }
    await stored.close()
    const disk = Object.fromEntries(['vault', 'ledger', 'index', 'tiles'].map((name) => [name, sizeOf(join(ours.data, name))]))
    return {
      store,
      events,
      eventBytes: shape.eventBytes,
      commits,
      requests: counted(sent),
      use: { ...billed(sent), ...objects },
      single: await singles(ours, server.requests, shape.eventBytes),
      disk,
    }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What each of some events costs as an object of its own. */
async function singles(config: Config, requests: () => Request[], bytes: number): Promise<Use> {
  const store = await openStore(config)
  const shape = shapeOf(LOG)
  const before = requests().length
  const lock = { mode: 'COMPLIANCE', retainUntilMs: Date.now() + 86_400_000 } as const
  for (let i = 0; i < SINGLES; i++) {
    const event = shape.batch([5_000_000 + i]).subarray(1, -1)
    await store.put(`${LOG}/object/${createHash('sha256').update(event).digest('hex')}`, event, lock)
  }
  const { write, list, read } = billed(requests().slice(before))
  await store.close()
  return { write: write / SINGLES, list: list / SINGLES, read: read / SINGLES, objects: 1, bytes }
}

const of =
  (log: string) =>
  ({ key }: Request): boolean =>
    key === '' || key.startsWith(`${log}/`)

function counted(requests: readonly Request[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { operation } of requests) counts[operation] = (counts[operation] ?? 0) + 1
  return counts
}

function billed(requests: readonly Request[]): Pick<Use, 'write' | 'list' | 'read'> {
  const use = { write: 0, list: 0, read: 0 }
  for (const { operation } of requests) {
    const as = billedAs(operation)
    if (as !== null) use[as]++
  }
  return use
}
