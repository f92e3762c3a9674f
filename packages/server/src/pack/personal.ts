import { ruleAt } from './fields.ts'
import type { FieldNode } from './pack.ts'
import type { Rule } from './rule.ts'
import type { Leaf } from './template.ts'

/** Names that can hold nothing personal: the pack's own words and the sender's topic. */
const HARMLESS = new Set(['topic', 'topic_id', 'event_type', 'tenant', 'tables', 'context.id', 'context.type', 'context.source'])

/**
 * Refuses a pack whose id, subject, source, type or tag could carry a personal value into the record in clear: every path they
 * read must be copied to a field of the data that is classified plain. @throws SealtrailError PACK_INVALID
 */
export function refusePersonalNames(rule: Rule, fields: FieldNode): void {
  const names = { id: rule.id, subject: rule.subject, source: rule.source, type: rule.type, regulatory_tag: rule.regulatoryTag }
  for (const [key, template] of Object.entries(names)) {
    for (const expression of template?.leaves.flatMap((leaf) => leaf.expressions) ?? []) {
      for (const path of expression.paths) {
        if (HARMLESS.has(path) || HARMLESS.has(path.split(/[.[]/)[0]!)) continue
        const verdict = path.startsWith('data.') ? classOf(fields, path.slice(5)) : mappedClass(rule, fields, path)
        if (verdict !== 'plain') rule.place.fail(`"${key}" reads ${path}, which is ${verdict}; only fields classified plain may go there`)
      }
    }
  }
}

function mappedClass(rule: Rule, fields: FieldNode, path: string): string {
  const targets = rule.map.leaves.flatMap((leaf) => targetOf(leaf, path))
  if (targets.length === 0) return 'not in the map, so nobody has classified it'
  return targets.map((target) => classOf(fields, target)).find((verdict) => verdict !== 'plain') ?? 'plain'
}

/** Where in the data the value at `path` goes when `leaf` copies it, alone or within a map that holds it. */
function targetOf(leaf: Leaf, path: string): string[] {
  if (!leaf.whole) return []
  const copied = leaf.expressions[0]!.text
  if (copied === path) return [leaf.path]
  if (path.startsWith(`${copied}.`)) return [leaf.path === '' ? path.slice(copied.length + 1) : leaf.path + path.slice(copied.length)]
  return []
}

function classOf(fields: FieldNode, path: string): string {
  return ruleAt(fields, path)?.class ?? 'not classified'
}
