import type { Input } from '../event/input.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import { peopleOf } from './alias.ts'
import type { Bound } from './binding.ts'
import { ExpressionError, newScope, type Run, type Scope } from './expression/scope.ts'
import type { FieldNode, Kept, Mapping, Pack, PackContext, PackResult, PackStates, Selection } from './pack.ts'
import type { Rule } from './rule.ts'
import type { Schemas } from './schema.ts'
import { orderOf } from './states.ts'
import { readTime } from './time.ts'
import type { TopicMatch, TopicTable } from './topics.ts'
import { unwrap, type UnwrapRule } from './unwrap.ts'

/** Stands for the rules of a topic that is known and never holds an event. */
export const IGNORED: unique symbol = Symbol('ignored')

/** What `compile.ts` makes of a pack's files and a trail. */
export interface Parts {
  readonly name: string
  readonly version: number
  readonly trail: string
  readonly digest: string
  readonly sequenced: boolean
  readonly statuses: ReadonlyMap<string, number>
  readonly states: PackStates
  readonly fields: FieldNode
  readonly schemas: Schemas
  readonly unwrap: UnwrapRule
  readonly tables: JsonObject
  readonly rules: readonly Rule[]
  readonly topics: TopicTable<readonly Rule[] | typeof IGNORED>
  readonly bound: Bound
  /** What deliveries of one event must agree on, whatever their routes; null when the pack does not say. */
  readonly agree: readonly Run[] | null
}

/** A compiled pack at work. One scope is filled anew for each event, so that evaluating allocates little. */
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
  readonly #parts: Parts
  readonly #untopical: readonly Rule[]
  readonly #scope: Scope
  readonly #label: string
  #tenant: JsonObject = { id: '' }

  constructor(parts: Parts) {
    this.name = parts.name
    this.version = parts.version
    this.trail = parts.trail
    this.digest = parts.digest
    this.fields = parts.fields
    this.sequenced = parts.sequenced
    this.statuses = parts.statuses
    this.states = parts.states
    this.schemas = parts.schemas.versions
    this.rules = parts.rules
    this.#parts = parts
    this.#untopical = parts.rules.filter((rule) => rule.topics.length === 0)
    this.#scope = newScope(parts.tables)
    this.#label = `${parts.name}@${parts.version}`
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
    const { body, topic, template } = unwrap(this.#parts.unwrap, value)
    const found = topic === null ? null : this.#parts.topics.find(topic)
    // attacker: a template that contradicts the topic is nobody's event.
    if (found !== null && template !== null && template !== found.pattern && template !== topic) return { kind: 'unmatched' }
    if (found !== null && found.value === IGNORED) return { kind: 'kept', kept: [], dropped: 1 }
    const scope = this.#enter(input, context, found)
    scope.event = body
    const candidates = found === null ? this.#untopical : (found.value as readonly Rule[])
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
    const { filter, streams } = this.#parts.bound
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
    const map = this.#parts.bound.map !== null && rule.mapIsDefault ? this.#parts.bound.map : rule.map
    const data = map.run(scope)
    if (data === null || typeof data !== 'object' || Array.isArray(data)) return unmappable('map does not give a map')
    scope.data = data
    const verdict = this.#parts.schemas.judge(data)
    if ('broken' in verdict) return { kind: 'error', code: 'SCHEMA_BROKEN', message: `the data breaks the schema at ${verdict.broken}` }
    const time = readTime(rule.time === null ? null : rule.time(scope))
    if (time === null) return unmappable('time is neither epoch milliseconds nor RFC 3339')
    const id = name(rule.id.run(scope))
    const subject = name(rule.subject.run(scope))
    const type = name(rule.type.run(scope))
    const source = name(rule.source.run(scope))
    if (id === null || subject === null || type === null || source === null)
      return unmappable(`${id === null ? 'id' : subject === null ? 'subject' : type === null ? 'type' : 'source'} is no text of 1 to 1,024 characters`)
    const status = rule.status === null ? null : rule.status(scope)
    const rank = typeof status === 'string' ? this.statuses.get(status) : undefined
    if (rule.status !== null && rank === undefined) return unmappable("status is none of the pack's statuses")
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
        agree: this.#parts.agree === null ? null : this.#parts.agree.map((run) => run(scope)),
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

/** Unicode's control characters (Cc), spelled out: the property class costs twice as much. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f]/

/** attacker: a name goes into the record in clear and into keys of stores, so its length is bounded and it holds no control characters. */
function name(value: JsonValue): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 1024 && !CONTROL.test(value) ? value : null
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
