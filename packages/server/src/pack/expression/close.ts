import type { ASTNode } from '@marcbachmann/cel-js'
import type { JsonObject, JsonValue } from '../../event/json.ts'
import { closeCall } from './call.ts'
import { ExpressionError, NAMES, type Run } from './scope.ts'
import { equal, get, isIn, isInheritedName, kindOf } from './value.ts'

/**
 * Turns the common subset of CEL into JavaScript closures, 25-30 times faster than the library; null when the
 * expression uses something else, which the library then evaluates. `variables` are the comprehension variables in scope, by slot.
 */
export function close(node: ASTNode, variables: readonly string[] = []): Run | null {
  switch (node.op) {
    case 'value':
      return literal(node.args)
    case 'id':
      return name(node.args, variables)
    case '.':
      return with1(close(node.args[0], variables), (base) => member(base, node.args[1]))
    case '[]':
      return index(node.args, variables)
    case '==':
      return with2(node.args, variables, (a, b) => (s) => equal(a(s), b(s)))
    case '!=':
      return with2(node.args, variables, (a, b) => (s) => !equal(a(s), b(s)))
    case '<':
      return ordered(node.args, variables, '<', (c) => c < 0)
    case '<=':
      return ordered(node.args, variables, '<=', (c) => c <= 0)
    case '>':
      return ordered(node.args, variables, '>', (c) => c > 0)
    case '>=':
      return ordered(node.args, variables, '>=', (c) => c >= 0)
    case 'in':
      return membership(node.args, variables)
    case '&&':
      return with2(node.args, variables, (a, b) => logical(a, b, false))
    case '||':
      return with2(node.args, variables, (a, b) => logical(a, b, true))
    case '!_':
      return with1(close(node.args, variables), (a) => (s) => !bool(a(s), '!'))
    case '?:':
      return choice(node.args, variables)
    case '+':
      return joined(node.args, variables)
    case 'list':
      return list(node.args, variables)
    case 'map':
      return map(node.args, variables)
    case 'call':
      return closeCall(node.args[0], null, node.args[1], variables)
    case 'rcall':
      return closeCall(node.args[0], node.args[1], node.args[2], variables)
    default:
      return null
  }
}

function literal(value: unknown): Run | null {
  if (typeof value === 'bigint') {
    const n = Number(value)
    return Number.isSafeInteger(n) ? () => n : null
  }
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? () => value : null
}

function name(text: string, variables: readonly string[]): Run | null {
  const slot = variables.lastIndexOf(text)
  if (slot >= 0) return (s) => s.locals[slot]!
  switch (text) {
    case 'event':
      return (s) => s.event
    case 'raw':
      return (s) => s.raw
    default: {
      const field = NAMES.find((n) => n === text) as 'event' | undefined
      return field === undefined ? null : (s) => s[field]
    }
  }
}

/** `base.key`: null when the base is no map or has no such key of its own. */
function member(base: Run, key: string): Run {
  if (isInheritedName(key) || /^\d/.test(key)) return (s) => get(base(s), key)
  return (s) => {
    const o = base(s) as JsonObject | null
    if (o === null || typeof o !== 'object') return null
    const v = o[key]
    return v === undefined ? null : v
  }
}

function index([left, right]: readonly [ASTNode, ASTNode], variables: readonly string[]): Run | null {
  const base = close(left, variables)
  if (base === null) return null
  if (right.op === 'value' && typeof right.args === 'string') return member(base, right.args)
  return with1(close(right, variables), (key) => (s) => get(base(s), key(s)))
}

function membership([left, right]: readonly [ASTNode, ASTNode], variables: readonly string[]): Run | null {
  if (right.op === 'list' && right.args.every((n) => n.op === 'value' && typeof n.args === 'string')) {
    const set = new Set<JsonValue>(right.args.map((n) => n.args as string))
    return with1(close(left, variables), (item) => (s) => set.has(item(s)))
  }
  return with2([left, right], variables, (a, b) => (s) => isIn(a(s), b(s)))
}

/** `&&` (`decisive` false) and `||` (true): a side that errs or is no bool is forgiven when the other decides, as CEL says. */
function logical(a: Run, b: Run, decisive: boolean): Run {
  const op = decisive ? '||' : '&&'
  return (s) => {
    let left: JsonValue
    try {
      left = a(s)
    } catch (error) {
      if (b(s) === decisive) return decisive
      throw error
    }
    if (left === decisive) return decisive
    const right = b(s)
    if (right === decisive) return decisive
    bool(left, op)
    bool(right, op)
    return !decisive
  }
}

function choice([test, yes, no]: readonly [ASTNode, ASTNode, ASTNode], variables: readonly string[]): Run | null {
  const c = close(test, variables)
  const a = close(yes, variables)
  const b = close(no, variables)
  if (c === null || a === null || b === null) return null
  return (s) => (bool(c(s), '?:') ? a(s) : b(s))
}

function ordered(args: readonly [ASTNode, ASTNode], variables: readonly string[], op: string, holds: (c: number) => boolean): Run | null {
  return with2(args, variables, (a, b) => (s) => {
    const x = a(s)
    const y = b(s)
    if (typeof x === typeof y && (typeof x === 'number' || typeof x === 'string' || typeof x === 'boolean')) return holds(x < y! ? -1 : x > y! ? 1 : 0)
    throw new ExpressionError(`no such overload: ${kindOf(x)} ${op} ${kindOf(y)}`)
  })
}

/** String concatenation only: CEL's numbers are of several types, which the library knows to keep apart. */
function joined([left, right]: readonly [ASTNode, ASTNode], variables: readonly string[]): Run | null {
  if (!isText(left) && !isText(right)) return null
  return with2([left, right], variables, (a, b) => (s) => {
    const x = a(s)
    const y = b(s)
    if (typeof x === 'string' && typeof y === 'string') return x + y
    throw new ExpressionError(`no such overload: ${kindOf(x)} + ${kindOf(y)}`)
  })
}

function isText(node: ASTNode): boolean {
  return (node.op === 'value' && typeof node.args === 'string') || (node.op === '+' && (isText(node.args[0]) || isText(node.args[1])))
}

function list(nodes: readonly ASTNode[], variables: readonly string[]): Run | null {
  const items = nodes.map((n) => close(n, variables))
  if (items.includes(null)) return null
  return (s) => items.map((run) => run!(s))
}

function map(entries: readonly (readonly [ASTNode, ASTNode])[], variables: readonly string[]): Run | null {
  const made: [string, Run][] = []
  for (const [k, v] of entries) {
    const value = close(v, variables)
    if (k.op !== 'value' || typeof k.args !== 'string' || isInheritedName(k.args) || value === null) return null
    made.push([k.args, value])
  }
  return (s) => {
    const out: JsonObject = {}
    for (const [key, value] of made) out[key] = value(s)
    return out
  }
}

export function bool(value: JsonValue, op: string): boolean {
  if (typeof value === 'boolean') return value
  throw new ExpressionError(`${op} needs a bool, not ${kindOf(value)}`)
}

function with1(a: Run | null, make: (a: Run) => Run): Run | null {
  return a === null ? null : make(a)
}

function with2(args: readonly [ASTNode, ASTNode], variables: readonly string[], make: (a: Run, b: Run) => Run): Run | null {
  const a = close(args[0], variables)
  const b = close(args[1], variables)
  return a === null || b === null ? null : make(a, b)
}
