import type { JsonObject, JsonValue } from '../event/json.ts'
import { compileExpression, type Expression } from './expression/expression.ts'
import { ExpressionSyntaxError } from './expression/library.ts'
import { ExpressionError, type Run } from './expression/scope.ts'
import { kindOf } from './expression/value.ts'
import type { Place } from './yaml.ts'

/** A leaf of a template: where in the result it stands, and the expressions it is made of (none for constants). */
export interface Leaf {
  readonly path: string
  readonly expressions: readonly Expression[]
  /** True when the leaf is one expression whose value is kept as it is. */
  readonly whole: boolean
}

export interface Template {
  readonly run: Run
  readonly leaves: readonly Leaf[]
}

/** Compiles CEL at a place. @throws SealtrailError PACK_INVALID with line and column. */
export function expressionAt(place: Place): Expression {
  return compileAt(place, place.text(), 0)
}

function compileAt(place: Place, text: string, from: number): Expression {
  try {
    return compileExpression(text)
  } catch (error) {
    if (error instanceof ExpressionSyntaxError) place.fail(error.message, place.quoted + from + error.offset)
    throw error
  }
}

/**
 * Compiles JSON whose strings hold `{{ CEL }}`. A string that is one `{{…}}` keeps the value's type; in a longer string
 * values become text and null nothing. In maps the key `*` copies all members of the map its template gives, and
 * `name?` leaves the member out when its value is null. @throws SealtrailError PACK_INVALID
 */
export function templateAt(place: Place, path = ''): Template {
  if (place.isMap) return mapTemplate(place, path)
  if (place.isList) {
    const items = place.items().map((item) => templateAt(item, `${path}[]`))
    const runs = items.map((item) => item.run)
    return { run: (s) => runs.map((run) => run(s)), leaves: items.flatMap((item) => item.leaves) }
  }
  const value = place.scalar()
  return typeof value === 'string' ? textTemplate(place, value, path) : { run: () => value, leaves: [{ path, expressions: [], whole: false }] }
}

function mapTemplate(place: Place, path: string): Template {
  let spread: Run | null = null
  const members: { key: string; optional: boolean; run: Run }[] = []
  const leaves: Leaf[] = []
  for (const [name, at] of place.entries(null)) {
    const optional = name.endsWith('?')
    const key = optional ? name.slice(0, -1) : name
    if (key === '__proto__') at.fail('a field cannot be called __proto__')
    const made = templateAt(at, key === '*' ? path : path === '' ? key : `${path}.${key}`)
    leaves.push(...made.leaves)
    if (key === '*') spread = made.run
    else members.push({ key, optional, run: made.run })
  }
  return { leaves, run: spread === null ? literalMap(members) : spreadMap(spread, members) }
}

type Member = { readonly key: string; readonly optional: boolean; readonly run: Run }

function literalMap(members: readonly Member[]): Run {
  return (s) => {
    const out: JsonObject = {}
    for (const member of members) {
      const value = member.run(s)
      if (value !== null || !member.optional) out[member.key] = value
    }
    return out
  }
}

function spreadMap(spread: Run, members: readonly Member[]): Run {
  return (s) => {
    const base = spread(s)
    if (base !== null && (typeof base !== 'object' || Array.isArray(base))) throw new ExpressionError(`"*" needs a map, not ${kindOf(base)}`)
    const out: JsonObject = { ...base }
    for (const member of members) {
      const value = member.run(s)
      if (value !== null || !member.optional) out[member.key] = value
    }
    return out
  }
}

/** Compiles one string with `{{ CEL }}` in it. */
function textTemplate(place: Place, text: string, path: string): Template {
  const parts: (string | Expression)[] = []
  let from = 0
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', from)) {
    const close = endOf(text, open + 2)
    if (close < 0) place.fail('{{ without }}', place.quoted + open)
    if (open > from) parts.push(text.slice(from, open))
    const inner = text.slice(open + 2, close)
    const lead = inner.length - inner.trimStart().length
    parts.push(compileAt(place, inner.trim(), open + 2 + lead))
    from = close + 2
  }
  if (from < text.length || parts.length === 0) parts.push(text.slice(from))
  const expressions = parts.filter((part): part is Expression => typeof part !== 'string')
  const only = parts.length === 1 ? parts[0]! : null
  if (typeof only === 'string') return { run: () => only, leaves: [{ path, expressions, whole: false }] }
  if (only !== null) return { run: only.run, leaves: [{ path, expressions, whole: true }] }
  return { run: concat(parts), leaves: [{ path, expressions, whole: false }] }
}

/** Index of the `}}` that ends an expression: not one inside quotes or after an open `{` of a CEL map. */
function endOf(text: string, start: number): number {
  let depth = 0
  let quote = ''
  for (let i = start; i < text.length; i++) {
    const c = text[i]!
    if (quote !== '') {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if (c === '{') depth++
    else if (c === '}' && depth > 0) depth--
    else if (c === '}' && text[i + 1] === '}') return i
  }
  return -1
}

function concat(parts: readonly (string | Expression)[]): Run {
  const runs = parts.map((part): Run => (typeof part === 'string' ? () => part : part.run))
  return (s) => {
    let out = ''
    for (const run of runs) out += asText(run(s))
    return out
  }
}

function asText(value: JsonValue): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new ExpressionError(`a ${kindOf(value)} cannot stand inside a text`)
}
