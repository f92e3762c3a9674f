import type { ASTNode } from '@marcbachmann/cel-js'
import type { JsonValue } from '../../event/json.ts'
import { addressAlias } from '../../event/address.ts'
import { readTime } from '../time.ts'
import { bool, close } from './close.ts'
import { ExpressionError, type Run } from './scope.ts'
import { kindOf, sizeOf } from './value.ts'

/** Closures for the functions and macros of the common subset; null for any other. */
export function closeCall(fn: string, receiver: ASTNode | null, args: readonly ASTNode[], variables: readonly string[]): Run | null {
  if (receiver === null) {
    if (fn === 'now' && args.length === 0) return (s) => new Date(s.receivedMs).toISOString()
    if (fn === 'address' && args.length === 1) return through(spelling, args[0]!, variables)
    if (fn === 'time' && args.length === 1) return through(timeText, args[0]!, variables)
    if (fn === 'has' && args.length === 1) return has(args[0]!, variables)
    if (fn === 'size' && args.length === 1) return sized(args[0]!, variables)
    return null
  }
  if (fn === 'size' && args.length === 0) return sized(receiver, variables)
  if (fn === 'startsWith' || fn === 'endsWith' || fn === 'contains') return args.length === 1 ? text(fn, receiver, args[0]!, variables) : null
  if ((fn === 'exists' || fn === 'all' || fn === 'filter' || fn === 'map') && args.length === 2) return macro(fn, receiver, args, variables)
  return null
}

function through(convert: (value: JsonValue) => JsonValue, node: ASTNode, variables: readonly string[]): Run | null {
  const value = close(node, variables)
  return value && ((s) => convert(value(s)))
}

/** `address(x)`: the one spelling of a telephone number or e-mail address; what is no text stays. */
export function spelling(value: JsonValue): JsonValue {
  return typeof value === 'string' ? (addressAlias(value)?.value ?? value) : value
}

/** `time(x)`: RFC 3339 of epoch milliseconds or RFC 3339; what is no time stays. */
export function timeText(value: JsonValue): JsonValue {
  return readTime(value)?.text ?? value
}

/** `has(a.b)`: whether the map has the key at all, even when its value is null. */
function has(node: ASTNode, variables: readonly string[]): Run | null {
  if (node.op !== '.') return null
  const base = close(node.args[0], variables)
  const key = node.args[1]
  return base && ((s) => present(base(s), key))
}

export function present(base: JsonValue, key: string): boolean {
  return base !== null && typeof base === 'object' && !Array.isArray(base) && Object.hasOwn(base, key)
}

function sized(node: ASTNode, variables: readonly string[]): Run | null {
  const value = close(node, variables)
  return value && ((s) => sizeOf(value(s)))
}

function text(fn: 'startsWith' | 'endsWith' | 'contains', receiver: ASTNode, argument: ASTNode, variables: readonly string[]): Run | null {
  const a = close(receiver, variables)
  const b = close(argument, variables)
  if (a === null || b === null) return null
  const method = fn === 'contains' ? 'includes' : fn
  return (s) => {
    const x = a(s)
    const y = b(s)
    if (typeof x === 'string' && typeof y === 'string') return x[method](y)
    throw new ExpressionError(`no such overload: ${kindOf(x)}.${fn}(${kindOf(y)})`)
  }
}

function macro(fn: 'exists' | 'all' | 'filter' | 'map', receiver: ASTNode, args: readonly ASTNode[], variables: readonly string[]): Run | null {
  const [variable, body] = args as [ASTNode, ASTNode]
  const over = close(receiver, variables)
  if (over === null || variable.op !== 'id') return null
  const slot = variables.length
  const run = close(body, [...variables, variable.args])
  if (run === null) return null
  return (s) => {
    const items = elements(over(s), fn)
    if (fn === 'map') return items.map((v) => ((s.locals[slot] = v), run(s)))
    if (fn === 'filter') return items.filter((v) => ((s.locals[slot] = v), bool(run(s), fn)))
    // As with && and ||, an element that errs is forgiven when another decides.
    const decisive = fn === 'exists'
    let failed: unknown = null
    for (const v of items) {
      s.locals[slot] = v
      try {
        if (bool(run(s), fn) === decisive) return decisive
      } catch (error) {
        failed ??= error
      }
    }
    if (failed !== null) throw failed
    return !decisive
  }
}

/** Elements of a list or keys of a map; nothing of nothing. @throws ExpressionError for other types. */
export function elements(value: JsonValue, fn: string): JsonValue[] {
  if (value === null) return []
  if (Array.isArray(value)) return value
  if (typeof value === 'object') return Object.keys(value)
  throw new ExpressionError(`${fn} needs a list or a map, not ${kindOf(value)}`)
}
