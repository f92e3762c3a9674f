import type { FieldNode, FieldRule, Pack, PackStates } from '../pack/pack.ts'

/** What reading needs to know of the records in one log. */
export interface TrailReading {
  readonly log: string
  /** The trail it belongs to; its name is the log's, too, unless the log is that of a retention class. */
  readonly trail: string
  /** Held and released in order: interactions, whose state can be replayed. */
  readonly sequenced: boolean
  /** The log its summaries go to, where its detail expires before they do; else null. */
  readonly summaries: string | null
  /** Status names by precedence, highest rank highest; empty for trails without. */
  readonly statuses: ReadonlyMap<string, number>
  readonly states: PackStates
  /** Kinds of search tokens under which a field of the data can be found, by the field's name. */
  readonly tokenKinds: ReadonlyMap<string, readonly string[]>
  /** Classification of the data, by the name of the pack that made it. */
  readonly fields: ReadonlyMap<string, FieldNode>
}

/** The packs of a trail as reading sees them. Of a type that several name, the first pack's word holds. */
export function trailReading(
  log: string,
  packs: ReadonlyArray<Pick<Pack, 'name' | 'sequenced' | 'statuses' | 'states' | 'fields'>>,
  trail: string = log,
): TrailReading {
  const statuses = new Map<string, number>()
  const byType = new Map<string, PackStates['byType'] extends ReadonlyMap<string, infer State> ? State : never>()
  const kinds = new Map<string, string[]>()
  for (const pack of packs) {
    for (const [name, rank] of pack.statuses) if (!statuses.has(name)) statuses.set(name, rank)
    for (const [type, state] of pack.states.byType) if (!byType.has(type)) byType.set(type, state)
    for (const [name, node] of pack.fields.keys) {
      const kind = tokenKind(node.rule)
      if (kind === null) continue
      const known = kinds.get(name) ?? []
      kinds.set(name, known.includes(kind) ? known : [...known, kind])
    }
  }
  return {
    log,
    trail,
    sequenced: packs.some((pack) => pack.sequenced),
    summaries: null,
    statuses,
    states: { byType },
    tokenKinds: kinds,
    fields: new Map(packs.map(({ name, fields }) => [name, fields])),
  }
}

function tokenKind(rule: FieldRule | null): string | null {
  return rule?.class === 'personal' && rule.token ? rule.kind : null
}
