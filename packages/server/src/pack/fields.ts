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
    const rule = readRule(at, roles)
    for (const path of paths.split(',')) {
      const node = nodeAt(root, path.trim(), at)
      if (node.rule !== null) at.fail(`${path.trim()} is classified twice`)
      node.rule = rule
    }
  }
  return root
}

function nodeAt(root: Building, path: string, at: Place): Building {
  if (!/^[^.[\]*]+(\[\]|\.[^.[\]*]+|\.\*)*$/.test(path)) at.fail(`"${path}" is no path; write a.b, a[] or a.*`)
  let node = root
  for (const step of path.match(/\[\]|[^.[\]]+/g)!) {
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

function readRule(place: Place, roles: ReadonlySet<string>): FieldRule {
  if (!place.isMap) {
    const name = place.text()
    if (name === 'plain' || name === 'refuse' || name === 'drop') return { class: name }
    place.fail(`"${name}" is no classification; write plain, refuse, drop, { personal: KIND, whose: ROLE } or { map: [NAMES], whose: ROLE }`)
  }
  const entries = place.entries(['personal', 'map', 'whose', 'token'])
  const whose = entries.get('whose')?.scalar() ?? null
  if (whose !== null && !roles.has(String(whose))) entries.get('whose')!.fail(`"${whose}" is no role of "people"; known: ${[...roles].join(', ') || 'none'}`)
  const owner = whose === null ? null : String(whose)
  const personal = entries.get('personal')
  const map = entries.get('map')
  if ((personal === undefined) === (map === undefined)) place.fail('either "personal" or "map" is needed')
  if (map !== undefined) {
    if (entries.has('token')) entries.get('token')!.fail('an open map has no token')
    return { class: 'map', allow: new Set(map.items().map((item) => item.text())), whose: owner }
  }
  return { class: 'personal', kind: personal!.text(), whose: owner, token: entries.get('token')?.boolean() ?? false }
}

/** The rule for a path of the mapped data (`a.b`, `a[].c`), null when nobody has classified it. */
export function ruleAt(root: FieldNode, path: string): FieldRule | null {
  let node: FieldNode | null = root
  for (const step of path.match(/\[\]|[^.[\]]+/g) ?? []) {
    if (node.rule !== null && node.rule.class !== 'plain') return node.rule
    node = step === '[]' ? node.items : (node.keys.get(step) ?? node.any)
    if (node === null) return null
  }
  return node.rule
}
