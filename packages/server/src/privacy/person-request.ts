import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { PersonAlias } from '../event/person-alias.ts'
import { assertOnly, personOf } from './erasure-request.ts'
import { assertNameless, matterOf } from './matter.ts'

/** `{person}`. @throws SealtrailError BAD_REQUEST; it repeats no value */
export function parseShow(body: JsonObject): readonly PersonAlias[] {
  assertOnly(body, ['person'])
  return personOf(body['person'])
}

/** `{person: [one name of each], reason}`. @throws SealtrailError BAD_REQUEST */
export function parseMerge(body: JsonObject): { person: readonly PersonAlias[]; reason: string } {
  const order = parse(body)
  if (order.person.length < 2) throw new SealtrailError('BAD_REQUEST', 'person is a list: a name of each who are to be one')
  return order
}

/** `{person: name, reason}`. @throws SealtrailError BAD_REQUEST */
export function parseSplit(body: JsonObject): { alias: PersonAlias; reason: string } {
  const { person, reason } = parse(body)
  const [alias, ...more] = person
  if (alias === undefined || more.length > 0) throw new SealtrailError('BAD_REQUEST', 'person is the one name that is to be somebody else’s')
  return { alias, reason }
}

function parse(body: JsonObject): { person: readonly PersonAlias[]; reason: string } {
  assertOnly(body, ['person', 'reason'])
  const person = personOf(body['person'])
  const reason = matterOf('reason', body['reason'])
  assertNameless('reason', reason, person)
  return { person, reason }
}
