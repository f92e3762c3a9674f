import { readRule } from './field-rule.ts'
import type { FieldNode, FieldRule } from './pack.ts'
import type { Place } from './yaml.ts'

interface Building {
  rule: FieldRule | null
  keys: Map<string, Building>
  items: Building | null
  any: Building | null
}

const empty = (): Building => ({ rule: null, keys: new Map(), items: null, any: null })

/**
 * Reads `fields`: paths of the mapped data → what becomes of the value. A key may list several paths, with commas.
 * Path: `a.b` a member, `a[]` the elements of a list, `a.*` members not named otherwise.
 * @throws SealtrailError PACK_INVALID
 */
export function readFields(place: Place | undefined, roles: ReadonlySet<string>): FieldNode {
  const root = empty()
  if (place === undefined) return root
  for (const [paths, at] of place.entries(null)) {
    const rule = readRule(at, { roles })
    for (const path of paths.split(',')) {
      const node = nodeAt(root, path.trim(), at)
      if (node.rule !== null) at.fail(`${path.trim()} is classified twice`)
      node.rule = rule
    }
  }
  return root
}

function nodeAt(root: Building, path: string, at: Place): Building {
  if (!isPath(path)) at.fail(`"${path}" is no path; write a.b, a[] or a.*`)
  let node = root
  for (const step of stepsOf(path)) {
    if (step === '[]') node = node.items ??= empty()
    else if (step === '*') node = node.any ??= empty()
    else {
      let next = node.keys.get(step)
      if (next === undefined) node.keys.set(step, (next = empty()))
      node = next
    }
  }
  return node
}

/** `a.b` a member, `a[]` the elements of a list, `a.*` members not named otherwise. */
export function isPath(path: string): boolean {
  return /^[^.[\]*]+(\[\]|\.[^.[\]*]+|\.\*)*$/.test(path)
}

/** `a.b[].*` is `a`, `b`, `[]`, `*`. */
export function stepsOf(path: string): readonly string[] {
  return path.match(/\[\]|[^.[\]]+/g) ?? []
}

/** The rule for a path of the mapped data (`a.b`, `a[].c`), null when nobody has classified it. */
export function ruleAt(root: FieldNode, path: string): FieldRule | null {
  let node: FieldNode | null = root
  for (const step of stepsOf(path)) {
    if (node.rule !== null && node.rule.class !== 'plain') return node.rule
    node = step === '[]' ? node.items : (node.keys.get(step) ?? node.any)
    if (node === null) return null
  }
  return node.rule
}

/** Every path that has a rule of its own, in the order written. */
export function* rulesOf(node: FieldNode, path = ''): Generator<{ readonly path: string; readonly rule: FieldRule }> {
  if (node.rule !== null && path !== '') yield { path, rule: node.rule }
  for (const [name, child] of node.keys) yield* rulesOf(child, path === '' ? name : `${path}.${name}`)
  if (node.items !== null) yield* rulesOf(node.items, `${path}[]`)
  if (node.any !== null) yield* rulesOf(node.any, `${path}.*`)
}
