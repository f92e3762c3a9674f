import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { readRule } from './field-rule.ts'
import { isPath, ruleAt, stepsOf } from './fields.ts'
import type { FieldNode, FieldRule } from './pack.ts'
import { refusePersonalNames } from './personal.ts'
import type { Rule } from './rule.ts'
import { Place } from './yaml.ts'

/** `trails.<name>.protect`: path of the data → method, as it was written. It is sealed with the configuration at each start. */
export type Protect = Readonly<Record<string, JsonValue>>

/** What of a pack an override is checked against. */
export interface Overridden {
  readonly fields: FieldNode
  readonly rules: readonly Rule[]
  readonly statuses: ReadonlyMap<string, number>
}

const MAX_BECAUSE = 200
/** The log itself reads it, to tell which receipt counts. */
const STATUS = 'delivery_status'

/**
 * A pack's fields as a trail changes them. A trail may name any path. It weakens no `refuse`; of what the pack calls personal
 * nothing stands in clear without a reason.
 * @param where `trails.<name>.protect`, for messages. @throws SealtrailError CONFIG_INVALID, naming the path
 */
export function overrideFields(pack: Overridden, protect: Protect, where: string): FieldNode {
  const root = copy(pack.fields)
  const roles = new Set(pack.rules.flatMap((rule) => [...rule.people.keys()]))
  for (const [path, method] of Object.entries(protect)) {
    const fail = (message: string): never => {
      throw new SealtrailError('CONFIG_INVALID', `${where}.${path}: ${message}`)
    }
    if (!isPath(path)) fail('this is no path; write a.b, a[] or a.*')
    const rule = allowed(path, method, pack, roles, fail)
    nodeAt(root, path).rule = rule
  }
  for (const rule of pack.rules) {
    try {
      refusePersonalNames(rule, root)
    } catch (error) {
      throw error instanceof SealtrailError ? new SealtrailError('CONFIG_INVALID', `${where}: ${error.message}`) : error
    }
  }
  return root
}

function allowed(path: string, method: JsonValue, pack: Overridden, roles: ReadonlySet<string>, fail: (message: string) => never): FieldRule {
  const standing = ruleAt(pack.fields, path)
  const above = classAbove(pack.fields, path)
  if (above !== null) fail(`it lies within ${above.path}, which the pack ${told(above.rule)} as a whole; write a method for ${above.path}`)
  const because = becauseOf(method, fail)
  const rule = because === null ? readMethod(method, standing, roles, fail) : inClear(method as JsonObject, standing, roles, fail)
  if (path === STATUS && pack.statuses.size > 0 && rule.class !== 'plain') fail('it stays readable: the log tells by it which receipt counts')
  if (rule.class === 'refuse') return rule
  if (standing?.class === 'refuse') fail('the pack refuses it: sensitive authentication data is never kept (PCI DSS 3.3.1)')
  // A method for a whole is one for all within it.
  const refused = rule.class === 'plain' ? null : firstRefused(nodeOf(pack.fields, path), path)
  if (refused !== null) fail(`the pack refuses ${refused}, which lies within it`)
  if (because !== null) return rule
  if (rule.class === 'plain' && standing !== null && standing.class !== 'plain')
    fail(`the pack ${told(standing)} it: to keep it in clear write { plain: BECAUSE }; the reason is sealed with the configuration`)
  if (rule.class === 'map' && [...rule.allow].some((name) => standing?.class !== 'map' || !standing.allow.has(name)))
    fail('names that the pack does not list stay in clear only with a reason: { map: [NAMES], plain: BECAUSE }')
  return rule
}

/** The reason in `{ plain: BECAUSE }` and `{ map: [NAMES], plain: BECAUSE }`, else null. */
function becauseOf(method: JsonValue, fail: (message: string) => never): string | null {
  if (typeof method !== 'object' || method === null || Array.isArray(method) || !Object.hasOwn(method, 'plain')) return null
  const { plain } = method
  if (typeof plain !== 'string' || plain.trim() === '' || plain.length > MAX_BECAUSE) fail(`the reason is a text of at most ${MAX_BECAUSE} characters`)
  return plain as string
}

