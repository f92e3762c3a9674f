import type { JsonObject } from '../event/json.ts'
import { MAX_AGREE } from '../event/fingerprint.ts'
import { readBinding, type Binding } from './binding.ts'
import { CompiledPack, IGNORED } from './compiled.ts'
import type { Run } from './expression/scope.ts'
import { readFields } from './fields.ts'
import { overrideFields } from './override.ts'
import { refusePersonalNames } from './personal.ts'
import { readRules, type Rule } from './rule.ts'
import { compileSchemas } from './schema.ts'
import { readStates } from './states.ts'
import { expressionAt } from './template.ts'
import { TopicTable } from './topics.ts'
import { readUnwrap } from './unwrap.ts'
import type { Place } from './yaml.ts'

export const KEYS = [
  'name',
  'version',
  'title',
  'trail',
  'sequenced',
  'statuses',
  'streams',
  'unwrap',
  'ignore',
  'tables',
  'defaults',
  'events',
  'fields',
  'states',
  'agree',
] as const

export interface PackSource {
  readonly yaml: Place
  readonly schemas: readonly { readonly version: number; readonly file: string; readonly schema: JsonObject }[]
  readonly digest: string
}

/** Compiles a pack for a trail. @throws SealtrailError PACK_INVALID with file, line and column; CONFIG_INVALID for the trail's own part. */
export function compilePack(source: PackSource, binding: Binding): CompiledPack {
  const root = source.yaml
  const entries = root.entries(KEYS)
  const needed = (key: (typeof KEYS)[number]): Place => entries.get(key) ?? root.fail(`the pack needs "${key}"`)
  const texts = (key: (typeof KEYS)[number]): string[] =>
    entries
      .get(key)
      ?.items()
      .map((item) => item.text()) ?? []
  const name = needed('name').text()
  if (!/^[a-z0-9][a-z0-9.-]{0,62}$/.test(name)) needed('name').fail('a pack is named with a-z, 0-9, "." and "-"')
  const version = needed('version').integer()
  const states = readStates(entries.get('states'))
  const rules = readRules(needed('events'), entries.get('defaults'))
  const statuses = new Map(texts('statuses').map((status, i) => [status, i + 1]))
  const own = readFields(entries.get('fields'), new Set(rules.flatMap((rule) => [...rule.people.keys()])))
  for (const rule of rules) refusePersonalNames(rule, own)
  const fields =
    binding.protect === undefined ? own : overrideFields({ fields: own, rules, statuses }, binding.protect, `trails.${binding.trail ?? name}.protect`)
  return new CompiledPack({
    name,
    version,
    trail: binding.trail ?? entries.get('trail')?.text() ?? name,
    digest: source.digest,
    sequenced: entries.get('sequenced')?.boolean() ?? false,
    statuses,
    states,
    fields,
    schemas: compileSchemas(name, source.schemas),
    unwrap: readUnwrap(entries.get('unwrap')),
    tables: readTables(entries.get('tables')),
    rules,
    topics: readTopics(rules, entries.get('ignore')),
    bound: readBinding(binding, texts('streams')),
    agree: readAgree(entries.get('agree')),
  })
}

/** Several events may share a topic when all but the last tell themselves apart by `match`. */
function readTopics(rules: readonly Rule[], ignore: Place | undefined): TopicTable<readonly Rule[] | typeof IGNORED> {
  const topics = new TopicTable<Rule[] | typeof IGNORED>()
  for (const rule of rules) {
    for (const topic of rule.topics) {
      const there = topics.get(topic)
      if (Array.isArray(there) && there.every((other) => other.match !== null)) there.push(rule)
      else if (!topics.add(topic, [rule])) rule.place.fail(`the topic ${topic} is there already without "match", or has more than one {id}`)
    }
  }
  for (const item of ignore?.items() ?? []) if (!topics.add(item.text(), IGNORED)) item.fail('this topic is there already, or has more than one {id}')
  return topics
}

function readAgree(place: Place | undefined): Run[] | null {
  if (place === undefined) return null
  const items = place.items()
  if (items.length > MAX_AGREE) place.fail(`at most ${MAX_AGREE} values`)
  return items.map((item) => expressionAt(item).run)
}

function readTables(place: Place | undefined): JsonObject {
  const tables: JsonObject = {}
  for (const [table, at] of place?.entries(null) ?? []) tables[table] = Object.fromEntries([...at.entries(null)].map(([key, value]) => [key, value.scalar()]))
  return tables
}
