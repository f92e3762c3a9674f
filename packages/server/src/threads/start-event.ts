import { createHash } from 'node:crypto'
import { canonicalize } from '@sealtrail/evidence'
import type { Config } from '../config/config.ts'
import type { Sealing } from '../config/open-sealing.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { forkEvents } from './fork-events.ts'
import { keyEvents } from './key-event.ts'
import { SYSTEM_LOG } from './system-entry.ts'
import type { SystemEvent } from './system-entry.ts'

/** Seals what a start has to say. The system log itself may have been stopped by a fork alarm: then the server starts all the same, to be looked at. */
export async function sealStart(config: Config, sealing: Sealing, nowMs: number): Promise<void> {
  if (sealing.trouble(SYSTEM_LOG)?.code === 'FORKED') return
  await sealing.system(startEvent(config, sealing, nowMs))
  for (const event of [...keyEvents(sealing.keys.list()), ...forkEvents(config.data)]) await sealing.system(event)
}

/**
 * What the server runs with, sealed at each start: configuration, packs by digest, keys by fingerprint, what recovery
 * found. A filter, pack, schema or policy that changed is then a difference between two records.
 */
function startEvent(config: Config, sealing: Sealing, nowMs: number): SystemEvent {
  const { data: _, listen, tls, ...settings } = config
  const plain = JSON.parse(JSON.stringify({ ...settings, listen, tls: tls !== null })) as JsonObject
  const packs: JsonValue[] = [...sealing.packs.byTrail].flatMap(([trail, list]) =>
    list.map((pack) => ({ digest: pack.digest, name: pack.name, trail, version: pack.version })),
  )
  const keys: JsonValue[] = sealing.keys.list().map(({ fingerprint, held, id, publicKey, purpose, service, state }) => ({
    fingerprint,
    id,
    ...(publicKey === null ? {} : { publicKey }),
    purpose,
    service,
    state,
    ...(held ? { held } : {}),
  }))
  const digest = createHash('sha256')
    .update(canonicalize({ config: plain, packs }))
    .digest('hex')
  return {
    what: 'start',
    subject: 'server',
    id: `start/${nowMs}/${digest.slice(0, 16)}`,
    data: { config: plain, config_digest: `sha256:${digest}`, findings: [...sealing.findings], keys, packs },
  }
}
