import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { detect } from '../protect/detect.ts'
import type { ErasureAsked, PersonAlias } from './erasure.ts'

const MOST_ALIASES = 32

/** `{person}`: one name or a list of names of one person. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function parsePlan(body: JsonObject): Pick<ErasureAsked, 'person'> {
  assertOnly(body, ['person'])
  return { person: personOf(body['person']) }
}

/** `{person, ground, reference?}`. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function parseErasure(body: JsonObject): ErasureAsked {
  assertOnly(body, ['person', 'ground', 'reference'])
  const { ground, reference = null } = body
  const person = personOf(body['person'])
  const asked = { person, ground: matterOf('ground', ground), reference: reference === null ? null : matterOf('reference', reference) }
  // Of names nothing tells what they look like: `CUST-4711` is found by having been given.
  for (const [name, text] of [['ground', asked.ground] as const, ['reference', asked.reference ?? ''] as const])
    if (person.some(({ value }) => text.toLowerCase().includes(value.trim().toLowerCase())))
      throw new SealtrailError('BAD_REQUEST', `${name} names the person; name the matter, it is sealed in clear`)
  return asked
}

/** `{reason}` of a withdrawal. @throws SealtrailError BAD_REQUEST */
export function withdrawalOf(body: JsonObject): string {
  assertOnly(body, ['reason'])
  return matterOf('reason', body['reason'])
}

/** `KIND:VALUE`, or a value alone, whose kind is what it looks like. @throws SealtrailError BAD_REQUEST */
export function aliasOf(text: string): PersonAlias {
  const named = /^([a-z][a-z0-9_-]{0,31}):(.*)$/s.exec(text)
  // `tel:`, `mailto:` and the like are part of an address, not the name of a kind.
  const [kind, value] = named === null || SCHEMES.has(named[1] as string) ? [null, text] : [named[1] as string, named[2] as string]
  if (value.trim() === '' || text.length > 1_024) throw new SealtrailError('BAD_REQUEST', 'a person is named by KIND:VALUE, such as phone:+12025550123')
  return { kind, value }
}

const SCHEMES: ReadonlySet<string> = new Set(['tel', 'sms', 'sip', 'sips', 'mailto', 'whatsapp', 'callto'])

function personOf(value: JsonValue | undefined): PersonAlias[] {
  const names = Array.isArray(value) ? value : [value]
  if (names.length === 0 || names.length > MOST_ALIASES) throw new SealtrailError('BAD_REQUEST', `person is one name or at most ${MOST_ALIASES} of one person`)
  return names.map((name) => {
    if (typeof name !== 'string') throw new SealtrailError('BAD_REQUEST', 'person is a text, KIND:VALUE, or a list of such texts')
    return aliasOf(name)
  })
}

/** It is sealed in clear, for ever. */
function matterOf(name: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 500)
    throw new SealtrailError('BAD_REQUEST', `${name} is a text of at most 500 characters`)
  const found = detect(value, name)
  if (found !== null) throw new SealtrailError('BAD_REQUEST', `${name} holds a personal value (${found}); name the matter, not the person`)
  return value
}

function assertOnly(body: JsonObject, known: readonly string[]): void {
  if (Object.keys(body).some((name) => !known.includes(name))) throw new SealtrailError('BAD_REQUEST', `known here: ${known.join(', ')}`)
}
