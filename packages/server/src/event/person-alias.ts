import { SealtrailError } from '../errors.ts'
import { addressAlias } from './address.ts'

/** How a person is named: a kind (`phone`, `email`, `external-id` …) or null, which tries what the value looks like. Kept in memory only, and written nowhere. */
export interface PersonAlias {
  readonly kind: string | null
  readonly value: string
}

/** `KIND:VALUE`, or a value alone, whose kind is what it looks like. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function personAlias(text: string): PersonAlias {
  const named = /^([a-z][a-z0-9_-]{0,31}):(.*)$/s.exec(text)
  // `tel:`, `mailto:` and the like are part of an address, not the name of a kind.
  const [kind, value] = named === null || SCHEMES.has(named[1] as string) ? [null, text] : [named[1] as string, named[2] as string]
  if (value.trim() === '' || text.length > 1_024) throw new SealtrailError('BAD_REQUEST', 'a person is named by KIND:VALUE, such as phone:+12025550123')
  return { kind, value }
}

const KINDS: ReadonlySet<string> = new Set(['phone', 'email'])
const SCHEMES: ReadonlySet<string> = new Set(['tel', 'sms', 'sip', 'sips', 'mailto', 'whatsapp', 'callto'])

/**
 * Every token a person may be known by under this name.
 * @param kinds those that packs make tokens of, for a value that does not say what it is
 * @param tokens of a value as a name of one kind, under every token key
 */
export function personTokens({ kind, value }: PersonAlias, kinds: readonly string[], tokens: (kind: string, value: string) => readonly string[]): string[] {
  if (kind !== null) {
    // `cust:4711` is an id, unless packs know a kind of that name.
    if (kinds.includes(kind) || KINDS.has(kind)) return [...tokens(kind, value)]
    return personTokens({ kind: null, value: `${kind}:${value}` }, kinds, tokens)
  }
  const address = addressAlias(value)
  // A number or an e-mail address is that; anything else may be a name of any other kind.
  if (address !== null && address.kind !== 'address') return [...tokens(address.kind, address.value)]
  return kinds.flatMap((each) => [...tokens(each, value)])
}
