import { isCommitmentElement, openDisclosure } from './commitment.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** What a reader learns of a committed field. `sealed`: it exists, but this reader may not see it. */
export type FieldState = 'disclosed' | 'sealed' | 'erased' | 'expired' | 'missing'

/** A committed field of a record's data. */
export interface Field {
  /** RFC 6901 pointer into the *record's* data, to the array that holds the commitment; with the element's index for open maps. */
  readonly path: string
  readonly digest: string
  readonly state: FieldState
}

export interface Flattened {
  /** The data with disclosed values put back; what is not disclosed is null (a map: left out). */
  readonly data: JsonObject
  /** In document order. */
  readonly fields: readonly Field[]
}

/**
 * The data as it was before protection, as far as the disclosures go.
 *
 * An array of one commitment stands for its value. An array whose elements are all commitments or plain `{key,value}`
 * objects, at least one a commitment, is an open map and becomes an object – also when it has one element whose disclosed
 * value is `{key,value}`. Attacker: disclosures may come from anywhere; one that no digest of the data names is ignored,
 * so no value can appear that was not sealed.
 *
 * @param stateOf the reason for a digest without disclosure; `sealed` when left out.
 * @throws EvidenceError COMMITMENT_FORMAT for a disclosure that is none.
 */
export function flatten(
  data: JsonObject,
  disclosures: Iterable<string>,
  stateOf: (digest: string) => Exclude<FieldState, 'disclosed'> = () => 'sealed',
): Flattened {
  const known = new Map<string, JsonValue>()
  for (const disclosure of disclosures) {
    const { digest, value } = openDisclosure(disclosure)
    known.set(digest, value)
  }
  const fields: Field[] = []

  const open = (digest: string, path: string): JsonValue | undefined => {
    const value = known.get(digest)
    fields.push({ path, digest, state: value === undefined ? stateOf(digest) : 'disclosed' })
    return value
  }

  const visit = (node: JsonValue, path: string): JsonValue => {
    if (typeof node !== 'object' || node === null) return node
    if (!Array.isArray(node)) {
      const copy: JsonObject = {}
      for (const key of Object.keys(node)) set(copy, key, visit(node[key] as JsonValue, `${path}/${escape(key)}`))
      return copy
    }
    const [only] = node
    if (node.length === 1 && isCommitmentElement(only)) {
      const value = open(only['...'], path)
      if (value === undefined) return null
      return isMapEntry(value) ? asMap([value]) : value
    }
    if (!node.some(isCommitmentElement) || !node.every((item) => isCommitmentElement(item) || isMapEntry(item))) {
      return node.map((item, i) => visit(item, `${path}/${i}`))
    }
    const entries: JsonValue[] = []
    node.forEach((item, i) => {
      const entry = isCommitmentElement(item) ? open(item['...'], `${path}/${i}`) : item
      if (entry !== undefined) entries.push(entry)
    })
    return entries.every(isMapEntry) ? asMap(entries) : entries
  }

  return { data: visit(data, '') as JsonObject, fields }
}

interface MapEntry extends JsonObject {
  key: string
  value: JsonValue
}

function isMapEntry(value: JsonValue): value is MapEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.keys(value).length === 2 && typeof value['key'] === 'string' && Object.hasOwn(value, 'value')
}

function asMap(entries: readonly MapEntry[]): JsonObject {
  const map: JsonObject = {}
  for (const { key, value } of entries) set(map, key, value)
  return map
}

/** Plain assignment to `__proto__` would change the object instead of its data. */
function set(object: JsonObject, key: string, value: JsonValue): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
