import { addressAlias } from '../event/address.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { Alias } from '../event/mapped.ts'
import type { Run, Scope } from './expression/scope.ts'
import { expressionAt } from './template.ts'
import type { Place } from './yaml.ts'

interface AliasRule {
  /** `address` means: see whether it is an e-mail address, a telephone number or another identifier. */
  readonly kind: string
  readonly value: Run
}

export type PeopleRule = ReadonlyMap<string, readonly AliasRule[]>

/** Reads `people`: role → list of { kind, value (CEL) }, in order of preference. @throws SealtrailError PACK_INVALID */
export function readPeople(place: Place | undefined): PeopleRule {
  const people = new Map<string, readonly AliasRule[]>()
  if (place === undefined) return people
  for (const [role, at] of place.entries(null)) {
    people.set(
      role,
      at.items().map((item) => {
        const entries = item.entries(['kind', 'value'])
        const kind = entries.get('kind') ?? item.fail('an alias needs "kind"')
        const value = entries.get('value') ?? item.fail('an alias needs "value"')
        return { kind: kind.text(), value: expressionAt(value).run }
      }),
    )
  }
  return people
}

const NOBODY: readonly Alias[] = []

/** The people of an event by role; a list gives an alias for each element, what is no text gives none. @throws ExpressionError */
export function peopleOf(rules: PeopleRule, scope: Scope): Readonly<Record<string, readonly Alias[]>> {
  const people: Record<string, readonly Alias[]> = {}
  for (const [role, aliases] of rules) {
    let found: Alias[] | null = null
    for (const { kind, value } of aliases) {
      const v = value(scope)
      if (v === null) continue
      found ??= []
      if (Array.isArray(v)) for (const element of v) add(found, kind, element)
      else add(found, kind, v)
    }
    people[role] = found ?? NOBODY
  }
  return people
}

function add(into: Alias[], kind: string, value: JsonValue | JsonObject): void {
  if (typeof value !== 'string' || value === '') return
  const alias = kind === 'address' || kind === 'phone' || kind === 'email' ? addressAlias(value) : { kind, value }
  // `anonymous` in place of a number is nobody's alias: all who withhold their number would become one person.
  if (alias === null || (kind !== 'address' && alias.kind !== kind) || into.some((a) => a.kind === alias.kind && a.value === alias.value)) return
  into.push(alias)
}
