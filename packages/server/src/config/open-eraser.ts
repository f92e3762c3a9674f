import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { aliasTokens, interactionTokens } from '../event/alias.ts'
import type { Forgotten, Index } from '../index/index.ts'
import type { Records } from '../index/records.ts'
import type { Eraser } from '../privacy/eraser.ts'
import { eraserOf } from '../privacy/execute.ts'
import type { EraserDeps } from '../privacy/execute.ts'
import type { Searched } from '../privacy/search.ts'
import type { ErasureFiles, Pattern } from '../privacy/work-file.ts'
import { readObject, storeObject } from '../store/objects.ts'
import { SYSTEM_LOG } from '../threads/system-entry.ts'
import type { Config } from './config.ts'
import { logsOf, readingsOf } from './logs.ts'
import { lockFor } from './open-log.ts'
import type { Sealing } from './open-sealing.ts'

export interface EraserEnv {
  now(): number
  readonly vault: EraserDeps['vault']
  readonly files: ErasureFiles
  /** A handle that reads; the index thread writes. */
  readonly index: Pick<Index, 'size' | 'auditid' | 'timeline' | 'token'>
  forgetTokens(log: string, records: readonly Forgotten[]): Promise<void>
  /** See `scrubbing`. */
  scrubIndex(): Promise<void>
  readonly exports: EraserDeps['exports']
  /** As `searchFiles`, in this thread or another. */
  search(
    what: { readonly folder: string; readonly patterns: readonly Pattern[]; readonly except: readonly string[] },
    onProgress: (bytes: number) => void,
  ): Promise<Searched>
}

const INDEX_WITHIN_MS = 60_000

/** What carries erasures out in an open data directory; `close` has one that is under way end early. */
export function openEraser(config: Config, sealing: Sealing, env: EraserEnv): Eraser & { close(): void } {
  const { accepted, keys, records, sizes, store } = sealing
  const plans = logsOf(config)
  const trailOf = new Map(plans.map(({ log, trail }) => [log, trail]))
  const readings = readingsOf(config, sealing.packs)
  const sealed: Records = {
    logs: () => sizes.logs,
    size: (log) => sizes.get(log),
    record: (log, index) => records.record(log, index),
    range: (log, from, to) => records.range(log, from, to),
    object: (log, digest) => readObject(store, log, digest),
    gone: (log) => sealing.expired.gone(log),
  }
  const longestHoldMs = Math.max(0, ...Object.values(config.trails).map(({ sequence }) => sequence.holdMs))
  return eraserOf({
    vault: env.vault,
    files: env.files,
    index: env.index,
    records: sealed,
    logs: plans.filter(({ kind }) => kind === 'records').map(({ log }) => log),
    kinds: [...new Set(['phone', 'email', ...readings.flatMap(({ tokenKinds }) => [...tokenKinds.values()].flat())])],
    aliasTokens: (kind, value) => aliasTokens(keys, config.tenant, kind, value),
    interactionTokens: (subject) => interactionTokens(keys, config.tenant, subject),
    accepted: () => accepted.entries(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    indexWithinMs: INDEX_WITHIN_MS,
    origin: sealing.vkey(SYSTEM_LOG).split('+')[0] as string,
    tenant: config.tenant,
    keys: config.keys.keeping.type,
    now: () => env.now(),
    forgetTokens: (log, list) => env.forgetTokens(log, list),
    forgetContent: (log, ids) => sealing.forgetContent(trailOf.get(log) as string, ids),
    turnJournal: () => accepted.turn(),
    oldestJournal: () => accepted.oldest(),
    held: () => ({ events: [...sealing.backlog().values()].reduce((sum, { held }) => sum + held, 0), untilMs: env.now() + longestHoldMs }),
    exports: env.exports,
    scrubIndex: () => env.scrubIndex(),
    copies: () => copiesIn(config.data),
    storeObject: (digest, bytes) => storeObject(store, SYSTEM_LOG, digest, bytes, lockFor(config, SYSTEM_LOG, env.now())),
    search: (patterns, except, onProgress) => env.search({ folder: config.data, patterns, except }, onProgress),
  })
}

/** What repairs of the vault left behind. */
function copiesIn(data: string): string[] {
  const names = existsSync(data) ? readdirSync(data).filter((name) => name.startsWith('vault-damaged-')) : []
  return existsSync(join(data, 'vault', 'lost')) ? [...names, 'vault/lost'] : names
}
