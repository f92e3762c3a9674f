import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { personAlias } from '../event/person-alias.ts'
import type { PersonAlias } from '../event/person-alias.ts'
import type { ErasureAsked } from './erasure.ts'
import { assertNameless, matterOf } from './matter.ts'

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
  assertNameless('ground', asked.ground, person)
  assertNameless('reference', asked.reference ?? '', person)
  return asked
}

/** `{reason}` of a withdrawal. @throws SealtrailError BAD_REQUEST */
export function withdrawalOf(body: JsonObject): string {
  assertOnly(body, ['reason'])
  return matterOf('reason', body['reason'])
}

/** One name or a list of names of one person. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function personOf(value: JsonValue | undefined): PersonAlias[] {
  const names = Array.isArray(value) ? value : [value]
  if (names.length === 0 || names.length > MOST_ALIASES) throw new SealtrailError('BAD_REQUEST', `person is one name or at most ${MOST_ALIASES} of one person`)
  return names.map((name) => {
    if (typeof name !== 'string') throw new SealtrailError('BAD_REQUEST', 'person is a text, KIND:VALUE, or a list of such texts')
    return personAlias(name)
  })
}

/** @throws SealtrailError BAD_REQUEST */
export function assertOnly(body: JsonObject, known: readonly string[]): void {
  if (Object.keys(body).some((name) => !known.includes(name))) throw new SealtrailError('BAD_REQUEST', `known here: ${known.join(', ')}`)
}
