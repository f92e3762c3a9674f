import { Environment, type ASTNode } from '@marcbachmann/cel-js'
import type { JsonValue } from '../../event/json.ts'
import { elements, present, spelling, timeText } from './call.ts'
import { rewrite } from './rewrite.ts'
import { ExpressionError, NAMES, type Run, type Scope } from './scope.ts'
import { get, members } from './value.ts'

let receivedMs = 0

/** CEL with our names. `get` and `present` carry our rule that a missing member is null into the library. */
const environment = newEnvironment()

function newEnvironment(): Environment {
  const made = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true })
  for (const name of NAMES) made.registerVariable(name, 'dyn')
  made.registerFunction('now(): string', () => new Date(receivedMs).toISOString())
  made.registerFunction('get(dyn, dyn): dyn', (base: JsonValue, key: unknown) => get(base, plain(key)))
  made.registerFunction('present(dyn, string): bool', (base: JsonValue, key: string) => present(base, key))
  made.registerFunction('address(dyn): dyn', (value: unknown) => spelling(plain(value)))
  made.registerFunction('time(dyn): dyn', (value: unknown) => timeText(plain(value)))
  // A list of keys: the library turns what it looks for among a map's keys into text, whatever it is.
  made.registerFunction('members(dyn): list', (value: JsonValue) => {
    const all = members(value)
    return Array.isArray(all) ? all : Object.keys(all)
  })
  made.registerFunction('elements(dyn): list', (value: JsonValue) => elements(value, 'macro'))
  return made
}

/** A mistake in an expression: offset into its text (0-based) and a message. */
export class ExpressionSyntaxError extends Error {
  readonly offset: number
  constructor(error: unknown) {
    const e = error as { range?: { start: number }; message?: string }
    super((e.message ?? 'not CEL').split('\n')[0]!)
    this.name = 'ExpressionSyntaxError'
    this.offset = e.range?.start ?? 0
  }
}

/** @throws ExpressionSyntaxError when the text is no CEL. */
export function parse(text: string): ASTNode {
  try {
    return environment.parse(text).ast
  } catch (error) {
    throw new ExpressionSyntaxError(error)
  }
}

/** @throws ExpressionSyntaxError when names, functions or types do not fit, as far as can be said beforehand. */
export function check(text: string): void {
  const checked = environment.parse(text).check()
  if (!checked.valid) throw new ExpressionSyntaxError(checked.error)
}

/** Evaluates the expression by the library, members read by our `get`. @throws ExpressionError on evaluation, never showing values. */
export function byLibrary(ast: ASTNode): Run {
  const parsed = environment.parse(rewrite(ast))
  return (scope: Scope) => {
    receivedMs = scope.receivedMs
    let value: unknown
    try {
      value = parsed(scope as unknown as Record<string, unknown>)
    } catch (error) {
      // Only the library's code: its messages may quote values.
      throw new ExpressionError((error as { code?: string }).code ?? 'evaluation failed')
    }
    return plain(value)
  }
}

/** A JSON value of what the library returned. @throws ExpressionError for what JSON cannot say. */
function plain(value: unknown): JsonValue {
  switch (typeof value) {
    case 'bigint': {
      const n = Number(value)
      if (Number.isSafeInteger(n)) return n
      break
    }
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Number.isFinite(value)) return value
      break
    case 'object':
      if (value === null) return null
      if (Array.isArray(value)) return value.map(plain)
      if (value instanceof Date) return value.toISOString()
      if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [String(k), plain(v)]))
      if (Object.getPrototypeOf(value) === Object.prototype) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
      break
    default:
  }
  throw new ExpressionError('the result is no JSON value')
}
