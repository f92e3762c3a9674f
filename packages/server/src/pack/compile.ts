import type { Input } from '../event/input.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import { readBinding, type Binding, type Bound } from './binding.ts'
import { peopleOf } from './alias.ts'
import { ExpressionError, newScope, type Scope } from './expression/scope.ts'
import { readFields } from './fields.ts'
import type { FieldNode, Kept, Mapping, Pack, PackContext, PackResult, PackStates, Selection } from './pack.ts'
import { refusePersonalNames } from './personal.ts'
import { readRules, type Rule } from './rule.ts'
import { compileSchemas, type Schemas } from './schema.ts'
import { orderOf, readStates } from './states.ts'
import { readTime } from './time.ts'
import { TopicTable, type TopicMatch } from './topics.ts'
import { readUnwrap, unwrap, type UnwrapRule } from './unwrap.ts'
import type { Place } from './yaml.ts'

const KEYS = ['name', 'version', 'title', 'trail', 'sequenced', 'statuses', 'streams', 'unwrap', 'ignore', 'tables', 'defaults', 'events', 'people', 'fields', 'states'] as const
const IGNORED: unique symbol = Symbol('ignored')

export interface PackSource {
  readonly yaml: Place
  readonly schemas: readonly { readonly version: number; readonly file: string; readonly schema: JsonObject }[]
  readonly digest: string
}

/** Compiles a pack for a trail. @throws SealtrailError PACK_INVALID with file, line and column; CONFIG_INVALID for the trail's own part. */
export function compilePack(source: PackSource, binding: Binding): CompiledPack {
  return new CompiledPack(source, binding)
}

export class CompiledPack implements Pack {
  readonly name: string
  readonly version: number
  readonly trail: string
  readonly digest: string
  readonly fields: FieldNode
  readonly sequenced: boolean
  readonly statuses: ReadonlyMap<string, number>
  readonly states: PackStates
  readonly schemas: Schemas['versions']
  readonly rules: readonly Rule[]
  readonly #judge: Schemas['judge']
  readonly #unwrap: UnwrapRule
  readonly #topics = new TopicTable<Rule[] | typeof IGNORED>()
  readonly #untopical: readonly Rule[]
  readonly #bound: Bound
  readonly #scope: Scope
  readonly #label: string
  #tenant: JsonObject = { id: '' }

  constructor(source: PackSource, binding: Binding) {
    const root = source.yaml
    const entries = root.entries(KEYS)
    const needed = (key: (typeof KEYS)[number]): Place => entries.get(key) ?? root.fail(`the pack needs "${key}"`)
    this.name = needed('name').text()
    if (!/^[a-z0-9][a-z0-9.-]{0,62}$/.test(this.name)) needed('name').fail('a pack is named with a-z, 0-9, "." and "-"')
    this.version = needed('version').integer()
    this.#label = `${this.name}@${this.version}`
    this.trail = binding.trail ?? entries.get('trail')?.text() ?? this.name
    this.digest = source.digest
    this.sequenced = entries.get('sequenced')?.boolean() ?? false
    this.statuses = new Map(entries.get('statuses')?.items().map((item, i) => [item.text(), i + 1]))
    this.states = readStates(entries.get('states'))
    this.#unwrap = readUnwrap(entries.get('unwrap'))
    this.rules = readRules(needed('events'), entries.get('defaults'))
    this.fields = readFields(entries.get('fields'), new Set(this.rules.flatMap((rule) => [...rule.people.keys()])))
    const schemas = compileSchemas(this.name, source.schemas)
    this.schemas = schemas.versions
    this.#judge = schemas.judge
    this.#scope = newScope(readTables(entries.get('tables')))
    this.#bound = readBinding(binding, entries.get('streams')?.items().map((item) => item.text()) ?? [])
    this.#untopical = this.rules.filter((rule) => rule.topics.length === 0)
    for (const rule of this.rules) for (const topic of rule.topics) this.#addTopic(topic, rule)
    for (const item of entries.get('ignore')?.items() ?? []) if (!this.#topics.add(item.text(), IGNORED)) item.fail('this topic is there already, or has more than one {id}')
    for (const rule of this.rules) refusePersonalNames(rule, this.fields)
  }

  #addTopic(topic: string, rule: Rule): void {
    const there = this.#topics.get(topic)
    if (Array.isArray(there) && there.every((r) => r.match !== null)) there.push(rule)
    else if (!this.#topics.add(topic, [rule])) rule.place.fail(`the topic ${topic} is there already without "match", or has more than one {id}`)
  }

  apply(input: Input, context: PackContext): PackResult {
    const selection = this.select(input, context)
    if (selection.kind !== 'kept') return selection
    const events: MappedEvent[] = []
    for (const kept of selection.kept) {
      const mapping = this.map(kept, input, context)
      if (mapping.kind === 'error') return mapping
      events.push(mapping.event)
    }
    return { kind: 'events', events, dropped: selection.dropped }
  }

  select(input: Input, context: PackContext): Selection {
    if (input.value === null) return { kind: 'unmatched' }
    try {
      return this.#select(input, input.value, context)
    } catch (error) {
      return failure(error)
    }
  }

  #select(input: Input, value: JsonObject, context: PackContext): Selection {
    const { body, topic, template } = unwrap(this.#unwrap, value)
    const found = topic === null ? null : this.#topics.find(topic)
    // attacker: a template that contradicts the topic is nobody's event.
    if (found !== null && template !== null && template !== found.pattern && template !== topic) return { kind: 'unmatched' }
    if (found !== null && found.value === IGNORED) return { kind: 'kept', kept: [], dropped: 1 }
    const scope = this.#enter(input, context, found)
    scope.event = body
    const candidates = found === null ? this.#untopical : (found.value as Rule[])
    const rule = candidates.find((r) => r.match === null || r.match.run(scope) === true)
    if (rule === undefined) return { kind: 'unmatched' }
    if (rule.each === null) {
      const kept = this.#keep(rule, body, rule.as === null ? null : [body], found, scope)
      return kept === null ? { kind: 'kept', kept: [], dropped: 1 } : { kind: 'kept', kept: [kept], dropped: 0 }
    }
    const elements = rule.each(body, scope)
    const kept: Kept[] = []
    for (const { event, within } of elements) {
      const one = this.#keep(rule, event, within, found, scope)
      if (one !== null) kept.push(one)
    }
    return { kind: 'kept', kept, dropped: elements.length === 0 ? 1 : elements.length - kept.length }
  }

  #keep(rule: Rule, event: JsonValue, within: JsonValue, found: TopicMatch<unknown> | null, scope: Scope): Kept | null {
    scope.event = event
    scope.within = within
    if (rule.as !== null) scope.event = rule.as.run(scope)
    scope.event_type = rule.eventType === null ? null : rule.eventType(scope)
    const { filter, streams } = this.#bound
    if (streams !== null && rule.stream !== null) {
      const stream = rule.stream(scope)
      if (stream !== null && !(Array.isArray(stream) ? stream : [stream]).some((one) => streams.has(one))) return null
    }
    if (rule.filter !== null && !holds(rule.filter(scope))) return null
    if (filter !== null && !holds(filter.run(scope))) return null
    return { rule, event: scope.event, within, eventType: scope.event_type, topic: found?.tail ?? null, topicId: found?.id ?? null }
  }

