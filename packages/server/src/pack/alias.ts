import type { Alias } from '../event/mapped.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
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
  const alias = kind === 'address' || kind === 'phone' || kind === 'email' ? addressAlias(kind, value) : { kind, value }
  if (alias.value === '' || into.some((a) => a.kind === alias.kind && a.value === alias.value)) return
  into.push(alias)
}

/** `tel:+1 317 555 0142` → phone `+13175550142`; `mailto:A@b.example` → email `a@b.example`; anything else stays what it is, as `address`. */
export function addressAlias(kind: string, text: string): Alias {
  const colon = text.indexOf(':')
  const scheme = colon > 0 && colon < 8 ? text.slice(0, colon).toLowerCase() : ''
  let bare = scheme === 'tel' || scheme === 'sms' || scheme === 'sip' || scheme === 'sips' || scheme === 'mailto' ? text.slice(colon + 1) : text
  const end = bare.search(/[;?]/)
  if (end >= 0 && scheme !== '') bare = bare.slice(0, end)
  const at = bare.indexOf('@')
  if (at > 0 && (scheme === 'sip' || scheme === 'sips') && isPhone(bare.slice(0, at))) bare = bare.slice(0, at)
  if (isPhone(bare)) return { kind: 'phone', value: bare.replace(/[^+\d]/g, '') }
  if (bare.indexOf('@') > 0) return { kind: 'email', value: bare.toLowerCase() }
  return kind === 'address' ? { kind: 'address', value: bare } : { kind, value: bare }
}

function isPhone(text: string): boolean {
  return /^\+?[\d\s().-]{5,20}$/.test(text)
}
