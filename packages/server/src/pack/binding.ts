import { SealtrailError } from '../errors.ts'
import type { JsonValue } from '../event/json.ts'
import type { Expression } from './expression/expression.ts'
import type { Protect } from './override.ts'
import { expressionAt, templateAt, type Template } from './template.ts'
import { Place } from './yaml.ts'

/** What a trail of the configuration adds to a pack. */
export interface Binding {
  /** Trail the records go to; the pack's own default when left out. */
  readonly trail?: string
  /** CEL that must hold as well as the pack's filter (`filter`, `subscription.filterExpression`). */
  readonly filter?: string | null
  /** Takes the place of the pack's default map (the Transform block). */
  readonly map?: Readonly<Record<string, unknown>> | null
  /** Keeps only events of the streams named. */
  readonly subscription?: { readonly eventTypes: readonly string[] } | null
  /** What the trail says of fields, over what the pack says. */
  readonly protect?: Protect
}

export interface Bound {
  readonly filter: Expression | null
  readonly map: Template | null
  readonly streams: ReadonlySet<JsonValue> | null
}

/** @throws SealtrailError CONFIG_INVALID, with line and column within the value that is wrong. */
export function readBinding(binding: Binding, known: readonly string[]): Bound {
  const at = (what: string): string => `trails.${binding.trail ?? ''}.${what}`
  for (const name of binding.subscription?.eventTypes ?? []) {
    if (!known.includes(name))
      throw new SealtrailError('CONFIG_INVALID', `${at('subscription.eventTypes')}: there is no event type "${name}"; known: ${known.join(', ') || 'none'}`)
  }
  return {
    filter: binding.filter == null ? null : inConfig(() => expressionAt(Place.parse(JSON.stringify(binding.filter), at('filter')))),
    map: binding.map == null ? null : inConfig(() => templateAt(Place.parse(JSON.stringify(binding.map), at('map')))),
    streams: binding.subscription == null ? null : new Set<JsonValue>(binding.subscription.eventTypes),
  }
}

function inConfig<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SealtrailError) throw new SealtrailError('CONFIG_INVALID', error.message)
    throw error
  }
}
