import type { FieldRule, Mask, PersonalRule } from './pack.ts'
import type { Place } from './yaml.ts'

/** Masks by name. At most the first six (`card-8`: eight) digits and the last four of a card number: PCI DSS 3.4.1. */
const MASKS = ['card', 'card-8', 'phone', 'email', 'address', 'last4'] as const
/** The mask that goes with a kind, for `mask: true`. */
const BY_KIND: Readonly<Record<string, Mask>> = { 'card-number': 'card', phone: 'phone', email: 'email', address: 'address', 'national-id': 'last4' }
/** No mask of our own shows more of a text than PCI DSS 3.4.1 lets be shown of a card number. */
const MOST_FIRST = 6
const MOST_LAST = 4
/** Card numbers are shown as cards are, or not at all. */
const CARD_MASKS: readonly unknown[] = ['card', 'card-8', 'last4']
export const CARD_KIND = 'card-number'
/** The kind of a value nobody has given one. */
export const ANY_KIND = 'value'

const FORMS =
  'write plain, drop, refuse, commit, token, mask, verify-only, { personal: KIND, whose: ROLE, … } or { map: [NAMES], whose: ROLE }, with token, mask or verify-only'

export interface RuleReading {
  readonly roles: ReadonlySet<string>
  /** A trail's: what stands there already, or null. Kind and owner are taken from it where the new rule does not say them. A pack says them itself. */
  readonly under?: FieldRule | null
}

/** Reads what becomes of a field, as a pack or a trail writes it; `{ plain: BECAUSE }` is the trail's, see `override.ts`. @throws SealtrailError PACK_INVALID */
export function readRule(place: Place, { roles, under }: RuleReading): FieldRule {
  const known = under?.class === 'personal' ? under : null
  if (!place.isMap) {
    const name = place.text()
    if (name === 'plain' || name === 'refuse' || name === 'drop') return { class: name }
    const { kind, whose } = known ?? { kind: ANY_KIND, whose: under?.class === 'map' ? under.whose : null }
    const personal = { class: 'personal', kind, whose, token: false, mask: null, verifyOnly: false } as const
    if (name === 'commit') return personal
    if (name === 'token') return checked({ ...personal, token: true }, place)
    if (name === 'mask') return checked({ ...personal, mask: byKind(kind, place) }, place)
    if (name === 'verify-only') return { ...personal, verifyOnly: true }
    place.fail(`"${name}" is no classification; ${FORMS}`)
  }
  const entries = place.entries(['personal', 'map', 'whose', 'token', 'mask', 'verify-only'])
  const whose = entries.get('whose')?.scalar() ?? null
  if (whose !== null && !roles.has(String(whose))) entries.get('whose')!.fail(`"${whose}" is no role of "people"; known: ${[...roles].join(', ') || 'none'}`)
  const owner = whose === null ? null : String(whose)
  const personal = entries.get('personal')
  const map = entries.get('map')
  if (personal !== undefined && map !== undefined) place.fail('either "personal" or "map" is needed')
  if (map !== undefined) {
    for (const key of ['token', 'mask', 'verify-only']) if (entries.has(key)) entries.get(key)!.fail(`an open map has no ${key}`)
    return { class: 'map', allow: new Set(map.items().map((item) => item.text())), whose: owner }
  }
  if (personal === undefined && under === undefined) place.fail('either "personal" or "map" is needed')
  const kind = personal?.text() ?? known?.kind ?? ANY_KIND
  return checked(
    {
      class: 'personal',
      kind,
      whose: entries.has('whose') ? owner : (known?.whose ?? null),
      token: entries.get('token')?.boolean() ?? false,
      mask: entries.has('mask') ? readMask(entries.get('mask')!, kind) : null,
      verifyOnly: entries.get('verify-only')?.boolean() ?? false,
    },
    place,
  )
}

function checked(rule: PersonalRule, place: Place): FieldRule {
  if (rule.verifyOnly && (rule.token || rule.mask !== null)) place.fail('of a verify-only value nothing is kept but what checks it: no token, no mask')
  if (rule.kind !== CARD_KIND) return rule
  // PCI DSS 3.5.1: who has both a hash and a truncation of one card number can put it together again.
  if (rule.token && rule.mask !== null) place.fail('a card number is never both searched for by token and shown masked (PCI DSS 3.5.1); choose one')
  if (rule.mask !== null && !CARD_MASKS.includes(rule.mask)) place.fail('of a card number the masks are card, card-8 and last4 (PCI DSS 3.4.1)')
  return rule
}

function readMask(place: Place, kind: string): Mask | null {
  if (place.isMap) {
    const entries = place.entries(['first', 'last'])
    const [first, last] = [entries.get('first')?.integer() ?? 0, entries.get('last')?.integer() ?? 0]
    if (first > MOST_FIRST || last > MOST_LAST || first + last === 0) place.fail(`a mask shows up to ${MOST_FIRST} first and ${MOST_LAST} last characters`)
    return { first, last }
  }
  const value = place.scalar()
  if (value === false) return null
  if (value === true) return byKind(kind, place)
  const name = MASKS.find((each) => each === value)
  return name ?? place.fail(`there is no such mask; known: ${MASKS.join(', ')}, { first: N, last: M }`)
}

function byKind(kind: string, place: Place): Mask {
  return BY_KIND[kind] ?? place.fail(`no mask goes with the kind "${kind}"; write mask: ${MASKS.join(', ')} or { first: N, last: M }`)
}

/** A rule as people read it. */
export function methodText(rule: FieldRule): string {
  const whose = (role: string | null): string => (role === null ? '' : `, of ${role}`)
  if (rule.class === 'map')
    return `commit, each entry with its name${rule.allow.size === 0 ? '' : `, but for ${[...rule.allow].join(' ')}`}${whose(rule.whose)}`
  if (rule.class !== 'personal') return rule.class
  const { mask } = rule
  const shown = mask === null ? '' : typeof mask === 'string' ? `, mask ${mask}` : `, mask first ${mask.first} last ${mask.last}`
  return `${rule.verifyOnly ? 'verify-only' : 'commit'}${rule.token ? ', token' : ''}${shown}: ${rule.kind}${whose(rule.whose)}`
}
