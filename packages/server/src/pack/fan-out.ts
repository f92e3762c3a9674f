import type { JsonValue } from '../event/json.ts'
import type { Scope } from './expression/scope.ts'
import { elements } from './expression/call.ts'
import { expressionAt } from './template.ts'
import type { Place } from './yaml.ts'

/** One element of a fan-out with what it lay in, outermost (the body) first. */
export interface Element {
  readonly event: JsonValue
  readonly within: JsonValue[]
}

export type FanOut = (body: JsonValue, scope: Scope) => Element[]

/**
 * Reads `each`: a path such as `participants[].messages[]`, which walks lists in lists and keeps what each element lay in
 * for `within`, or CEL that gives a list. @throws SealtrailError PACK_INVALID
 */
export function readFanOut(place: Place): FanOut {
  const text = place.text()
  if (/^[A-Za-z_][\w-]*(\[\]|\.[A-Za-z_][\w-]*)*\[\]$/.test(text)) return byPath(text)
  const list = expressionAt(place)
  return (body, scope) => elements(list.run(scope), 'each').map((event) => ({ event, within: [body] }))
}

function byPath(path: string): FanOut {
  const levels = path
    .slice(0, -2)
    .split('[]')
    .map((level) => level.split('.').filter((key) => key !== ''))
  return (body) => {
    let found: Element[] = [{ event: body, within: [] }]
    for (const keys of levels) {
      const next: Element[] = []
      for (const { event, within } of found) {
        const inside = keys.reduce<JsonValue>((value, key) => own(value, key), event)
        if (Array.isArray(inside)) for (const element of inside) next.push({ event: element, within: [...within, event] })
      }
      found = next
    }
    return found
  }
}

function own(value: JsonValue, key: string): JsonValue {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && Object.hasOwn(value, key) ? value[key]! : null
}
