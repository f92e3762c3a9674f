import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../src/event/json.ts'
import type { MappedEvent } from '../../src/event/mapped.ts'
import { keyedHashes } from '../../src/keys/hashes.ts'
import type { FieldNode } from '../../src/pack/pack.ts'
import { protectEnv } from '../../src/protect/env.ts'
import { protect } from '../../src/protect/protect.ts'
import type { ProtectResult } from '../../src/protect/protect.ts'
import type { Hit } from '../../src/protect/walk.ts'

const env = protectEnv('acme', keyedHashes({ naming: randomBytes(32), token: randomBytes(32), fingerprint: randomBytes(32) }), randomBytes)

/** A pack that calls everything plain, also what is within lists, and lets every attribute stay. */
function plainFor(value: unknown): FieldNode {
  const rule = { class: 'plain' } as const
  if (Array.isArray(value)) return { rule, keys: new Map(), any: null, items: plainFor(value[0]) }
  if (typeof value !== 'object' || value === null) return { rule, keys: new Map(), any: null, items: null }
  return {
    rule,
    keys: new Map(
      Object.entries(value).map(([key, each]) => [
        key,
        key === 'attributes'
          ? { rule: { class: 'map', allow: new Set(Object.keys(each as object)), whose: null }, keys: new Map(), items: null, any: null }
          : plainFor(each),
      ]),
    ),
    items: null,
    any: null,
  }
}

/** What protect makes of an event under the rules of a pack. */
export function protectEvent(event: MappedEvent, fields: FieldNode): ProtectResult {
  return protect(event, fields, env)
}

/** An event of one call with this data. */
export function mappedEvent(data: JsonObject, people: MappedEvent['people'] = {}): MappedEvent {
  return {
    trail: 'calls',
    pack: 'test@1',
    id: 'id-1',
    subject: 'call-1',
    type: 'test',
    timeMs: 0,
    time: null,
    source: 'test',
    schema: 'urn:sealtrail:schema:test:1',
    regulatorytag: null,
    data,
    compared: data,
    agree: null,
    order: { rank: 0, session: null, effect: null, phase: 0 },
    status: null,
    people,
  }
}

/** What protect makes of data in which nobody calls anything personal. */
export function clearEvent(data: JsonObject): { readonly refused: boolean; readonly data: JsonObject; readonly hits: readonly Hit[] } {
  const result = protectEvent(mappedEvent(data), plainFor(data))
  return result.kind === 'protected' ? { ...result, refused: false } : { refused: true, data: {}, hits: [] }
}

/** `path kind` of everything detection found, sorted. */
export function hitsOf(data: JsonObject): string[] {
  return clearEvent(data)
    .hits.map(({ path, kind }) => `${path} ${kind}`)
    .toSorted()
}