  map(kept: Kept, input: Input, context: PackContext): Mapping {
    try {
      return this.#map(kept, kept.rule as Rule, input, context)
    } catch (error) {
      return failure(error)
    }
  }

  #map(kept: Kept, rule: Rule, input: Input, context: PackContext): Mapping {
    const scope = this.#enter(input, context, null)
    scope.event = kept.event
    scope.within = kept.within
    scope.event_type = kept.eventType
    scope.topic = kept.topic
    scope.topic_id = kept.topicId
    const map = this.#bound.map !== null && rule.mapIsDefault ? this.#bound.map : rule.map
    const data = map.run(scope)
    if (data === null || typeof data !== 'object' || Array.isArray(data)) return unmappable('map does not give a map')
    scope.data = data
    const verdict = this.#judge(data)
    if ('broken' in verdict) return { kind: 'error', code: 'SCHEMA_BROKEN', message: `the data breaks the schema at ${verdict.broken}` }
    const time = readTime(rule.time === null ? null : rule.time(scope))
    if (time === null) return unmappable('time is neither epoch milliseconds nor RFC 3339')
    const id = name(rule.id.run(scope))
    const subject = name(rule.subject.run(scope))
    const type = name(rule.type.run(scope))
    const source = name(rule.source.run(scope))
    if (id === null || subject === null || type === null || source === null) return unmappable(`${id === null ? 'id' : subject === null ? 'subject' : type === null ? 'type' : 'source'} is no text of 1 to 1,024 characters`)
    const status = rule.status === null ? null : rule.status(scope)
    const rank = typeof status === 'string' ? this.statuses.get(status) : undefined
    if (rule.status !== null && rank === undefined) return unmappable('status is none of the pack\'s statuses')
    const session = rule.session === null ? null : rule.session(scope)
    const tag = rule.regulatoryTag === null ? null : rule.regulatoryTag.run(scope)
    return {
      kind: 'event',
      event: {
        trail: this.trail,
        pack: this.#label,
        id,
        subject,
        type,
        timeMs: time.ms,
        time: time.text,
        source,
        schema: verdict.schema,
        regulatorytag: typeof tag === 'string' && tag !== '' ? tag : null,
        data,
        compared: rule.compared(data),
        order: orderOf(this.states, type, typeof session === 'string' ? session : null),
        status: rank === undefined ? null : { name: status as string, rank },
        people: peopleOf(rule.people, scope),
      },
    }
  }

  #enter(input: Input, context: PackContext, found: TopicMatch<unknown> | null): Scope {
    const scope = this.#scope
    if (this.#tenant['id'] !== context.tenant) this.#tenant = { id: context.tenant }
    scope.raw = input.value
    scope.context = input.context
    scope.tenant = this.#tenant
    scope.within = null
    scope.data = null
    scope.event_type = null
    scope.topic = found?.tail ?? null
    scope.topic_id = found?.id ?? null
    scope.receivedMs = input.receivedMs
    return scope
  }
}

/** attacker: a name goes into the record in clear and into keys of stores, so its length is bounded and it holds no control characters. */
function name(value: JsonValue): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 1024 && !/[\u0000-\u001f\u007f]/.test(value) ? value : null
}

function holds(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value
  throw new ExpressionError('a filter gives no bool')
}

function unmappable(message: string): { kind: 'error'; code: 'UNMAPPABLE'; message: string } {
  return { kind: 'error', code: 'UNMAPPABLE', message }
}

function failure(error: unknown): { kind: 'error'; code: 'EXPRESSION_FAILED'; message: string } {
  // Messages of our own errors name types and fields only; any other could quote a value.
  return { kind: 'error', code: 'EXPRESSION_FAILED', message: error instanceof ExpressionError ? error.message : 'an expression failed' }
}

function readTables(place: Place | undefined): JsonObject {
  const tables: JsonObject = {}
  for (const [table, at] of place?.entries(null) ?? []) tables[table] = Object.fromEntries([...at.entries(null)].map(([key, value]) => [key, value.scalar()]))
  return tables
}