/** What a reason allows: the value in clear, or names of an open map. */
function inClear(method: JsonObject, standing: FieldRule | null, roles: ReadonlySet<string>, fail: (message: string) => never): FieldRule {
  const rest = Object.fromEntries(Object.entries(method).filter(([key]) => key !== 'plain'))
  if (Object.keys(rest).length === 0) return { class: 'plain' }
  return Object.hasOwn(rest, 'map')
    ? readMethod(rest, standing, roles, fail)
    : fail('a reason goes with { plain: BECAUSE } or { map: [NAMES], plain: BECAUSE }')
}

function readMethod(method: JsonValue, under: FieldRule | null, roles: ReadonlySet<string>, fail: (message: string) => never): FieldRule {
  try {
    return readRule(Place.parse(JSON.stringify(method), 'x'), { roles, under })
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return fail(error.message.replace(/^x:\d+:\d+: /, ''))
  }
}

function told(rule: FieldRule): string {
  if (rule.class === 'personal') return `calls personal (${rule.kind})`
  return rule.class === 'map' ? 'commits' : rule.class === 'drop' ? 'drops' : rule.class === 'refuse' ? 'refuses' : 'keeps'
}

/** The nearest rule above a path that takes a value as a whole, so that nothing within it is looked at. */
function classAbove(root: FieldNode, path: string): { readonly path: string; readonly rule: FieldRule } | null {
  const steps = stepsOf(path)
  let node: FieldNode | null = root
  for (const [i, step] of steps.entries()) {
    const { rule }: FieldNode = node
    if (rule !== null && rule.class !== 'plain') return { path: pathOf(steps.slice(0, i)), rule }
    node = step === '[]' ? node.items : (node.keys.get(step) ?? node.any)
    if (node === null) return null
  }
  return null
}

function nodeOf(root: FieldNode, path: string): FieldNode | null {
  let node: FieldNode | null = root
  for (const step of stepsOf(path)) {
    node = step === '[]' ? node.items : step === '*' ? node.any : (node.keys.get(step) ?? node.any)
    if (node === null) return null
  }
  return node
}

function firstRefused(node: FieldNode | null, path: string): string | null {
  if (node === null) return null
  if (node.rule?.class === 'refuse') return path
  for (const [name, child] of [...node.keys, ['*', node.any] as const]) {
    const found = firstRefused(child, `${path}.${name}`)
    if (found !== null) return found
  }
  return firstRefused(node.items, `${path}[]`)
}

function pathOf(steps: readonly string[]): string {
  return steps.reduce((path, step) => (step === '[]' ? `${path}[]` : path === '' ? step : `${path}.${step}`), '')
}

interface Building {
  rule: FieldRule | null
  keys: Map<string, Building>
  items: Building | null
  any: Building | null
}

function copy({ rule, keys, items, any }: FieldNode): Building {
  return {
    rule,
    keys: new Map([...keys].map(([name, node]) => [name, copy(node)])),
    items: items === null ? null : copy(items),
    any: any === null ? null : copy(any),
  }
}

/** The node of a path, made where there is none: what the pack says of members without a name holds for it until its own rule is set. */
function nodeAt(root: Building, path: string): Building {
  const none = (): Building => ({ rule: null, keys: new Map(), items: null, any: null })
  let node = root
  for (const step of stepsOf(path)) {
    if (step === '[]') node = node.items ??= none()
    else if (step === '*') node = node.any ??= none()
    else {
      let next = node.keys.get(step)
      if (next === undefined) node.keys.set(step, (next = node.any === null ? none() : copy(node.any)))
      node = next
    }
  }
  return node
}
