import type { Worker } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import { longLockFor } from '../config/open-log.ts'
import type { Sealing } from '../config/open-sealing.ts'
import { readRoots } from '../config/time-stamp-roots.ts'
import { SealtrailError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import { errorFields } from '../observe/log.ts'
import type { Snapshot } from '../observe/metrics.ts'
import type { AuthorityEvent } from '../publish/timestamp/health.ts'
import { Caller, answer } from './rpc.ts'
import type { SystemEvent } from './system-entry.ts'
import type { TimestampWorkerData } from './timestamp-worker.ts'

export interface Timestamping {
  /** What is wrong with the authorities, one line each. */
  notes(): readonly string[]
  snapshot(): Promise<Snapshot>
  /** Has what grew stamped a last time, in at most the time one answer may take, and ends the thread. */
  close(): Promise<void>
}

/**
 * Starts the time-stamping thread beside a sealing thread: it asks authorities, this one stores and seals.
 * Null when no authority is configured. @throws SealtrailError CONFIG_INVALID when roots changed since the configuration was read
 */
export async function startTimestamping(
  config: Config,
  sealing: Sealing,
  env: { readonly log: Log; readonly now: () => number; start(data: TimestampWorkerData): Promise<Worker> },
): Promise<Timestamping | null> {
  const { timestamps } = config
  if (timestamps === null) return null
  const roots: Record<string, readonly Uint8Array[]> = {}
  for (const { name, rootsFile, rootsDigest } of timestamps.authorities) {
    const read = readRoots(rootsFile)
    if (read.digest !== rootsDigest)
      throw new SealtrailError('CONFIG_INVALID', `timestamps.authorities.${name}.roots: the file changed while the server started`)
    roots[name] = read.roots
  }
  const vkeys = sealing.vkeys()
  const worker = await env.start({ config: { ...config, timestamps }, vkeys, roots })
  let notes: readonly string[] = []
  answer(worker, {
    put: ({ log, key, bytes }: { log: string; key: string; bytes: Uint8Array }) =>
      sealing.store.put(key, bytes, longLockFor(config, log, env.now()), { format: key.includes('/crl/') ? 'application/pkix-crl' : 'sealtrail/timestamp/1' }),
    // An outage is no less one because the system trail cannot take it right now: the log and the metrics have it too.
    authority: (event: AuthorityEvent) =>
      sealing
        .system(authorityEvent(event))
        .catch((error: unknown) => env.log.warn('an outage of a time-stamp authority could not be sealed', errorFields(error))),
    notes: (told: readonly string[]) => void (notes = told),
  })
  const caller = new Caller(worker)
  return {
    notes: () => notes,
    snapshot: () => caller.call<Snapshot>('snapshot', null).catch((): Snapshot => []),
    close: () =>
      new Promise((resolve) => {
        worker.once('exit', () => resolve())
        void caller.call('close', null).catch(() => {})
      }),
  }
}

/** The beginning or end of an authority's outage, as sealed in the system trail. */
function authorityEvent({ is, authority, since, code }: AuthorityEvent): SystemEvent {
  return {
    what: 'timestamp-authority',
    subject: `timestamps/${authority}`,
    id: `timestamps/${authority}/${since}/${is}`,
    data: { authority, code, since, state: is },
  }
}
