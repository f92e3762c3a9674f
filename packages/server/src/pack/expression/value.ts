import type { JsonObject, JsonValue } from '../../event/json.ts'
import { ExpressionError } from './scope.ts'

const INHERITED = new Set([...Object.getOwnPropertyNames(Object.prototype), ...Object.getOwnPropertyNames(Array.prototype)])

/** Whether a plain `object[key]` could reach something inherited (`constructor`, `__proto__`, `length`, …). */
export function isInheritedName(key: string): boolean {
  return INHERITED.has(key)
}

/**
 * The member of a map or element of a list, null when there is none or `base` has no members.
 * attacker: keys come from packs but maps from outside, so only own properties count.
 */
export function get(base: JsonValue, key: JsonValue): JsonValue {
  if (base === null || typeof base !== 'object') return null
  if (Array.isArray(base)) return typeof key === 'number' ? (base[key] ?? null) : null
  return typeof key === 'string' && Object.hasOwn(base, key) ? base[key]! : null
}

/** CEL equality over JSON values: no conversion, null equals only null, maps regardless of key order. */
export function equal(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => equal(v, b[i]!))
  if (Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && equal(a[k]!, b[k]!))
}

/** Whether `item` is an element of a list or a key of a map; in nothing (null) is nothing. @throws ExpressionError on other types. */
export function isIn(item: JsonValue, collection: JsonValue): boolean {
  const all = members(collection)
  if (Array.isArray(all)) return all.some((v) => equal(item, v))
  return typeof item === 'string' && Object.hasOwn(all, item)
}

/** What `in` looks through: a list or a map, an empty list for null. @throws ExpressionError on other types. */
export function members(collection: JsonValue): JsonValue[] | JsonObject {
  if (collection === null) return []
  if (typeof collection === 'object') return collection
  throw new ExpressionError(`nothing is in a ${kindOf(collection)}`)
}

/** Number of characters (code points), elements or keys. @throws ExpressionError on other types. */
export function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') {
    let n = 0
    for (const _ of value) n++
    return n
  }
  if (value !== null && typeof value === 'object') return Array.isArray(value) ? value.length : Object.keys(value).length
  throw new ExpressionError(`no such overload: size(${kindOf(value)})`)
}

/** The CEL name of a value's type, for messages that must not show the value. */
export function kindOf(value: JsonValue): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'number':
      return 'double'
    case 'boolean':
      return 'bool'
    default:
      return 'map'
  }
}
