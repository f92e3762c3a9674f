import type { JsonObject, JsonValue } from '../event/json.ts'
import { present } from './expression/call.ts'
import type { Place } from './yaml.ts'

/** One layer of an envelope: taken off when the value has all the keys of `has`. */
interface Layer {
  readonly has: readonly string[]
  readonly take: string
  /** Member holding the concrete topic. */
  readonly topic: string | null
  /** Member holding the topic's template. */
  readonly template: string | null
}

export type UnwrapRule = readonly Layer[]

export interface Unwrapped {
  readonly body: JsonValue
  readonly topic: string | null
  readonly template: string | null
}

/** Reads `unwrap`: layers from the outside in. @throws SealtrailError PACK_INVALID */
export function readUnwrap(place: Place | undefined): UnwrapRule {
  if (place === undefined) return []
  return place.items().map((item) => {
    const entries = item.entries(['has', 'take', 'topic', 'template'])
    const take = entries.get('take') ?? item.fail('a layer needs "take"')
    const has =
      entries
        .get('has')
        ?.oneOrMore()
        .map((key) => key.text()) ?? []
    return {
      has: [...new Set([...has, take.text()])],
      take: take.text(),
      topic: entries.get('topic')?.text() ?? null,
      template: entries.get('template')?.text() ?? null,
    }
  })
}

/** Takes envelopes off. attacker: only own members that are maps are gone into, each layer once, so depth is bounded. */
export function unwrap(layers: UnwrapRule, value: JsonObject): Unwrapped {
  let body: JsonValue = value
  let topic: string | null = null
  let template: string | null = null
  for (const layer of layers) {
    if (!layer.has.every((key) => present(body, key))) continue
    const outer = body as JsonObject
    topic = (layer.topic === null ? null : textOf(outer, layer.topic)) ?? topic
    template = (layer.template === null ? null : textOf(outer, layer.template)) ?? template
    body = outer[layer.take]!
  }
  return { body, topic, template }
}

function textOf(map: JsonObject, key: string): string | null {
  const value = Object.hasOwn(map, key) ? map[key] : null
  return typeof value === 'string' ? value : null
}
