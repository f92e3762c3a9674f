import { celEnv, celFunc, CelScalar, isCelError, isCelList, isCelMap, isCelUint, listType, parse, plan } from '@bufbuild/cel'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'

/** What an engine says of an expression: a value or an error, which engines word differently. */
export type Answer = { readonly value: JsonValue } | 'error'

const NAMES = ['event', 'raw', 'event_type', 'data', 'context', 'topic', 'topic_id', 'tenant', 'within', 'tables'] as const

const environment = celEnv({
  variables: Object.fromEntries(NAMES.map((name) => [name, CelScalar.DYN])),
  funcs: [
    celFunc('get', [CelScalar.DYN, CelScalar.DYN], CelScalar.DYN, (base: unknown, key: unknown) => {
      if (isCelMap(base as never)) return typeof key === 'string' ? (((base as { get(k: unknown): unknown }).get(key) ?? null) as never) : null
      if (isCelList(base as never) && (typeof key === 'bigint' || typeof key === 'number'))
        return ([...(base as Iterable<unknown>)][Number(key)] ?? null) as never
      return null
    }),
    celFunc(
      'present',
      [CelScalar.DYN, CelScalar.STRING],
      CelScalar.BOOL,
      (base: unknown, key: string) => isCelMap(base as never) && [...(base as { keys(): Iterable<unknown> }).keys()].includes(key),
    ),
    celFunc('members', [CelScalar.DYN], CelScalar.DYN, (value: unknown) => {
      if (value === null) return [] as never
      if (isCelList(value as never)) return value as never
      // It errs on `null in map`, which is false to the library and to us.
      if (isCelMap(value as never)) return [...(value as { keys(): Iterable<unknown> }).keys()] as never
      throw new Error('not a list')
    }),
    celFunc('elements', [CelScalar.DYN], listType(CelScalar.DYN), (value: unknown) => {
      if (value === null) return [] as never
      if (isCelList(value as never)) return value as never
      if (isCelMap(value as never)) return [...(value as { keys(): Iterable<unknown> }).keys()] as never
      throw new Error('not a list')
    }),
  ],
})

/** Evaluates CEL text by @bufbuild/cel, the reference implementation's port, over JSON. */
export function byOracle(text: string, scope: Readonly<Record<string, JsonValue>>): Answer {
  let result: unknown
  try {
    result = plan(environment, parse(text))(Object.fromEntries(NAMES.map((name) => [name, scope[name] ?? null])) as never)
  } catch {
    return 'error'
  }
  return isCelError(result as never) ? 'error' : { value: toJson(result) }
}

function toJson(value: unknown): JsonValue {
  if (typeof value === 'bigint') return Number(value)
  if (isCelUint(value)) return Number((value as { value: bigint }).value)
  if (isCelList(value as never)) return [...(value as Iterable<unknown>)].map(toJson)
  if (isCelMap(value as never)) return Object.fromEntries([...(value as Iterable<[unknown, unknown]>)].map(([k, v]) => [String(k), toJson(v)])) as JsonObject
  return value as JsonValue
}
