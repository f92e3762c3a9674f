import type { JsonObject } from '../event/json.ts'
import { readPeople, type PeopleRule } from './alias.ts'
import { readFanOut, type FanOut } from './fan-out.ts'
import type { Expression } from './expression/expression.ts'
import type { Run } from './expression/scope.ts'
import { expressionAt, templateAt, type Template } from './template.ts'
import type { Place } from './yaml.ts'

/** Keys an event may have; all but the first two may also stand in `defaults`. */
export const EVENT_KEYS = [
  'topic',
  'match',
  'each',
  'as',
  'event_type',
  'stream',
  'filter',
  'id',
  'subject',
  'source',
  'time',
  'type',
  'session',
  'status',
  'regulatory_tag',
  'people',
  'map',
  'compare',
] as const
const DEFAULT_KEYS = EVENT_KEYS.slice(2)

/** One compiled entry of `events`. */
export interface Rule {
  readonly place: Place
  readonly topics: readonly string[]
  readonly match: Expression | null
  readonly each: FanOut | null
  readonly as: Template | null
  readonly eventType: Run | null
  readonly stream: Run | null
  readonly filter: Run | null
  readonly id: Template
  readonly subject: Template
  readonly source: Template
  readonly type: Template
  readonly time: Run | null
  readonly session: Run | null
  readonly status: Run | null
  readonly regulatoryTag: Template | null
  readonly people: PeopleRule
  readonly map: Template
  /** True when the rule has no map of its own, so that a trail's `map` may take its place. */
  readonly mapIsDefault: boolean
  readonly compared: (data: JsonObject) => JsonObject
}

/** Compiles `events`, each over the `defaults`. @throws SealtrailError PACK_INVALID */
export function readRules(events: Place, defaults: Place | undefined): Rule[] {
  const shared = defaults?.entries(DEFAULT_KEYS) ?? new Map<string, Place>()
  const rules = events.items().map((event) => readRule(event, shared))
  if (rules.length === 0) events.fail('a pack needs at least one event')
  return rules
}

function readRule(place: Place, shared: ReadonlyMap<string, Place>): Rule {
  const own = place.entries(EVENT_KEYS)
  const at = (key: (typeof EVENT_KEYS)[number]): Place | undefined => own.get(key) ?? shared.get(key)
  const needed = (key: (typeof EVENT_KEYS)[number]): Place => at(key) ?? place.fail(`the event needs "${key}"`)
  const template = (key: (typeof EVENT_KEYS)[number]): Template | null => {
    const found = at(key)
    return found === undefined ? null : templateAt(found, key)
  }
  const expression = (key: (typeof EVENT_KEYS)[number]): Expression | null => {
    const found = at(key)
    return found === undefined ? null : expressionAt(found)
  }
  if (!own.has('topic') && !own.has('match')) place.fail('the event needs "topic" or "match"')
  return {
    place,
    topics:
      own
        .get('topic')
        ?.oneOrMore()
        .map((topic) => topic.text()) ?? [],
    match: expression('match'),
    each: at('each') === undefined ? null : readFanOut(at('each')!),
    as: at('as') === undefined ? null : templateAt(at('as')!),
    eventType: template('event_type')?.run ?? null,
    stream: expression('stream')?.run ?? null,
    filter: expression('filter')?.run ?? null,
    id: templateAt(needed('id')),
    subject: templateAt(needed('subject')),
    source: templateAt(needed('source')),
    type: templateAt(needed('type')),
    time: expression('time')?.run ?? null,
    session: expression('session')?.run ?? null,
    status: expression('status')?.run ?? null,
    regulatoryTag: template('regulatory_tag'),
    people: readPeople(at('people')),
    map: templateAt(needed('map')),
    mapIsDefault: !own.has('map'),
    compared: readCompare(at('compare')),
  }
}

/** `{ only: [names] }` or `{ except: [names] }` of top-level fields. */
function readCompare(place: Place | undefined): (data: JsonObject) => JsonObject {
  if (place === undefined) return (data) => data
  const entries = place.entries(['only', 'except'])
  const names = (key: string): string[] | undefined =>
    entries
      .get(key)
      ?.items()
      .map((item) => item.text())
  const only = names('only')
  const except = names('except')
  if ((only === undefined) === (except === undefined)) place.fail('either "only" or "except" is needed')
  if (only !== undefined) {
    return (data) => {
      const out: JsonObject = {}
      for (const name of only) if (Object.hasOwn(data, name)) out[name] = data[name]!
      return out
    }
  }
  const left = new Set(except)
  return (data) => {
    if (!except!.some((name) => Object.hasOwn(data, name))) return data
    const out: JsonObject = {}
    for (const name of Object.keys(data)) {
      if (left.has(name)) continue
      if (name === '__proto__') Object.defineProperty(out, name, { value: data[name], enumerable: true, configurable: true, writable: true })
      else out[name] = data[name]!
    }
    return out
  }
}
